import type { HostName } from '../../planner/facts.ts';
import type { Fence } from '../../hostops/port.ts';
import type { HostPool } from '../../resources/careen-api.ts';
import { ownerOf, type PatchStrategy } from '../../resources/stored-strategy.ts';
import { decodeRun, type StoredRun } from '../../status/codec.ts';
import type { Attachment } from '../runtime/attachments.ts';
import type { ReconcilerDeps } from '../runtime/reconciler-deps.ts';

/** What the passes over strategies are made with. Each of their files takes only what it uses. */
export type StrategyDeps = ReconcilerDeps & {
  /** The runs that this process has taken over or begun, and the epoch of the pool in which it did. */
  readonly adopted: Map<string, number>;
  /** The operator's own namespace: no strategy may run its Jobs there. */
  readonly operatorNamespace: string;
  /** The host that this process, the leader, runs on; undefined when that is none of the hosts. */
  readonly activeHost: HostName | undefined;
  readonly newId: () => string;
};

/** What one pass works with: all of it was read at its beginning, and is not read again. */
export type StrategyPass = {
  /** The strategy in queues and logs (`ownerKey`). */
  readonly key: string;
  readonly strategy: PatchStrategy;
  /** The run that the status of the strategy holds; undefined while there is no plan. */
  readonly stored: StoredRun | undefined;
  readonly pool: HostPool | undefined;
  readonly attachment: Attachment;
  /** Under which this process leads the pool; that of the run where there is no pool. */
  readonly epoch: number;
};

/** A pass over a strategy that has a plan. */
export type PassWithRun = StrategyPass & { readonly stored: StoredRun };

/** The pass after a write, which answers with the strategy as it is then. */
export function afterWrite(pass: StrategyPass, strategy: PatchStrategy): StrategyPass {
  return { ...pass, strategy, stored: decodeRun(strategy.status) };
}

/** On whose behalf the effects of a run are performed. */
export function fenceOf({ strategy, epoch }: StrategyPass, run: string): Fence {
  return { owner: ownerOf(strategy), run, epoch };
}
