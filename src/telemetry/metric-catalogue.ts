/**
 * All metrics of Careen. docs/reference/metrics-and-events.md has the same table;
 * a test compares the two.
 */
export type MetricType = 'counter' | 'gauge' | 'histogram';

export type MetricDefinition<T extends MetricType = MetricType, L extends string = string> = {
  readonly type: T;
  readonly name: string;
  readonly labels: readonly L[];
  readonly help: string;
};

export const METRICS = {
  strategies: {
    type: 'gauge',
    name: 'careen_strategies',
    labels: ['kind', 'state'],
    help: 'Strategies by kind and state',
  },
  strategiesStopped: {
    type: 'gauge',
    name: 'careen_strategy_stopped',
    labels: [],
    help: 'Strategies that a failure stopped and that wait for a person',
  },
  steps: {
    type: 'counter',
    name: 'careen_steps_total',
    labels: ['step', 'result'],
    help: 'Steps that ended, by name and result',
  },
  stepSeconds: {
    type: 'histogram',
    name: 'careen_step_duration_seconds',
    labels: ['step'],
    help: 'How long steps took from their start to their end',
  },
  hosts: {
    type: 'gauge',
    name: 'careen_hosts',
    labels: ['pool', 'state'],
    help: 'Hosts of a pool: in_service, locked by Careen, failed and left locked, out_of_service by others',
  },
  poolLimit: {
    type: 'gauge',
    name: 'careen_pool_limit',
    labels: ['pool'],
    help: 'How many hosts of a pool may be out of service at once',
  },
  permits: {
    type: 'gauge',
    name: 'careen_permits',
    labels: ['pool'],
    help: 'Permits that are granted in a pool',
  },
  permitWrites: {
    type: 'counter',
    name: 'careen_permit_writes_total',
    labels: ['result'],
    help: 'Writes of permits: written, or refused because of a conflict with another write',
  },
  evictions: {
    type: 'counter',
    name: 'careen_evictions_total',
    labels: ['code'],
    help: 'Requested evictions, by the HTTP code of the answer; none when no answer came',
  },
  blockedPods: {
    type: 'gauge',
    name: 'careen_blocked_pods',
    labels: [],
    help: 'Pods that cannot leave their host now, over all strategies',
  },
  blockedSeconds: {
    type: 'gauge',
    name: 'careen_blocked_oldest_seconds',
    labels: [],
    help: 'Time since the first of the blocked pods was blocked; 0 when none is',
  },
  effects: {
    type: 'counter',
    name: 'careen_effects_total',
    labels: ['effect', 'outcome'],
    help: 'Requested effects on hosts, by kind and outcome',
  },
  queueDepth: {
    type: 'gauge',
    name: 'careen_queue_depth',
    labels: [],
    help: 'Objects that wait for a worker',
  },
  reconcileSeconds: {
    type: 'histogram',
    name: 'careen_reconcile_duration_seconds',
    labels: ['kind'],
    help: 'How long one pass over an object took',
  },
  reconcileErrors: {
    type: 'counter',
    name: 'careen_reconcile_errors_total',
    labels: ['kind'],
    help: 'Passes that ended with an error',
  },
  reconcileRetries: {
    type: 'counter',
    name: 'careen_reconcile_retries_total',
    labels: ['kind'],
    help: 'Passes that are made again because the one before failed or met a conflict',
  },
  apiRequests: {
    type: 'counter',
    name: 'careen_api_requests_total',
    labels: ['verb', 'code'],
    help: 'Requests to the API server, by verb and HTTP code; none when no answer came',
  },
  kindsOutdated: {
    type: 'gauge',
    name: 'careen_kinds_outdated',
    labels: [],
    help: '1 while no pass is made because the CRDs in the cluster are not those of this version, else 0',
  },
  leader: {
    type: 'gauge',
    name: 'careen_leader',
    labels: [],
    help: '1 in the replica that leads, 0 in the others',
  },
  buildInfo: {
    type: 'gauge',
    name: 'careen_build_info',
    labels: ['version'],
    help: 'Always 1; the label is the version of the operator',
  },
} as const satisfies Record<string, MetricDefinition>;
