import { describe, expect, it } from 'vitest';
import { METRICS } from '../../../src/telemetry/metric-catalogue.ts';
import { Metrics, type PoolFacts } from '../../../src/telemetry/metrics.ts';

let now = 0;
const metricsOf = (): Metrics =>
  new Metrics({
    version: '1.2.3',
    clock: () => now,
    words: {
      strategyKinds: ['PatchStrategy', 'UpgradeStrategy'],
      strategyStates: ['applying', 'applied', 'apply-failed'],
      steps: ['lock-hosts', 'verify'],
      stepResults: ['success', 'failed'],
      effects: ['claim', 'evict'],
      outcomes: ['accepted', 'blocked'],
      kinds: ['PatchStrategy', 'HostPool'],
    },
  });
const pool: PoolFacts = {
  hosts: { in_service: 7, locked: 2, failed: 1, out_of_service: 3 },
  limit: 4,
  permits: 3,
};

/** The samples whose series have this prefix, as written. */
async function samples(metrics: Metrics, beginning: string): Promise<string[]> {
  const lines = (await metrics.text()).split('\n');
  return lines.filter((line) => line.startsWith(beginning));
}

describe('the metrics', () => {
  it('begin at 0 wherever their labels are known', async () => {
    const metrics = metricsOf();
    const zeros = [
      'careen_strategies{kind="UpgradeStrategy",state="apply-failed"} 0',
      'careen_strategy_stopped 0',
      'careen_steps_total{step="verify",result="failed"} 0',
      'careen_step_duration_seconds_count{step="lock-hosts"} 0',
      'careen_permit_writes_total{result="conflict"} 0',
      'careen_evictions_total{code="429"} 0',
      'careen_evictions_total{code="none"} 0',
      'careen_blocked_pods 0',
      'careen_blocked_oldest_seconds 0',
      'careen_effects_total{effect="evict",outcome="blocked"} 0',
      'careen_queue_depth 0',
      'careen_reconcile_duration_seconds_count{kind="HostPool"} 0',
      'careen_reconcile_errors_total{kind="PatchStrategy"} 0',
      'careen_reconcile_retries_total{kind="PatchStrategy"} 0',
      'careen_leader 0',
    ];
    expect((await metrics.text()).split('\n')).toEqual(expect.arrayContaining(zeros));
  });

  it('count strategies by their last state, and forget deleted ones', async () => {
    const metrics = metricsOf();
    metrics.strategySeen('a/one', { kind: 'PatchStrategy', state: 'applying', stopped: false });
    metrics.strategySeen('a/two', { kind: 'UpgradeStrategy', state: 'applying', stopped: false });
    metrics.strategySeen('a/one', { kind: 'PatchStrategy', state: 'apply-failed', stopped: true });
    expect(await samples(metrics, 'careen_strateg')).toEqual([
      'careen_strategies{kind="PatchStrategy",state="applying"} 0',
      'careen_strategies{kind="PatchStrategy",state="applied"} 0',
      'careen_strategies{kind="PatchStrategy",state="apply-failed"} 1',
      'careen_strategies{kind="UpgradeStrategy",state="applying"} 1',
      'careen_strategies{kind="UpgradeStrategy",state="applied"} 0',
      'careen_strategies{kind="UpgradeStrategy",state="apply-failed"} 0',
      'careen_strategy_stopped 1',
    ]);
    metrics.strategyGone('a/one');
    metrics.strategyGone('a/one');
    metrics.strategyGone('a/two');
    expect(await samples(metrics, 'careen_strateg')).toEqual([
      'careen_strategies{kind="PatchStrategy",state="applying"} 0',
      'careen_strategies{kind="PatchStrategy",state="applied"} 0',
      'careen_strategies{kind="PatchStrategy",state="apply-failed"} 0',
      'careen_strategies{kind="UpgradeStrategy",state="applying"} 0',
      'careen_strategies{kind="UpgradeStrategy",state="applied"} 0',
      'careen_strategies{kind="UpgradeStrategy",state="apply-failed"} 0',
      'careen_strategy_stopped 0',
    ]);
  });

  it('forget an unknown state, too', async () => {
    const metrics = metricsOf();
    metrics.strategySeen('a/one', { kind: 'PatchStrategy', state: 'unheard-of', stopped: false });
    expect(await samples(metrics, 'careen_strategies{kind="PatchStrategy",state="unheard-of"}')).toHaveLength(
      1,
    );
    metrics.strategyGone('a/one');
    expect(await samples(metrics, 'careen_strategies{kind="PatchStrategy",state="unheard-of"}')).toEqual([]);
  });

  it('add up blocked pods over all strategies, with the age of the oldest at the time of the scrape', async () => {
    const metrics = metricsOf();
    const blocked = (pods: number, since: number) => ({
      kind: 'PatchStrategy',
      state: 'applying',
      stopped: false,
      blocked: { pods, since },
    });
    metrics.strategySeen('a/one', blocked(2, 40_000));
    metrics.strategySeen('a/two', blocked(3, 30_000));
    metrics.strategySeen('a/none', blocked(0, 1_000));
    now = 90_500;
    expect(await samples(metrics, 'careen_blocked')).toEqual([
      'careen_blocked_pods 5',
      'careen_blocked_oldest_seconds 60.5',
    ]);
    metrics.strategySeen('a/two', { kind: 'PatchStrategy', state: 'applied', stopped: false });
    expect(await samples(metrics, 'careen_blocked')).toEqual([
      'careen_blocked_pods 2',
      'careen_blocked_oldest_seconds 50.5',
    ]);
  });

  it('count steps and their durations', async () => {
    const metrics = metricsOf();
    metrics.stepEnded('verify', 'success', 42);
    metrics.stepEnded('verify', 'failed', 700);
    expect(await samples(metrics, 'careen_steps_total{step="verify"')).toEqual([
      'careen_steps_total{step="verify",result="success"} 1',
      'careen_steps_total{step="verify",result="failed"} 1',
    ]);
    expect(await samples(metrics, 'careen_step_duration_seconds')).toEqual(
      expect.arrayContaining([
        'careen_step_duration_seconds_bucket{le="60",step="verify"} 1',
        'careen_step_duration_seconds_bucket{le="1200",step="verify"} 2',
        'careen_step_duration_seconds_sum{step="verify"} 742',
      ]),
    );
  });

  it('describe a pool while it exists', async () => {
    const metrics = metricsOf();
    metrics.poolSeen('default', pool);
    metrics.poolSeen('edge', pool);
    metrics.poolSeen('default', { ...pool, limit: 5 });
    metrics.poolGone('edge');
    expect(await samples(metrics, 'careen_hosts')).toEqual([
      'careen_hosts{pool="default",state="in_service"} 7',
      'careen_hosts{pool="default",state="locked"} 2',
      'careen_hosts{pool="default",state="failed"} 1',
      'careen_hosts{pool="default",state="out_of_service"} 3',
    ]);
    expect(await samples(metrics, 'careen_pool_limit')).toEqual(['careen_pool_limit{pool="default"} 5']);
    expect(await samples(metrics, 'careen_permits')).toEqual(['careen_permits{pool="default"} 3']);
  });

  it('count effects on hosts and requests to the API server', async () => {
    const metrics = metricsOf();
    metrics.effectPerformed('evict', 'blocked');
    metrics.evictionAsked(429);
    metrics.evictionAsked(undefined);
    metrics.permitWrite('conflict');
    metrics.apiRequest('PATCH', 409);
    metrics.apiRequest('GET', undefined);
    expect((await metrics.text()).split('\n')).toEqual(
      expect.arrayContaining([
        'careen_effects_total{effect="evict",outcome="blocked"} 1',
        'careen_evictions_total{code="429"} 1',
        'careen_evictions_total{code="none"} 1',
        'careen_permit_writes_total{result="conflict"} 1',
        'careen_api_requests_total{verb="PATCH",code="409"} 1',
        'careen_api_requests_total{verb="GET",code="none"} 1',
      ]),
    );
  });

  it('describe the queue, the passes and the leadership', async () => {
    const metrics = metricsOf();
    let waiting = 1;
    metrics.watchQueue(() => waiting);
    waiting = 3;
    metrics.reconciled('HostPool', 0.2);
    metrics.reconcileFailed('HostPool');
    metrics.reconcileRetried('PatchStrategy');
    metrics.leading(true);
    expect((await metrics.text()).split('\n')).toEqual(
      expect.arrayContaining([
        'careen_queue_depth 3',
        'careen_reconcile_duration_seconds_sum{kind="HostPool"} 0.2',
        'careen_reconcile_errors_total{kind="HostPool"} 1',
        'careen_reconcile_retries_total{kind="PatchStrategy"} 1',
        'careen_leader 1',
        'careen_build_info{version="1.2.3"} 1',
      ]),
    );
    metrics.leading(false);
    expect(await samples(metrics, 'careen_leader')).toEqual(['careen_leader 0']);
  });

  it('include those of the process', async () => {
    const text = await metricsOf().text();
    for (const name of [
      'process_cpu_seconds_total',
      'process_resident_memory_bytes',
      'nodejs_eventloop_lag_p99_seconds',
    ])
      expect(text).toContain(`# TYPE ${name} `);
  });

  it('of two instances are independent', async () => {
    metricsOf().permitWrite('written');
    expect(await samples(metricsOf(), 'careen_permit_writes_total{result="written"')).toEqual([
      'careen_permit_writes_total{result="written"} 0',
    ]);
  });
});

