import type { OwnerName } from '../../crds/owner-ref.ts';
import { isStrategyKind } from '../../crds/strategy-kinds.ts';
import type { StrategyState } from '../../crds/vocabulary.ts';
import { isFinal } from '../../engine/run/run-state.ts';
import type { ActiveRun, ActiveRuns } from '../../engine/permits/active-runs.ts';
import type { MarkedHost } from '../../hostops/port.ts';
import type { CareenApi, HostPool } from '../../resources/careen-api.ts';
import { strategyKey } from '../../resources/paths.ts';
import type { Strategy } from '../../resources/stored-strategy.ts';
import { runOf } from '../../status/stored/codec.ts';

/**
 * Reads which runs with permits or claims in the pool are active: the owner exists, is no copy of another object under
 * the same name, and has not begun another run. A sweep removes the permits and claims of all other runs, so `read` must
 * ask the API server for the owners before a sweep. The claims must be read before this call: a run records a host before
 * it claims it.
 */
export async function activeRuns(
  read: CareenApi['strategy'],
  { status: { runs = [], permits = [] } }: Pick<HostPool, 'status'>,
  markedHosts: readonly MarkedHost[],
): Promise<ActiveRuns> {
  const claimants = markedHosts.flatMap(({ claim }) => (claim ? [[claim.run, claim.owner] as const] : []));
  const owners = new Map([...runs.map(({ id, owner }) => [id, owner] as const), ...claimants]);
  const active = new Map<string, ActiveRun | 'owner gone' | undefined>(
    permits.map(({ run }) => [run, undefined]),
  );
  for (const [id, owner] of owners) {
    if (!isStrategyKind(owner.kind)) {
      active.delete(id);
      continue;
    }
    const found = await read(strategyKey(owner));
    if (found?.metadata.uid !== owner.uid) active.set(id, 'owner gone');
    else active.set(id, found.status.run?.id === id ? activeRun(owner, found) : undefined);
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

function activeRun(owner: OwnerName, { status }: Strategy): ActiveRun {
  const run = runOf(status);
  return {
    owner,
    open: new Set([...(run?.hosts ?? []), ...(run?.session?.closed ?? [])].map(({ name }) => name)),
    failed: run?.hosts.filter(({ result }) => isFinal(result)).length ?? 0,
    underWay: run !== undefined && MAY_CONTINUE.has(run.state),
  };
}
