/** The operator's reports of its work: probes, metrics, events and the log. */
import { fetch } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { eventually } from '../support/eventually.ts';
import { readMetrics, type Metrics } from '../support/operator/metrics.ts';
import { Cluster, type Fleet } from './cluster.ts';
import { eventAbout, eventsAbout } from './events.ts';
import { stuckInDrain } from './stuck-in-drain.ts';

let cluster: Cluster;
let fleet: Fleet;
beforeAll(async () => {
  cluster = await Cluster.start();
  fleet = await cluster.fleet('told', 1, 1);
});
afterAll(async () => cluster.stop());

function address(): string {
  return cluster.operator.address() ?? '';
}

describe('the probes', () => {
  it.each(['/healthz', '/readyz'])('%s says ok while the operator works', async (path) => {
    const answer = await fetch(`${address()}${path}`);
    expect([answer.status, await answer.text()]).toEqual([200, 'ok']);
  });
});

describe('a run', () => {
  it('is counted: steps, effects, evictions by answer, permits, and pods that may not leave', async () => {
    const before = await readMetrics(address());
    expect(before.value('careen_leader')).toBe(1);
    const { release } = await stuckInDrain(cluster, fleet);
    const stuck = await untilMetrics('a blocked pod', (now) => now.value('careen_blocked_pods') === 1);
    await untilMetrics(
      'it is blocked longer',
      (now) => now.value('careen_blocked_oldest_seconds') > stuck.value('careen_blocked_oldest_seconds'),
    );
    await untilMetrics('a locked host', (now) => now.value('careen_hosts{pool="told",state="locked"}') === 1);
    await release();
    await fleet.untilState('applied');
    const after = await untilMetrics(
      'the end',
      (now) => now.value('careen_strategies{kind="PatchStrategy",state="applied"}') === 1,
    );

    const grown = (series: string): number => after.value(series) - before.value(series);
    const steps = [
      'query-alarms',
      'lock-hosts',
      'migrate-instances-from-host',
      'sw-patch-hosts',
      'verify',
      'unlock-hosts',
    ];
    expect(steps.map((step) => grown(`careen_steps_total{step="${step}",result="success"}`))).toEqual([
      1, 1, 1, 1, 1, 1,
    ]);
    expect(steps.map((step) => grown(`careen_step_duration_seconds_count{step="${step}"}`))).toEqual([
      1, 1, 1, 1, 1, 1,
    ]);
    const effects = ['claim', 'evict', 'create-job', 'start-job', 'release'];
    expect(effects.map((kind) => grown(`careen_effects_total{effect="${kind}",outcome="accepted"}`))).toEqual(
      [1, 1, 2, 2, 1],
    );
    expect(grown('careen_evictions_total{code="201"}')).toBe(1);
    expect(grown('careen_evictions_total{code="429"}')).toBeGreaterThan(0);
    expect(grown('careen_api_requests_total{verb="create",code="201"}')).toBeGreaterThan(0);
    expect(grown('careen_permit_writes_total{result="written"}')).toBeGreaterThan(0);
    await untilMetrics(
      'a pool that is whole again',
      (now) =>
        now.value('careen_permits{pool="told"}') === 0 &&
        now.value('careen_hosts{pool="told",state="in_service"}') === 1,
    );
    expect(after.value('careen_pool_limit{pool="told"}')).toBe(1);
  });

  it('is reported in events about the strategy, and about each host concerned', async () => {
    await eventAbout(cluster.admin, fleet.strategy, 'Applied');
    const events = await eventsAbout(cluster.admin, fleet.strategy);
    const reasons = events.map(({ reason }) => reason);
    for (const reason of [
      'PlanBuilt',
      'ApplyStarted',
      'StageStarted',
      'HostLocked',
      'HostReleased',
      'StageDone',
    ])
      expect(
        reasons.filter((each) => each === reason),
        reason,
      ).toHaveLength(1);
    const locked = events.find(({ reason }) => reason === 'HostLocked');
    expect(locked).toMatchObject({
      type: 'Normal',
      action: 'Lock',
      reportingController: 'careen.dev/operator',
      regarding: { kind: 'PatchStrategy', namespace: 'careen-hosts', name: 'told' },
      related: { kind: 'Node', name: 'told-0' },
      note: 'told-0 was cordoned and claimed',
    });
  });

  it('is logged in JSON, one line for each change of its state and of its steps', async () => {
    const lines = cluster.operator.lines.map((line) => logLine.parse(JSON.parse(line)));
    const ofRun = lines.filter(({ strategy }) => strategy === 'PatchStrategy/careen-hosts/told');
    const states = ofRun.filter(({ msg }) => msg === 'plan built' || msg === 'state changed');
    expect(states.map(({ state }) => state)).toEqual(['ready-to-apply', 'applying', 'applied']);
    const steps = ofRun
      // It occurs twice in a stage: before the hosts are unlocked, and after.
      .filter(({ msg, step }) => msg === 'step' && step !== 'system-stabilize')
      .map(({ stage, step, result }) => `${String(stage)} ${step ?? ''} ${result ?? ''}`);
    expect(new Set(steps).size).toBe(steps.length);
    expect(steps).toContain('0 lock-hosts success');
  });
});

const logLine = z.looseObject({
  level: z.number(),
  time: z.iso.datetime(),
  name: z.literal('careen'),
  msg: z.string(),
  strategy: z.string().optional(),
  state: z.string().optional(),
  stage: z.number().optional(),
  step: z.string().optional(),
  result: z.string().optional(),
});

async function untilMetrics(what: string, fits: (metrics: Metrics) => boolean): Promise<Metrics> {
  return eventually(what, async () => {
    const metrics = await readMetrics(address());
    return fits(metrics) && metrics;
  });
}
