import type { Instant } from '../../engine/view.ts';
import type { HostOps } from '../../hostops/port.ts';
import type { Log } from '../../kube/log.ts';
import type { CareenApi } from '../../resources/careen-api.ts';
import type { PoolLedger } from '../pool/pool-ledger.ts';
import type { Pools } from '../pool/pools.ts';
import type { Telemetry } from './events.ts';

/** The dependencies of all reconcilers. Each of their files takes only those it uses. */
export type ReconcilerDeps = Telemetry & {
  readonly api: CareenApi;
  readonly hosts: HostOps;
  readonly ledger: PoolLedger;
  readonly pools: Pools;
  readonly log: Log;
  readonly clock: () => Instant;
};
