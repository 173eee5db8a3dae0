import type { StrategyState } from '../../crds/vocabulary.ts';
import type { MarkedHost } from '../../hostops/port.ts';
import { isFinal } from '../../engine/run-state.ts';
import type { HostName } from '../../planner/facts.ts';
import type { CareenApi, HostPool } from '../../resources/careen-api.ts';
import { runOf } from '../../status/codec.ts';
import type { PatchStrategy } from '../../resources/stored-strategy.ts';

/** A run that some strategy still has, and what it says of itself. */
export type ActiveRun = {
  readonly strategy: string;
  /** Hosts whose outage it has recorded as open. */
  readonly open: ReadonlySet<HostName>;
  /** Whether it may record further ones: then a permit may be ahead of its record. */
  readonly underWay: boolean;
  /** How many of its open hosts have failed and are kept. */
  readonly failed: number;
};

/** By run; undefined: it was looked for and is not alive. Of a run that is not in it nothing is known. */
export type ActiveRuns = ReadonlyMap<string, ActiveRun | undefined>;

/**
 * Which of the runs that permits or claims of a pool name are alive: their strategy exists and has not begun another.
 * Read anew, since what belongs to no living run is taken back; and after the claims, since a run has recorded a host
 * before it claims it.
 */
export async function activeRuns(
  api: Pick<CareenApi, 'strategy'>,
  { status: { runs = [], permits = [] } }: Pick<HostPool, 'status'>,
  marked: readonly MarkedHost[],
): Promise<ActiveRuns> {
  const claimants = marked.flatMap(({ claim }) =>
    claim ? [[claim.run, `${claim.owner.namespace}/${claim.owner.name}`] as const] : [],
  );
  const named = new Map([...runs.map(({ id, strategy }) => [id, strategy] as const), ...claimants]);
  const living = new Map<string, ActiveRun | undefined>(permits.map(({ run }) => [run, undefined]));
  for (const [id, strategy] of named) {
    const [namespace = '', name = ''] = strategy.split('/');
    const found = await api.strategy({ namespace, name });
    living.set(id, found?.status.run?.id === id ? activeRun(strategy, found) : undefined);
  }
  return living;
}

/** A run that has failed may have got permits for a retry that its status does not tell of yet. */
const MAY_GO_ON: ReadonlySet<StrategyState> = new Set([
  'ready-to-apply',
  'applying',
  'apply-failed',
  'apply-timeout',
]);

function activeRun(strategy: string, { status }: PatchStrategy): ActiveRun {
  const run = runOf(status);
  return {
    strategy,
    open: new Set(run?.hosts.map(({ name }) => name)),
    failed: run?.hosts.filter(({ result }) => isFinal(result)).length ?? 0,
    underWay: run !== undefined && MAY_GO_ON.has(run.state),
  };
}
