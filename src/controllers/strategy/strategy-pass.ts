import type { Instant } from '../../engine/view.ts';
import type { Fence } from '../../hostops/port.ts';
import type { ConfigMaps } from '../../planner/policy/action-policy.ts';
import type { PartLimits } from '../../engine/parts.ts';
import type { HostName } from '../../planner/facts.ts';
import type { HostPool } from '../../resources/careen-api.ts';
import type { PlanStages } from '../../resources/plan-stages.ts';
import { ownerOf, type PatchStrategy } from '../../resources/stored-strategy.ts';
import { decodeRun, type StoredRun } from '../../status/codec.ts';
import type { Attachment } from '../runtime/attachments.ts';
import type { ReconcilerDeps } from '../runtime/reconciler-deps.ts';
import type { StrategyIndex } from './strategy-index.ts';

/** The dependencies of the passes over strategies. Each of their files takes only those it uses. */
export type StrategyDeps = ReconcilerDeps & {
  /** By the key of a strategy: the run that this process has adopted or begun, the epoch at that time, and whether it was suspended. */
  readonly adopted: Map<
    string,
    { readonly run: string; readonly epoch: number; readonly suspended: boolean }
  >;
  /** The keys of the strategies that lack permits, or may lack them. Freed permits concern only them. */
  readonly awaitingPermits: Set<string>;
  /** What is known of each strategy, for the watches. */
  readonly index: Pick<StrategyIndex, 'note'>;
  /** By the key of a strategy in a namespace that no pool allows: of which generation its status says so. */
  readonly refused: Map<string, string>;
  /** The operator's own namespace: no strategy may run its Jobs there. */
  readonly operatorNamespace: string;
  /** The host of this process, the leader; undefined when it runs on none of the hosts. */
  readonly activeHost: HostName | undefined;
  readonly newId: () => string;
  readonly parts: PlanStages;
  /** How large a plan may be without parts, and the parts of a larger one; smaller in the simulation. */
  readonly partLimits: PartLimits;
};

/**
 * The data of one pass, all read at its beginning and not again. Strategy and pool may be as old as their watches: a write
 * is refused then, and what no write of the pass precedes is preceded by `confirmStrategy` or `confirmPool`.
 */
export type StrategyPass = {
  readonly readAt: Instant;
  /** When the pass began, by `performance.now`. */
  readonly begunAt: number;
  /** Names the strategy in queues and logs (`ownerKey`). */
  readonly key: string;
  readonly strategy: PatchStrategy;
  /** The run in the status of the strategy; undefined while there is no plan. */
  readonly stored: StoredRun | undefined;
  readonly pool: HostPool | undefined;
  readonly attachment: Attachment;
  /** The epoch under which this process leads the pool; without a pool, the epoch of the run. */
  readonly epoch: number;
  /** The part of the plan that cannot be carried out, and why: the rest must be planned again. */
  readonly lostPart?: string;
};

/** A pass over a strategy that has a plan. */
export type PassWithRun = StrategyPass & {
  readonly stored: StoredRun;
  /** Undefined where the pool does not ask about them. */
  readonly configMaps?: ConfigMaps | undefined;
};

/** The same pass, with the strategy as a write returned it. */
export function afterWrite(pass: StrategyPass, strategy: PatchStrategy): StrategyPass {
  return { ...pass, strategy, stored: decodeRun(strategy.status) };
}

/** The fence for the effects of a run: their owner, the run and the epoch. */
export function fenceOf({ strategy, epoch }: StrategyPass, run: string): Fence {
  return { owner: ownerOf(strategy), run, epoch };
}
