import type { HostProgress } from '../../crds/patch-strategy-status.ts';
import { isFinal, type RunState } from '../../engine/run-state.ts';
import { opensOutage } from '../../engine/run-step.ts';
import type { Adoption } from '../../hostops/port.ts';
import type { HostName } from '../../planner/facts.ts';
import type { PassContext } from './pass-context.ts';
import { runOf, type RunRecord } from '../../status/codec.ts';

/**
 * Takes over a run that a leader before has carried out so far, before anything is decided about it: its status is
 * stamped with our epoch, then its claims and Jobs, so that what that leader has still under way is refused. Once for
 * each run and epoch. A run of another pool holds nothing any more and is left alone. Throws DeposedError.
 */
export async function adoptRun(read: PassContext): Promise<PassContext> {
  const { deps, strategy, pool, key } = read;
  const { metadata, status } = strategy;
  const record = status.run;
  if (!record || pool?.metadata.name !== record.pool) return read;
  const epoch =
    (record.epoch ?? 0) > read.epoch
      ? await deps.ledger.raiseAbove(record.pool, record.epoch ?? 0)
      : read.epoch;
  const context = { ...read, epoch };
  if (deps.adopted.get(record.id) === epoch) return context;
  const stamped = await deps.api.writeStatus(strategy, { ...status, run: { ...record, epoch } });
  const run = runOf(status);
  if (run) {
    const { namespace, name, uid } = metadata;
    const fence = { strategy: { namespace, name, uid }, run: run.id, epoch };
    await deps.hosts.adopt(adoptions(context, run, record), fence, context.signal);
    deps.log.info(
      { strategy: key, run: run.id, epoch, hosts: run.hosts.map((host) => host.name) },
      'run taken over',
    );
  }
  deps.adopted.set(record.id, epoch);
  return { ...context, strategy: stamped };
}

function adoptions(
  { strategy: { metadata }, epoch }: PassContext,
  run: RunState,
  { planDigest, pool }: RunRecord,
): ReadonlyMap<HostName, Adoption> {
  const { namespace, name, uid } = metadata;
  const common = {
    run: run.id,
    pool,
    epoch,
    planDigest,
    owner: { namespace, name, uid },
    stage: run.apply.currentStage,
  };
  return new Map(
    run.hosts.map((outage) => {
      const { level, since, closedToNewWorkBefore = false } = outage;
      const claim = { ...common, level, since, closedToNewWorkBefore };
      return [outage.name, { claim, makeIfMissing: mayBeOnItsWay(run, outage) }];
    }),
  );
}

/** Whether the claim may not have been made yet. Later a claim that is missing was taken off by somebody. */
function mayBeOnItsWay({ apply }: RunState, { step, result }: HostProgress): boolean {
  const stage = apply.stages[apply.currentStage];
  return stage !== undefined && !isFinal(result) && opensOutage(stage, step);
}