describe('the names of metrics', () => {
  const UNITS_THAT_ARE_NO_BASE_UNITS =
    /_(milliseconds|ms|microseconds|minutes|hours|days|kilobytes|megabytes|percent)(_|$)/;

  it.each(Object.values(METRICS))('$name follows the conventions', ({ name, type, labels, help }) => {
    expect(name).toMatch(/^careen_[a-z]+(_[a-z]+)*$/);
    expect(name).not.toMatch(UNITS_THAT_ARE_NO_BASE_UNITS);
    expect(name).not.toMatch(/_(count|sum|bucket)$/);
    expect(name.endsWith('_total')).toBe(type === 'counter');
    if (type === 'histogram') expect(name).toMatch(/_seconds$/);
    if (name.endsWith('_info')) expect(type).toBe('gauge');
    for (const label of labels) expect(label).toMatch(/^(?!le$|quantile$)[a-z]+(_[a-z]+)*$/);
    expect(help).toMatch(/^\S.*[^.\s]$/);
  });

  it('are the names of the served metrics, with help and type', async () => {
    const lines = (await metricsOf().text()).split('\n');
    const served = lines.filter((line) => /^# (HELP|TYPE) careen_/.test(line));
    const expected = Object.values(METRICS).flatMap(({ name, type, help }) => [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} ${type}`,
    ]);
    expect(served.toSorted()).toEqual(expected.toSorted());
  });
});
