import type { HostOps } from '../../hostops/port.ts';
import type { HostName } from '../../planner/facts.ts';
import type { Attachment } from '../runtime/attachments.ts';
import type { CareenApi, HostPool } from '../../resources/careen-api.ts';
import type { PoolLedger } from '../pool/pool-ledger.ts';
import type { Pools } from '../pool/pools.ts';
import type { Telemetry } from '../runtime/events.ts';
import type { PatchStrategy } from '../../resources/stored-strategy.ts';

export type Logger = {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
};

export type ReconcilerDeps = Telemetry & {
  readonly api: CareenApi;
  readonly hosts: HostOps;
  readonly ledger: PoolLedger;
  readonly pools: Pools;
  /** The runs that this process has taken over or begun, and the epoch of the pool in which it did. */
  readonly adopted: Map<string, number>;
  /** The operator's own namespace: no strategy may run its Jobs there. */
  readonly operatorNamespace: string;
  /** The host that this process, the leader, runs on; undefined when that is none of the hosts. */
  readonly activeHost: HostName | undefined;
  readonly log: Logger;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly newId: () => string;
  /** Has a strategy looked at again: now, or after some milliseconds. */
  readonly requeue: (key: string, afterMilliseconds?: number) => void;
};

/** What one pass works with: all of it was read at its beginning. */
export type PassContext = {
  readonly deps: ReconcilerDeps;
  /** The strategy in queues and logs (`ownerKey`). */
  readonly key: string;
  readonly signal: AbortSignal;
  readonly attachment: Attachment;
  readonly strategy: PatchStrategy;
  readonly pool: HostPool | undefined;
  /** Under which this process leads the pool; that of the run where there is no pool. */
  readonly epoch: number;
};
