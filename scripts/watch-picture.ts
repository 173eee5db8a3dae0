/** The picture of `careen watch` for the README: a simulated run whose drain a budget blocks for a while. */
import type { DesiredCondition } from '../src/crds/observed/conditions.ts';
import { budgetSchema, podSchema } from '../src/cli/status/budgets.ts';
import { statusReport } from '../src/cli/status/report.ts';
import type { Line } from '../src/cli/text/lines.ts';
import { frameLines } from '../src/cli/watch/frame.ts';
import { runningStep } from '../src/engine/run/run-state.ts';
import { patchStrategy } from '../src/resources/stored-strategy.ts';
import { SimulatedRun, strategySpec } from '../test/unit/support/simulated-run.ts';
import { workers } from '../test/unit/support/fleets.ts';
import { terminalPicture } from './terminal-picture.ts';

const SIZE = { columns: 110, rows: 40 };
const BLOCKED = 'w-4';
const APP = { app: 'db' };
const BUDGET = budgetSchema.parse({
  metadata: { namespace: 'default', name: 'db' },
  spec: { selector: { matchLabels: APP } },
  status: { disruptionsAllowed: 0, currentHealthy: 2, desiredHealthy: 2, expectedPods: 3 },
});
const POD = podSchema.parse({ metadata: { namespace: 'default', name: 'db-0', labels: APP } });

export async function watchPicture(): Promise<string> {
  const run = await SimulatedRun.start({ hosts: workers(9), maxUnavailable: 3, spec: SPEC });
  run.order = { mode: 'Run' };
  run.world.setBudget('db', 0);
  run.world.addPod({ host: BLOCKED, name: 'db-0', budget: 'db' });
  const frames: Line[][] = [];
  const take = (): void => void frames.push(pictureOf(run));
  const takeAfter = async (seconds: number): Promise<void> => {
    await run.elapse(seconds * 1000);
    take();
  };
  await run.elapse(1000);
  take();
  for (const seconds of [30, 60]) await takeAfter(seconds);
  await run.until(() => isBlocked(run));
  for (const seconds of [30, 60]) await takeAfter(seconds);
  const still = frames.length - 1;
  run.world.setBudget('db', 1);
  for (const seconds of [40, 90]) await takeAfter(seconds);
  await run.settle();
  take();
  return terminalPicture({ frames, still, secondsPerFrame: 2, title: 'careen watch kernel' });
}

const SPEC = { maxParallelWorkerHosts: 3 };

function isBlocked({ run, step }: SimulatedRun): boolean {
  return step === 'migrate-instances-from-host' && run.hosts.some(({ name }) => name === BLOCKED);
}

function pictureOf(run: SimulatedRun): Line[] {
  const { now } = run.world;
  const strategy = patchStrategy.parse({
    metadata: {
      ...{
        name: 'kernel',
        namespace: 'careen-hosts',
        uid: 'strategy-1',
        resourceVersion: '1',
        generation: 1,
      },
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
    spec: strategySpec({ ...SPEC, execution: { mode: 'Run' } }),
    status: statusOf(run),
  });
  const surroundings = isBlocked(run)
    ? { pods: new Map([[BLOCKED, [POD]]]), budgets: [BUDGET] }
    : { pods: new Map(), budgets: [] };
  const report = statusReport(strategy, { program: 'careen', singular: 'patchstrategy' }, now, surroundings);
  return frameLines({ report }, now, SIZE);
}

/** As much of the status as the picture shows. */
function statusOf({ run, reasons }: SimulatedRun): object {
  const running = runningStep(run);
  const isDone = run.state === 'applied';
  const message = isDone ? 'all hosts of the plan are patched' : [...new Set(reasons)].join('; ');
  const conditions: DesiredCondition[] = [
    { type: 'Ready', status: isDone ? 'True' : 'False', reason: isDone ? 'Applied' : 'Applying', message },
    { type: 'Reconciling', status: isDone ? 'False' : 'True', reason: 'Applying', message },
  ];
  return {
    ...{ observedGeneration: 1, state: run.state, currentPhase: run.currentPhase, message },
    applyPhase: run.apply,
    ...(running ? { progress: { stage: running.stage.id, step: running.step.name, hosts: run.hosts } } : {}),
    conditions: conditions.map((each) => ({ ...each, observedGeneration: 1, lastTransitionTime: START })),
  };
}

const START = '2026-11-23T09:00:00.000Z';
