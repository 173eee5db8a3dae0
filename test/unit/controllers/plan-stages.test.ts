import { beforeEach, describe, expect, it } from 'vitest';
import { hostCounts } from '../../../src/cli/status/progress.ts';
import { currentStage } from '../../../src/engine/run/run-state.ts';
import { plannedStage } from '../../../src/planner/plan.ts';
import { PlanStages } from '../../../src/resources/plan-stages.ts';
import { decodeRun } from '../../../src/status/stored/codec.ts';
import { withWholePlan } from '../../../src/status/stored/whole-plan.ts';
import { keyOf, type ApiObject } from '../../simulation/world/objects.ts';
import { SmallCluster } from '../support/small-cluster.ts';
import { clientOf } from '../support/strategy-passes.ts';

const HOSTS = ['w-1', 'w-2', 'w-3', 'w-4', 'w-5'];
/** Each stage is a part of its own. */
const TINY_PARTS = { wholeBytes: 0, partBytes: 1, endedStages: 4 };

let cluster: SmallCluster;

/** The PlanStages by the id of their first stage. */
function parts(): readonly ApiObject[] {
  const first = ({ spec }: ApiObject): number => Number(spec?.['firstStage']);
  return cluster.server.list('planstages').toSorted((a, b) => first(a) - first(b));
}

function remove(part: ApiObject | undefined): void {
  if (!part) expect.fail('there is no such PlanStage');
  cluster.server.remove('planstages', keyOf(part.metadata), 'somebody');
}

async function untilStage(id: number): Promise<void> {
  await cluster.until(`stage ${String(id)}`, () => cluster.status.applyPhase?.currentStage === id);
}

async function untilApplied(): Promise<void> {
  await cluster.until('the end', () => cluster.status.state === 'applied');
}

const lost = (): string[] => cluster.events.filter((event) => event.startsWith('PlanStageLost'));

beforeEach(async () => {
  cluster = new SmallCluster(HOSTS, 1, undefined, TINY_PARTS);
  cluster.placeStrategy({ mode: 'Hold' });
  cluster.editSpec({ timing: { settleSeconds: 0, stabilizeSeconds: 0 } });
  await cluster.until('the plan', () => cluster.status.state === 'ready-to-apply');
});

describe('a plan that is too large for one object', () => {
  it('is stored once in PlanStages, and the status has the next stage and sums', () => {
    expect(parts().map(({ spec }) => [spec?.['part'], spec?.['firstStage'], spec?.['hosts']])).toEqual(
      HOSTS.map((_, part) => [part, part, 1]),
    );
    const [owner] = parts()[0]?.metadata.ownerReferences ?? [];
    expect(owner).toMatchObject({ kind: 'PatchStrategy', uid: cluster.strategy.metadata.uid });
    const { applyPhase, run, stages } = cluster.status;
    expect(applyPhase).toMatchObject({ totalStages: 5, stages: [{ id: 0 }], later: { part: 1, hosts: 4 } });
    expect(run?.planStages).toEqual({ count: 5, selector: `careen.dev/run=${String(run?.id)}` });
    expect(stages).toBe('0/5');
  });

  it('has the findings about all of its hosts, as they are now', async () => {
    await cluster.pass();
    expect(cluster.status.findings?.filter(({ reason }) => reason === 'FactUnknown')).toEqual([]);
    cluster.world.changeHost('w-5', { nodeInfo: {} });
    await cluster.until('the finding', () => cluster.status.findings?.[0]?.reason === 'FactUnknown');
    expect(cluster.status.findings?.[0]?.subjects).toEqual(['w-5']);
  });

  it('is carried out part by part; each keeps how its stages ended, and the last ones are in the status', async () => {
    cluster.editSpec({ execution: { mode: 'Run' } });
    await untilStage(2);
    expect(cluster.status).toMatchObject({ stages: '2/5', completionPercentage: 40 });
    await untilApplied();
    const { applyPhase } = cluster.status;
    expect(applyPhase).toMatchObject({ earlier: { stages: 4, hosts: 4, left: 0, result: 'success' } });
    expect(applyPhase?.later).toBeUndefined();
    expect(applyPhase?.stages).toMatchObject([{ id: 4, result: 'success' }]);
    const ended = parts().map(({ status }) => status?.['stages']);
    expect(ended).toMatchObject([
      ...[0, 1, 2, 3].map((id) => [{ id, result: 'success', hosts: [HOSTS[id]] }]),
      undefined,
    ]);
    expect(cluster.world.hosts.get('w-5')?.claim).toBeUndefined();
  });

  it('is known by the ids of its stages in each part: steps, and what a restart begins with', async () => {
    cluster.editSpec({ execution: { mode: 'Run' } });
    await untilStage(2);
    await cluster.until('the Jobs of stage 2', () => cluster.status.progress?.step === 'sw-patch-hosts');
    await cluster.until('its boot id', () => cluster.status.progress?.hosts[0]?.bootIdBefore !== undefined);
    const { plan, run } = decodeRun(cluster.status) ?? expect.fail('there is no run');
    expect(plannedStage(plan, 2)?.hosts).toEqual(['w-3']);
    expect([plannedStage(plan, 1), plannedStage(plan, 3)]).toEqual([undefined, undefined]);
    expect(currentStage(run.apply)?.steps.map(({ name }) => name)).toEqual(
      plannedStage(plan, 2)?.steps.map(({ name }) => name),
    );
  });

  it('is shown whole by commands, also in the middle of a run', async () => {
    cluster.editSpec({ execution: { mode: 'Run' } });
    await untilStage(2);
    const stored = new PlanStages(clientOf(cluster.server));
    const read = await stored.ofRun('careen-hosts', cluster.status.run?.id ?? '');
    const { applyPhase } = withWholePlan(cluster.status, read);
    const shown = applyPhase?.stages ?? [];
    expect(shown.map(({ id, hosts }) => [id, hosts])).toEqual(HOSTS.map((host, id) => [id, [host]]));
    expect(shown.slice(0, 2).map(({ result }) => result)).toEqual(['success', 'success']);
    expect(shown[3]?.result).toBe('initial');
    expect([applyPhase?.earlier, applyPhase?.later]).toEqual([undefined, undefined]);
    // Without one of them, the sums stay.
    expect(withWholePlan(cluster.status, read.slice(1))).toEqual(cluster.status);
    expect(hostCounts(cluster.status)).toEqual(hostCounts(withWholePlan(cluster.status, read)));
  });

  it('is continued by the next process', async () => {
    cluster.editSpec({ execution: { mode: 'Run' } });
    for (let passes = 0; cluster.status.state !== 'applied'; passes += 1) {
      if (passes % 7 === 0) cluster.restartOperator();
      await cluster.pass();
      cluster.world.advanceTo(cluster.world.now + 1_000);
    }
    expect(parts()).toHaveLength(5);
  });

  it('leaves no PlanStage of a plan before', async () => {
    const before = parts().map(({ metadata }) => metadata.name);
    cluster.editSpec({ timing: { stabilizeSeconds: 1 } });
    await cluster.until('another plan', () => cluster.status.run?.id === 'r-2');
    const after = parts().map(({ metadata }) => metadata.name);
    expect(after).toHaveLength(5);
    expect(after.filter((name) => before.includes(name))).toEqual([]);
  });
});

