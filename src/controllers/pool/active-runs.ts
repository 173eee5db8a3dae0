import { PATCH_STRATEGY } from '../../crds/names.ts';
import type { OwnerName } from '../../crds/owner-ref.ts';
import type { StrategyState } from '../../crds/vocabulary.ts';
import type { MarkedHost } from '../../hostops/port.ts';
import { isFinal } from '../../engine/run-state.ts';
import type { HostName } from '../../planner/facts.ts';
import type { CareenApi, HostPool } from '../../resources/careen-api.ts';
import { runOf } from '../../status/codec.ts';
import type { PatchStrategy } from '../../resources/stored-strategy.ts';

/** A run that its owner still has, and what that says of it. */
export type ActiveRun = {
  readonly owner: OwnerName;
  /** Hosts whose outage it has recorded as open. */
  readonly open: ReadonlySet<HostName>;
  /** Whether it may record further ones: then a permit may be ahead of its record. */
  readonly underWay: boolean;
  /** How many of its open hosts have failed and are kept. */
  readonly failed: number;
};

/**
 * By run; undefined: its owner was read and does not have it. Of a run that is not in it nothing is known, such as that
 * of a kind which this version does not have: nothing of it may be touched.
 */
export type ActiveRuns = ReadonlyMap<string, ActiveRun | undefined>;

/**
 * Which of the runs that permits or claims of a pool name are active: their owner exists and has not begun another.
 * Reads the owners anew, since what no active run stands for is taken back; and after the claims, since a run records
 * a host before it claims it.
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

/** A run that has failed may have got permits for a retry that its status does not tell of yet. */
const MAY_GO_ON: ReadonlySet<StrategyState> = new Set([
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
    underWay: run !== undefined && MAY_GO_ON.has(run.state),
  };
}
