/**
 * The metrics of the operator, in words of the domain; Prometheus reads them from
 * `text()`. A series of a strategy or pool is removed with its object. Counters
 * with known labels begin at 0, so that the first increase is visible.
 */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { METRICS, type MetricDefinition, type MetricType } from './metric-catalogue.ts';

/** The closed sets of label values. They belong to the resources and the engine, so the caller passes them in. */
export type MetricWords = {
  readonly strategyKinds: readonly string[];
  readonly strategyStates: readonly string[];
  readonly steps: readonly string[];
  /** The results that a step can end with. */
  readonly stepResults: readonly string[];
  readonly effects: readonly string[];
  readonly outcomes: readonly string[];
  /** The kinds of objects that are reconciled. */
  readonly kinds: readonly string[];
};

export type MetricsOptions = {
  readonly version: string;
  readonly words: MetricWords;
  /** Unix time in milliseconds. */
  readonly clock: () => number;
};

export type StrategyFacts = {
  readonly kind: string;
  readonly state: string;
  /** Whether a failure stopped it. */
  readonly stopped: boolean;
  /**
   * The pods that cannot leave their host now: how many, and since when the first
   * is blocked, as Unix time in milliseconds.
   */
  readonly blocked?: { readonly pods: number; readonly since: number };
};

export const HOST_STATES = ['in_service', 'locked', 'failed', 'out_of_service'] as const;
export type HostState = (typeof HOST_STATES)[number];

export type PoolFacts = {
  /** How many hosts are in each state; each host counts in one. */
  readonly hosts: Readonly<Record<HostState, number>>;
  readonly limit: number;
  readonly permits: number;
};

export const PERMIT_WRITE_RESULTS = ['written', 'conflict'] as const;
export type PermitWriteResult = (typeof PERMIT_WRITE_RESULTS)[number];

/** The answers to an eviction that have a meaning of their own. */
const EVICTION_CODES = [201, 403, 404, 409, 429, 500];
const NO_ANSWER = 'none';

