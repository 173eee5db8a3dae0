/** A status for every state of a HostPool, made by the code of the operator. */
import type { HostPool } from '../../src/resources/careen-api.ts';
import { observedStatus, outdatedPoolConditions } from '../../src/status/pool-status.ts';
import { hostPoolSpec } from '../../src/crds/host-pool.ts';
import { NO_CONTROLLERS, type FleetFacts } from '../../src/engine/view.ts';
import { NOT_SEEN, objectOf, TIME, type Samples } from './sample.ts';

const GENERATION = 2;
const fleet: FleetFacts = {
  total: 12,
  outOfServiceByOthers: new Set(['w-7']),
  claimedAway: new Set(),
  closedByRuns: new Map(),
  controllers: NO_CONTROLLERS,
  keptByOtherPools: new Set(),
  revision: '1',
};

function pool(paused: boolean): HostPool {
  return {
    metadata: {
      ...{ name: 'sample', namespace: '', uid: 'u', resourceVersion: '1', generation: GENERATION },
      ...{ creationTimestamp: TIME, annotations: {}, finalizers: [] },
    },
    spec: hostPoolSpec.parse({ provider: { kubernetes: {} }, maxUnavailable: 2, paused }),
    status: {},
  };
}

/** The samples by the names of their states in docs/guides/gitops.md. */
export function poolSamples(): Samples {
  const serving = observedStatus(pool(false), {}, fleet, true, TIME);
  const object = objectOf('HostPool', GENERATION);
  return new Map([
    ['made, not seen yet', object(NOT_SEEN)],
    ['edited, not seen since', objectOf('HostPool', GENERATION + 1)(serving)],
    ['grants permits', object(serving)],
    ['paused', object(observedStatus(pool(true), {}, fleet, true, TIME))],
    [
      'overlaps an older pool',
      object(observedStatus(pool(false), {}, { ...fleet, keptByOtherPools: new Set(['w-1']) }, true, TIME)),
    ],
    [
      'its cloud cannot be reached',
      object(
        observedStatus(pool(false), {}, { ...fleet, unobservable: 'Keystone does not answer' }, true, TIME),
      ),
    ],
    [
      'its stored spec cannot be read',
      object(observedStatus({ ...pool(false), unreadable: 'spec.a: wrong' }, {}, fleet, true, TIME)),
    ],
    [
      'the CRDs in the cluster are outdated',
      object({
        observedGeneration: GENERATION,
        conditions: outdatedPoolConditions([], 'apply the CRDs of this version', GENERATION, TIME),
      }),
    ],
    ['being deleted', object(serving, { deletionTimestamp: TIME })],
  ]);
}
