/**
 * Measures the processor time of one pass while a stage of three hosts is open, with more and more stages behind it and
 * as many before it: the decision, the permits and the status. Asserts nothing.
 *
 *     node test/bench/pass-cost.ts [ROUNDS]
 */
import { performance } from 'node:perf_hooks';
import type { PhaseStatus } from '../../src/crds/observed/strategy-status.ts';
import { partsOf, withNextPart } from '../../src/engine/run/parts.ts';
import { firstStage, needsNextPart } from '../../src/engine/run/run-state.ts';
import type { Plan, Stage } from '../../src/planner/plan.ts';
import { statusOfRun } from '../../src/status/stored/codec.ts';
import { SimulatedRun } from '../unit/support/simulated-run.ts';

const STAGES = [10, 1_000, 10_000];
const HOSTS = 3;
const TARGET_SHARE = 0.2;
const WARM_UP = 10;
const rounds = Number(process.argv[2] ?? 30);

/** So many stages that have ended, the stages of the plan, and as many that have not begun. */
function between(count: number, { stages, ...plan }: Plan): Plan {
  const [sample] = stages;
  if (!sample) throw new Error('the plan has no stages');
  const others = (prefix: string): Stage[] =>
    Array.from({ length: count }, (_, stage) => ({
      ...sample,
      hosts: sample.hosts.map((_host, i) => `${prefix}-${String(stage)}-${String(i)}`),
    }));
  return { ...plan, stages: [...others('before'), ...stages, ...others('after')] };
}

/** The same run with so many stages behind it: a plan in parts has those of the part in the middle at hand. */
function behindTheFirst(count: number, whole: Plan, run: SimulatedRun): void {
  const parts = partsOf(whole, { strategy: run.owner.name, run: run.run.id }) ?? [];
  let apply = ended(run.run.apply, count);
  while (needsNextPart(apply)) {
    const part = parts[apply.later?.part ?? 0];
    if (!part) throw new Error('the plan has no further part');
    apply = ended(withNextPart(apply, part), count);
    run.plan = { ...run.plan, stages: part.stages, firstStage: part.firstStage };
  }
  run.run = { ...run.run, apply };
}

/** A phase whose stages at hand have ended, up to the one with this id. */
function ended(phase: PhaseStatus, until: number): PhaseStatus {
  const stages = phase.stages.map((stage) =>
    stage.id < until
      ? {
          ...stage,
          currentStep: stage.totalSteps,
          result: 'success' as const,
          steps: stage.steps.map((step) => ({ ...step, result: 'success' as const })),
        }
      : stage,
  );
  const next = firstStage(phase) + stages.filter(({ id }) => id < until).length;
  return { ...phase, stages, currentStage: next };
}

/** The milliseconds of an average pass over the one open stage, from its begin to its end. */
async function passMilliseconds(count: number): Promise<number> {
  const hosts = Array.from({ length: HOSTS }, (_, i) => ({ name: `w-${String(i + 1)}` }));
  let whole: Plan | undefined;
  const run = await SimulatedRun.start({
    ...{ hosts, maxUnavailable: HOSTS, unchecked: true },
    planned: (plan) => (whole = between(count, plan)),
  });
  for (const { name } of hosts) run.world.addPod({ host: name, name: `on-${name}` });
  if (whole) behindTheFirst(count, whole, run);
  run.order = { mode: 'Run', throughStage: count };
  const passAndShow = async (): Promise<boolean> => {
    const changed = await run.pass();
    const { reasons, order, obstacle, world } = run;
    const now = new Date(world.now).toISOString();
    statusOfRun({}, run.run, { reasons, order, obstacle }, 1, now);
    return changed;
  };
  await passAndShow();
  const [begun, passesBefore] = [performance.now(), run.passes];
  while ((await passAndShow()) || run.nextAt !== undefined) {
    if (run.run.apply.currentStage > count) break;
    run.advanceTime(run.nextAt ?? run.world.now);
  }
  if (run.run.apply.currentStage !== count + 1)
    throw new Error(`the stage did not end: ${JSON.stringify(run.reasons)}`);
  return (performance.now() - begun) / (run.passes - passesBefore);
}

const samples = new Map(STAGES.map((count): [number, number[]] => [count, []]));
for (let round = -WARM_UP; round < rounds; round += 1) {
  for (const count of STAGES) {
    const milliseconds = await passMilliseconds(count);
    if (round >= 0) samples.get(count)?.push(milliseconds);
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

const results = STAGES.map((stages) => ({
  stages,
  microseconds: Math.round(median(samples.get(stages) ?? []) * 1000),
}));
const first = results[0]?.microseconds ?? 0;
console.log('| one pass, stages behind | median µs | against the first | target |');
console.log('| --- | --- | --- | --- |');
for (const { stages, microseconds } of results) {
  const share = Math.round((microseconds / first - 1) * 100);
  console.log(
    `| ${String(stages)} | ${String(microseconds)} | ${share >= 0 ? '+' : ''}${String(share)} % | within ${String(TARGET_SHARE * 100)} % |`,
  );
}
console.log(JSON.stringify({ benchmark: 'pass-cost', rounds, results }));
