/**
 * One pass over one pool: lead it, sweep claims and permits that no active run
 * backs, write its status, and remove finished strategies where its spec asks for
 * that. The passes over strategies grant the permits.
 */
import type { HostPoolStatus } from '../../crds/host-pool.ts';
import { limitIn, overlap } from '../../engine/permits/pool-capacity.ts';
import type { FleetFacts } from '../../engine/view.ts';
import { selectsAll } from '../../hostops/membership.ts';
import type { HostOps, Scope } from '../../hostops/port.ts';
import { ConflictError } from '../../kube/errors.ts';
import type { HostPool } from '../../resources/careen-api.ts';
import { observedStatus } from '../../status/pool-status.ts';
import { Attachments } from '../runtime/attachments.ts';
import { poolEvent } from '../runtime/events.ts';
import { earliest, type Reconcile } from '../runtime/reconcile-result.ts';
import type { ReconcilerDeps } from '../runtime/reconciler-deps.ts';
import { activeRuns } from './active-runs.ts';
import { removeFinished, type RemovalDeps } from './remove-finished.ts';
import { isSweepDue, sweepClaims, withoutStrayPermits, type SweepContext } from './sweep-pool.ts';

/** The watches of a pool do not report the end of a Job, so the pass repeats while a Job runs. */
const SWEEP_PAUSE_MILLISECONDS = 2_000;

/** Makes the worker of the pool queue, which takes the name of a pool and makes one pass. */
export function hostPoolReconciler(
  deps: ReconcilerDeps & RemovalDeps,
  changed: (name: string, inMilliseconds: number) => void,
): Reconcile {
  const attachments = new Attachments(deps.hosts, (name) => changed(name, 0));

  return async function reconcile(name, signal) {
    const begunAt = performance.now();
    const read = await deps.api.pool(name);
    if (!read) {
      attachments.detach(name);
      deps.metrics.poolGone(name);
      return {};
    }
    deps.pools.set(read);
    const attachment = attachments.attach(name, deps.pools.scopeOf(read));
    const epoch = await deps.ledger.ensureEpoch(read);
    const pool = read.status.epoch === epoch ? read : await takenOver(deps, read);
    const prepared = await preparedNamespaces(deps.hosts, attachment.scope, signal);
    const markedHosts = deps.hosts.markedHosts(attachment.scope);
    const seen = await activeRuns((key) => deps.api.strategy(key), pool, markedHosts);
    const found = { deps, pool, attachment, epoch, prepared, markedHosts, signal };
    // The watches may lag behind that of the hosts: what is to be swept is judged again, by the objects of this moment.
    const sweeps = isSweepDue({ ...found, active: seen });
    if (sweeps) await deps.api.confirmPool(pool, begunAt);
    const active = sweeps ? await activeRuns((key) => deps.api.strategyNow(key), pool, markedHosts) : seen;
    const context: SweepContext = { ...found, active };
    const busy = await sweepClaims(context);
    const { fleet } = attachment.view();
    const updated = await deps.ledger.update(name, (before, stored) => {
      const swept = sweeps ? withoutStrayPermits(context, before) : before;
      return {
        status: observedStatus(
          stored,
          swept,
          fleet,
          selectsAll(stored.spec.provider),
          new Date(deps.clock()).toISOString(),
          spoiltClaims(markedHosts),
        ),
        result: { before, swept },
      };
    });
    if (updated) report(context, updated.before, updated.swept, fleet);
    const removed = await removeFinished(deps, name, attachment.scope);
    return busy ? earliest(removed, { requeueAt: deps.clock() + SWEEP_PAUSE_MILLISECONDS }) : removed;
  };
}

/** The pool as the take-over left it: its permits may have been rebuilt from the claims. */
async function takenOver({ api }: ReconcilerDeps, before: HostPool): Promise<HostPool> {
  const { name } = before.metadata;
  const pool = await api.pool(name);
  if (!pool) throw new ConflictError(`HostPool ${name} was deleted meanwhile`);
  return pool;
}

/**
 * Lists the Jobs of the claimants: a new process would take a host that a Job works on for an idle one. Resolves with
 * the namespaces whose Jobs are known.
 */
async function preparedNamespaces(
  hosts: HostOps,
  scope: Scope,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const claims = hosts.markedHosts(scope).flatMap(({ claim }) => claim ?? []);
  const namespaces = [...new Set(claims.map(({ owner }) => owner.namespace))];
  const failures = await Promise.all(namespaces.map((namespace) => hosts.prepare(namespace, signal)));
  return new Set(namespaces.filter((_, i) => failures[i] === undefined));
}

function spoiltClaims(markedHosts: SweepContext['markedHosts']): ReadonlyMap<string, string> {
  return new Map(
    markedHosts.flatMap(({ host, spoiltClaim }) => (spoiltClaim === undefined ? [] : [[host, spoiltClaim]])),
  );
}

function report(
  { deps, pool, active }: SweepContext,
  before: HostPoolStatus,
  after: HostPoolStatus,
  fleet: FleetFacts,
): void {
  const { events, metrics, log } = deps;
  const kept = new Set(after.permits?.map(({ host }) => host));
  for (const { host, run } of before.permits?.filter((permit) => !kept.has(permit.host)) ?? []) {
    log.warn({ pool: pool.metadata.name, host, run }, 'permit of no active run freed');
    const note = `the permit of run ${run} for ${host} was freed: the host or the run is gone`;
    events.record(poolEvent(pool, { reason: 'PermitFreed', host, note }));
  }
  const problem = overlap(pool.metadata.name, fleet);
  if (problem !== undefined) events.record(poolEvent(pool, { reason: 'PoolOverlap', note: problem }));
  const permits = after.permits ?? [];
  const failed = [...active.values()].reduce(
    (sum, run) => sum + (typeof run === 'object' ? run.failed : 0),
    0,
  );
  const out = fleet.outOfServiceByOthers.size;
  const inService = Math.max(0, fleet.total - permits.length - out);
  const hosts = { in_service: inService, locked: permits.length - failed, failed, out_of_service: out };
  metrics.poolSeen(pool.metadata.name, { hosts, limit: limitIn(pool, fleet), permits: permits.length });
}
