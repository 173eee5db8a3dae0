import { PATCH_STRATEGY } from '../../crds/names.ts';
import type { OwnerName } from '../../crds/owner-ref.ts';
import type { StrategyState } from '../../crds/vocabulary.ts';
import { isFinal } from '../../engine/run-state.ts';
import type { MarkedHost } from '../../hostops/port.ts';
import type { HostName } from '../../planner/facts.ts';
import type { CareenApi, HostPool } from '../../resources/careen-api.ts';
import type { PatchStrategy } from '../../resources/stored-strategy.ts';
import { runOf } from '../../status/codec.ts';

/** A run that its owner still has, with the facts that back its permits and claims. */
export type ActiveRun = {
  readonly owner: OwnerName;
  /** The hosts whose outage the run has recorded as open. */
  readonly open: ReadonlySet<HostName>;
  /** Whether it may record further outages: a permit may then precede its record. */
  readonly underWay: boolean;
  /** How many of its open hosts have failed and are kept. */
  readonly failed: number;
};

/**
 * By the id of the run. Undefined: the owner was read and does not have the run. A run without an entry is unknown, for
 * example because this version does not have the kind of its owner: its permits and claims must stay.
 */
export type ActiveRuns = ReadonlyMap<string, ActiveRun | undefined>;

/**
 * Reads which runs with permits or claims in the pool are active: the owner exists and has not begun another run.
 * Asks the API server for the owners, because a sweep removes the permits and claims of all other runs. The claims must
 * be read before this call: a run records a host before it claims it.
 */
export async function activeRuns(
  api: Pick<CareenApi, 'strategy'>,
  { status: { runs = [], permits = [] } }: Pick<HostPool, 'status'>,
  markedHosts: readonly MarkedHost[],
): Promise<ActiveRuns> {
  const claimants = markedHosts.flatMap(({ claim }) => (claim ? [[claim.run, claim.owner] as const] : []));
  const owners = new Map([...runs.map(({ id, owner }) => [id, owner] as const), ...claimants]);
  const active = new Map<string, ActiveRun | undefined>(permits.map(({ run }) => [run, undefined]));
  for (const [id, owner] of owners) {
    if (owner.kind !== PATCH_STRATEGY) {
      active.delete(id);
      continue;
    }
    const found = await api.strategy(owner);
    active.set(id, found?.status.run?.id === id ? activeRun(owner, found) : undefined);
  }
  return active;
}

/** A failed run may hold permits for a retry that its status does not show yet. */
const MAY_CONTINUE: ReadonlySet<StrategyState> = new Set([
  'ready-to-apply',
  'applying',
  'apply-failed',
  'apply-timeout',
]);

function activeRun(owner: OwnerName, { status }: PatchStrategy): ActiveRun {
  const run = runOf(status);
  return {
    owner,
    open: new Set(run?.hosts.map(({ name }) => name)),
    failed: run?.hosts.filter(({ result }) => isFinal(result)).length ?? 0,
    underWay: run !== undefined && MAY_CONTINUE.has(run.state),
  };
}
