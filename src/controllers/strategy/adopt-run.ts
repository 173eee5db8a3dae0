import type { HostProgress } from '../../crds/observed/host-progress.ts';
import { effectKey } from '../../engine/effect.ts';
import { suspensionEndsAt } from '../../engine/orders/orders.ts';
import { mayBeInFlight } from '../../engine/hosts/outages.ts';
import { DeposedError } from '../../engine/permits/takeover.ts';
import { engineOf } from '../../engine/engine-of.ts';
import { stopsInstances } from '../../engine/run/prior-state.ts';
import type { RunState } from '../../engine/run/run-state.ts';
import type { Adoption, RecordedJob } from '../../hostops/port.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import type { Plan } from '../../planner/plan.ts';
import { manualSeconds } from '../../planner/stage-steps.ts';
import { STEP_KINDS } from '../../planner/step-kinds.ts';
import { stepOfWork } from '../../planner/hosts/work.ts';
import { ownerOf } from '../../resources/stored-strategy.ts';
import type { StoredRun } from '../../status/stored/codec.ts';
import { pendingRequests } from '../../status/requests/requests.ts';
import type { StrategyDeps } from './strategy-deps.ts';
import { afterWrite, fenceOf, type StrategyPass } from './strategy-pass.ts';

type Deps = Pick<StrategyDeps, 'api' | 'ledger' | 'hosts' | 'adopted' | 'log'>;
type StoredRecord = StoredRun['record'];

/**
 * Adopts the run of an earlier leader before anything is decided about it. Stamps the status with our epoch, then the
 * claims and Jobs, so that writes of that leader still in flight are refused. Once for each run and epoch, and once more
 * when a suspension ends: only then is a claim made that may be in flight. A run whose strategy was moved to another pool
 * holds no host any more and stays unchanged. Throws DeposedError.
 */
export async function adoptRun(deps: Deps, read: StrategyPass, signal: AbortSignal): Promise<StrategyPass> {
  const { api, hosts, adopted, log } = deps;
  const { strategy, stored, pool, key } = read;
  const record = strategy.status.run;
  if (!record || (pool && pool.metadata.name !== record.pool)) return read;
  const epoch = pool ? await epochInPool(deps, read, record) : epochWithoutPool(deps, read, record);
  const pass = { ...read, epoch };
  const known = adopted.get(key);
  const suspended = holdsStill(read);
  if (known?.run === record.id && known.epoch === epoch && (!known.suspended || suspended)) return pass;
  // They are of another time: of a leader before, or of a future that a restored cluster does not have.
  read.attachment.outcomes.clear();
  const stamped = await api.writeStatus(strategy, { ...strategy.status, run: { ...record, epoch } });
  if (stored) {
    const { run } = stored;
    const { scope } = pass.attachment;
    await hosts.adopt(scope, adoptions(pass, stored, suspended), fenceOf(pass, run.id), signal);
    const open = run.hosts.map(({ name }) => name);
    log.info({ strategy: key, run: run.id, epoch, hosts: open }, 'run taken over');
  }
  adopted.set(key, { run: record.id, epoch, suspended });
  return afterWrite(pass, stamped);
}

/** Nothing begins in `Suspend`, but an abort or a deletion ends the outages. */
function holdsStill({ strategy, stored, pool, readAt }: StrategyPass): boolean {
  const { metadata, spec, status } = strategy;
  const endsAt = stored && suspensionEndsAt(stored.run, spec.execution, pool?.spec.maxOutageSeconds);
  const isEnding =
    metadata.deletionTimestamp !== undefined ||
    (endsAt !== undefined && readAt >= endsAt) ||
    status.state === 'aborting' ||
    pendingRequests(strategy).requests.some(({ verb }) => verb === 'abort');
  return spec.execution.mode === 'Suspend' && !isEnding;
}

async function epochInPool(
  { ledger }: Pick<Deps, 'ledger'>,
  { epoch }: StrategyPass,
  { epoch: stored = 0, pool }: StoredRecord,
): Promise<number> {
  return stored > epoch ? ledger.raiseAbove(pool, stored) : epoch;
}

/** Without its pool a run still has an epoch, in its own status: whoever adopts it raises that one. */
function epochWithoutPool(
  { adopted }: Pick<Deps, 'adopted'>,
  { key }: StrategyPass,
  { id, epoch: stored = 0, pool }: StoredRecord,
): number {
  const known = adopted.get(key);
  if (known?.run !== id) return stored + 1;
  if (stored > known.epoch)
    throw new DeposedError(
      `another operator has adopted the run of ${key} in epoch ${String(stored)}; HostPool ${pool} does not exist`,
    );
  return known.epoch;
}

function adoptions(
  { strategy, epoch }: StrategyPass,
  { run, plan, record: { planDigest, pool } }: StoredRun,
  suspended: boolean,
): ReadonlyMap<HostName, Adoption> {
  const common = {
    run: run.id,
    pool,
    epoch,
    planDigest,
    owner: ownerOf(strategy),
    stage: run.apply.currentStage,
  };
  const held = new Set(run.hosts.map(({ name }) => name));
  const closed = run.session?.closed.filter(({ name }) => !held.has(name)) ?? [];
  return new Map<HostName, Adoption>([
    // A claim in flight, or the release of one, would otherwise arrive after the session has forgotten the host.
    ...closed.map(({ name, since, closedToNewWorkBefore }): [HostName, Adoption] => {
      const claim = { ...common, level: 'closed' as const, since, closedToNewWorkBefore };
      return [name, { claim, makeIfMissing: !suspended }];
    }),
    ...run.hosts.map((outage): [HostName, Adoption] => {
      const { uid, level, since, closedToNewWorkBefore = false } = outage;
      const stops = stopsInstances(plan, outage) ? { stopsInstances: true as const } : {};
      const claim = { ...common, level, since, closedToNewWorkBefore, ...stops };
      // A claim of the earlier leader that arrives in `Suspend` is that of the run, as recorded.
      const makeIfMissing = !suspended && mayBeInFlight(engineOf(plan), run, outage);
      return [outage.name, { claim, uid, makeIfMissing, jobs: jobsOf(plan, run, outage) }];
    }),
  ]);
}

/** The recorded Jobs of a host, with all that is needed to make their marks again. */
function jobsOf(
  plan: Plan,
  { id, apply }: RunState,
  { name: host, jobs = [], attempt }: HostProgress,
): readonly RecordedJob[] {
  return jobs.map(({ action, name, uid }) => {
    const step = stepOfWork(plan.actions, action);
    const ids = plan.actions.patches.map((work) => work.id);
    const timeoutSeconds =
      STEP_KINDS[step].timeoutSeconds(plan.actions.timing, true) + manualSeconds(plan.actions, step, ids);
    const effect = effectKey(id, apply.currentStage, step, host, action, attempt);
    return { kind: 'mend-job', key: `${effect}/adopt`, host, name, uid, effect, action, timeoutSeconds };
  });
}
