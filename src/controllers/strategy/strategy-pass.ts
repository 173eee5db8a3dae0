import type { Instant } from '../../engine/view.ts';
import type { Fence } from '../../hostops/port.ts';
import type { ConfigMaps } from '../../planner/policy/action-policy.ts';
import type { HostPool } from '../../resources/careen-api.ts';
import { ownerOf, type Strategy } from '../../resources/stored-strategy.ts';
import { decodeRun, type StoredRun } from '../../status/stored/codec.ts';
import type { Attachment } from '../runtime/attachments.ts';

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
  readonly strategy: Strategy;
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
export function afterWrite(pass: StrategyPass, strategy: Strategy): StrategyPass {
  return { ...pass, strategy, stored: decodeRun(strategy.status) };
}

/** The fence for the effects of a run: their owner, the run and the epoch. */
export function fenceOf({ strategy, epoch }: StrategyPass, run: string): Fence {
  return { owner: ownerOf(strategy), run, epoch };
}