const STEP_SECONDS = [1, 5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200];
const RECONCILE_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export class Metrics {
  readonly #registry = new Registry();
  readonly #clock: () => number;
  readonly #words: Pick<MetricWords, 'strategyKinds' | 'strategyStates'>;
  readonly #seen = new Map<string, StrategyFacts>();
  #waiting: () => number = () => 0;
  #areKindsOutdated: () => boolean = () => false;

  readonly #strategies = gauge(this.#registry, METRICS.strategies);
  readonly #stopped = gauge(this.#registry, METRICS.strategiesStopped);
  readonly #steps = counter(this.#registry, METRICS.steps);
  readonly #stepSeconds = histogram(this.#registry, METRICS.stepSeconds, STEP_SECONDS);
  readonly #hosts = gauge(this.#registry, METRICS.hosts);
  readonly #poolLimit = gauge(this.#registry, METRICS.poolLimit);
  readonly #permits = gauge(this.#registry, METRICS.permits);
  readonly #permitWrites = counter(this.#registry, METRICS.permitWrites);
  readonly #evictions = counter(this.#registry, METRICS.evictions);
  readonly #blockedPods = gauge(this.#registry, METRICS.blockedPods);
  readonly #blockedSeconds = gauge(this.#registry, METRICS.blockedSeconds);
  readonly #effects = counter(this.#registry, METRICS.effects);
  readonly #queueDepth = gauge(this.#registry, METRICS.queueDepth);
  readonly #reconcileSeconds = histogram(this.#registry, METRICS.reconcileSeconds, RECONCILE_SECONDS);
  readonly #reconcileErrors = counter(this.#registry, METRICS.reconcileErrors);
  readonly #reconcileRetries = counter(this.#registry, METRICS.reconcileRetries);
  readonly #apiRequests = counter(this.#registry, METRICS.apiRequests);
  readonly #kindsOutdated = gauge(this.#registry, METRICS.kindsOutdated);
  readonly #leader = gauge(this.#registry, METRICS.leader);

  constructor({ version, words, clock }: MetricsOptions) {
    this.#clock = clock;
    this.#words = words;
    collectDefaultMetrics({ register: this.#registry });
    gauge(this.#registry, METRICS.buildInfo).set({ version }, 1);
    this.#beginAtZero(words);
  }

  /** Records the current facts of a strategy; they replace the earlier ones. */
  strategySeen(key: string, facts: StrategyFacts): void {
    this.#seen.set(key, facts);
  }

  strategyGone(key: string): void {
    this.#seen.delete(key);
  }

  stepEnded(step: string, result: string, seconds: number): void {
    this.#steps.inc({ step, result });
    this.#stepSeconds.observe({ step }, seconds);
  }

  /** Records the current facts of a pool; they replace the earlier ones. */
  poolSeen(pool: string, { hosts, limit, permits }: PoolFacts): void {
    for (const state of HOST_STATES) this.#hosts.set({ pool, state }, hosts[state]);
    this.#poolLimit.set({ pool }, limit);
    this.#permits.set({ pool }, permits);
  }

  poolGone(pool: string): void {
    for (const state of HOST_STATES) this.#hosts.remove({ pool, state });
    this.#poolLimit.remove({ pool });
    this.#permits.remove({ pool });
  }

  permitWrite(result: PermitWriteResult): void {
    this.#permitWrites.inc({ result });
  }

  effectPerformed(effect: string, outcome: string): void {
    this.#effects.inc({ effect, outcome });
  }

  /** Counts a requested eviction; `code` is the HTTP status, undefined when no answer came. */
  evictionAsked(code: number | undefined): void {
    this.#evictions.inc({ code: code ?? NO_ANSWER });
  }

  /** Counts a request to the API server; `code` is the HTTP status, undefined when no answer came. */
  apiRequest(verb: string, code: number | undefined): void {
    this.#apiRequests.inc({ verb, code: code ?? NO_ANSWER });
  }

  /** Sets the source of the queue depth: it returns how many keys wait, and is called when the metrics are read. */
  watchQueue(waiting: () => number): void {
    this.#waiting = waiting;
  }

  /** Sets the source of the metric about outdated kinds; it is called when the metrics are read. */
  watchKinds(areOutdated: () => boolean): void {
    this.#areKindsOutdated = areOutdated;
  }

  /** Records the duration of a pass over an object, successful or not. */
  reconciled(kind: string, seconds: number): void {
    this.#reconcileSeconds.observe({ kind }, seconds);
  }

  reconcileFailed(kind: string): void {
    this.#reconcileErrors.inc({ kind });
  }

  reconcileRetried(kind: string): void {
    this.#reconcileRetries.inc({ kind });
  }

  leading(leads: boolean): void {
    this.#leader.set(leads ? 1 : 0);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All metrics in the text format of Prometheus, with those of the process. */
  async text(): Promise<string> {
    this.#countStrategies();
    this.#queueDepth.set(this.#waiting());
    this.#kindsOutdated.set(this.#areKindsOutdated() ? 1 : 0);
    return this.#registry.metrics();
  }

  #countStrategies(): void {
    const all = [...this.#seen.values()];
    this.#strategies.reset();
    const { strategyKinds, strategyStates } = this.#words;
    for (const kind of strategyKinds)
      for (const state of strategyStates) this.#strategies.set({ kind, state }, 0);
    for (const { kind, state } of all) this.#strategies.inc({ kind, state });
    this.#stopped.set(all.filter(({ stopped }) => stopped).length);

    const blocked = all.flatMap(({ blocked: each }) => (each && each.pods > 0 ? [each] : []));
    this.#blockedPods.set(blocked.reduce((sum, { pods }) => sum + pods, 0));
    const now = this.#clock();
    this.#blockedSeconds.set(Math.max(0, ...blocked.map(({ since }) => (now - since) / 1000)));
  }

  #beginAtZero({ steps, stepResults, effects, outcomes, kinds }: MetricWords): void {
    for (const step of steps) {
      this.#stepSeconds.zero({ step });
      for (const result of stepResults) this.#steps.inc({ step, result }, 0);
    }
    for (const effect of effects) for (const outcome of outcomes) this.#effects.inc({ effect, outcome }, 0);
    for (const kind of kinds) {
      this.#reconcileSeconds.zero({ kind });
      this.#reconcileErrors.inc({ kind }, 0);
      this.#reconcileRetries.inc({ kind }, 0);
    }
    for (const result of PERMIT_WRITE_RESULTS) this.#permitWrites.inc({ result }, 0);
    for (const code of [...EVICTION_CODES, NO_ANSWER]) this.#evictions.inc({ code }, 0);
  }
}

function counter<L extends string>(
  registry: Registry,
  definition: MetricDefinition<'counter', L>,
): Counter<L> {
  return new Counter(configuration(registry, definition));
}

function gauge<L extends string>(registry: Registry, definition: MetricDefinition<'gauge', L>): Gauge<L> {
  return new Gauge(configuration(registry, definition));
}

function histogram<L extends string>(
  registry: Registry,
  definition: MetricDefinition<'histogram', L>,
  buckets: readonly number[],
): Histogram<L> {
  return new Histogram({ ...configuration(registry, definition), buckets: [...buckets] });
}

function configuration<L extends string>(
  registry: Registry,
  { name, help, labels }: MetricDefinition<MetricType, L>,
) {
  return { name, help, labelNames: labels, registers: [registry] };
}
