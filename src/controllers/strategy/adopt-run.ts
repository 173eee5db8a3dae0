import type { HostProgress } from '../../crds/patch-strategy-status.ts';
import { opensOutage } from '../../engine/outages.ts';
import { CAREEN_ENGINE } from '../../engine/profiles/careen.ts';
import { isFinal, type RunState } from '../../engine/run-state.ts';
import type { Adoption } from '../../hostops/port.ts';
import type { HostName } from '../../planner/facts.ts';
import { ownerOf } from '../../resources/stored-strategy.ts';
import type { StoredRun } from '../../status/codec.ts';
import { afterWrite, fenceOf, type StrategyDeps, type StrategyPass } from './strategy-pass.ts';

type Deps = Pick<StrategyDeps, 'api' | 'ledger' | 'hosts' | 'adopted' | 'log'>;

/**
 * Takes over a run that a leader before has carried out so far, before anything is decided about it: its status is
 * stamped with our epoch, then its claims and Jobs, so that what that leader has still under way is refused. Once for
 * each run and epoch. A run of another pool holds nothing any more and is left alone. Throws DeposedError.
 */
export async function adoptRun(deps: Deps, read: StrategyPass, signal: AbortSignal): Promise<StrategyPass> {
  const { api, ledger, hosts, adopted, log } = deps;
  const { strategy, stored, pool, key } = read;
  const record = strategy.status.run;
  if (!record || pool?.metadata.name !== record.pool) return read;
  const epoch =
    (record.epoch ?? 0) > read.epoch ? await ledger.raiseAbove(record.pool, record.epoch ?? 0) : read.epoch;
  const pass = { ...read, epoch };
  if (adopted.get(record.id) === epoch) return pass;
  const stamped = await api.writeStatus(strategy, { ...strategy.status, run: { ...record, epoch } });
  if (stored) {
    const { run } = stored;
    await hosts.adopt(adoptions(pass, stored), fenceOf(pass, run.id), signal);
    const open = run.hosts.map(({ name }) => name);
    log.info({ strategy: key, run: run.id, epoch, hosts: open }, 'run taken over');
  }
  adopted.set(record.id, epoch);
  return afterWrite(pass, stamped);
}

function adoptions(
  { strategy, epoch }: StrategyPass,
  { run, record: { planDigest, pool } }: StoredRun,
): ReadonlyMap<HostName, Adoption> {
  const common = {
    run: run.id,
    pool,
    epoch,
    planDigest,
    owner: ownerOf(strategy),
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

/**
 * Whether the claim was asked for, with what the host was before, and may not have been made yet. Later a claim that is
 * missing was taken off by somebody.
 */
export function mayBeOnItsWay(
  { apply }: RunState,
  { step, result, closedToNewWorkBefore }: HostProgress,
): boolean {
  const stage = apply.stages[apply.currentStage];
  const isAsked = closedToNewWorkBefore !== undefined && !isFinal(result);
  return stage !== undefined && isAsked && opensOutage(CAREEN_ENGINE, stage, step);
}