describe('a PlanStage', () => {
  it('that somebody deletes is named when its turn comes, and the rest is planned again', async () => {
    const [, , third] = parts();
    remove(third);
    cluster.editSpec({ execution: { mode: 'Run' } });
    const { run: before } = cluster.status;
    await untilApplied();
    expect(lost()).toEqual([
      `PlanStageLost: PlanStage ${String(third?.metadata.name)} is missing: the remaining stages are planned again`,
    ]);
    const { run, applyPhase } = cluster.status;
    expect(run?.id).not.toBe(before?.id);
    expect(run?.change).toBe(`PlanStage ${String(third?.metadata.name)} is missing`);
    expect(applyPhase?.totalStages).toBe(3);
    expect(parts()).toHaveLength(3);
  });

  it('with other hosts than were planned is not carried out', async () => {
    const [, second] = parts();
    if (!second) expect.fail('there is no second part');
    const [stage] = second.spec?.['stages'] as [object];
    const edited = { ...second.spec, stages: [{ ...stage, hosts: ['w-5'] }] };
    cluster.server.update(
      'planstages',
      keyOf(second.metadata),
      (each) => ({ ...each, spec: edited }),
      'somebody',
    );
    cluster.editSpec({ execution: { mode: 'Run' } });
    await untilApplied();
    expect(lost()[0]).toContain(`${second.metadata.name} is not the one that was built`);
    expect(cluster.status.applyPhase?.totalStages).toBe(4);
  });

  it('that is deleted after its stages have ended costs nothing but their results', async () => {
    cluster.editSpec({ execution: { mode: 'Run' } });
    await cluster.until('the first stage', () => cluster.status.state === 'applying');
    const { id } = cluster.status.run ?? {};
    remove(parts()[0]);
    await untilApplied();
    expect(lost()[0]).toContain('how its stages ended is not kept');
    expect(cluster.status.run?.id).toBe(id);
  });

  it('of nobody, such as a copy, is removed when the next part is taken', async () => {
    const [first] = parts();
    if (!first) expect.fail('there is no first part');
    const { labels } = first.metadata;
    cluster.server.create(
      'planstages',
      {
        ...{ apiVersion: first.apiVersion, kind: first.kind, spec: first.spec ?? {} },
        metadata: { name: 'copy', namespace: 'careen-hosts', ...(labels ? { labels } : {}) },
      },
      'somebody',
    );
    cluster.editSpec({ execution: { mode: 'Run' } });
    await untilStage(2);
    expect(parts().map(({ metadata }) => metadata.name)).not.toContain('copy');
  });
});

it('PlanStages that a crash left in the middle of a build are removed by the next build', async () => {
  const before = parts().map(({ metadata }) => metadata.name);
  // The process died before it stored the plan: the status says that it is built.
  cluster.edit((object) => ({ ...object, status: { state: 'building', currentPhase: 'build' } }));
  cluster.restartOperator();
  await cluster.until('the plan', () => cluster.status.state === 'ready-to-apply');
  const after = parts().map(({ metadata }) => metadata.name);
  expect(after).toHaveLength(5);
  expect(after.filter((name) => before.includes(name))).toEqual([]);
});

it('PlanStages of the plan before are removed also when the process dies while it stores a plan that needs none', async () => {
  for (const host of HOSTS.slice(1))
    cluster.world.changeHost(host, { nodeInfo: { 'nodeInfo.kernelVersion': '6.12.48' } });
  let dies = true;
  cluster.beforeDelete = () => {
    if (dies) throw new Error('the process has died');
  };
  cluster.editSpec({ timing: { stabilizeSeconds: 1 } });
  await expect(cluster.until('another plan', () => cluster.status.run?.id === 'r-2')).rejects.toThrow('died');
  dies = false;
  cluster.restartOperator();
  await cluster.until('the plan', () => cluster.status.state === 'ready-to-apply');
  expect(cluster.status.run?.planStages).toBeUndefined();
  expect(parts()).toEqual([]);
});
