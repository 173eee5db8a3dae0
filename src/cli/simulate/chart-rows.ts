/** The rows of a chart: one for each host; when that is too many, similar hosts or stages share a row. Pure. */
import { counted } from '../../crds/text/counted.ts';
import type { StepName } from '../../crds/vocabulary.ts';
import { sumOver } from '../../engine/run/stage-folds.ts';
import { kindOf } from '../../planner/step-kinds.ts';
import type { Simulation } from './simulation.ts';
import type { HostSpans, HostStepSpan, Span, StageSpan } from './timeline.ts';

/** A span of time with one mark. A span without length marks a moment. */
export type Bar = Span & { readonly mark: string };
export type Row = { readonly stage: string; readonly label: string; readonly bars: readonly Bar[] };

/** More rows than this are hard to read. */
export const MOST_ROWS = 40;

/** Of steps that only sessions have, and whose first letter is that of another step. */
const MARKS: Readonly<Partial<Record<StepName, string>>> = { 'ask-projects': '?', 'await-empty': 'e' };

/** The letter of a step. */
export function markOf(step: StepName): string {
  return kindOf(step)?.mark ?? MARKS[step] ?? step.charAt(0);
}

/**
 * Rows for the stages that have begun, with as much detail as `MOST_ROWS` allows. The levels of detail: a row for each
 * host; hosts of a stage that look alike share a row; hosts of a stage that end alike share a row, drawn as the slowest
 * of them; neighbouring stages that succeeded share a row.
 */
export function chartRows(simulation: Simulation, drawn: (bars: readonly Bar[]) => string): Row[] {
  const begun = simulation.stages.filter(({ startSeconds }) => startSeconds !== undefined);
  const locked = new Set(simulation.left.filter(({ state }) => state === 'locked').map(({ name }) => name));
  const barsOf = (host: HostSpans): Bar[] =>
    hostBars(host, locked.has(host.name), simulation.durationSeconds);
  const each = (stage: StageSpan): Row[] =>
    rowsOf(
      stage,
      stage.hosts.map((host) => [host]),
      barsOf,
    );
  const lookingAlike = (stage: StageSpan): Row[] =>
    rowsOf(
      stage,
      groupsBy(stage.hosts, (host) => drawn(barsOf(host))),
      barsOf,
    );
  const endingAlike = (stage: StageSpan): Row[] =>
    rowsOf(
      stage,
      groupsBy(stage.hosts, (host) => endingOf(host)),
      barsOf,
    );
  for (const detail of [each, lookingAlike, endingAlike]) {
    const rows = begun.flatMap(detail);
    if (rows.length <= MOST_ROWS) return rows;
  }
  return runsOf(begun).flatMap((stages) =>
    stages.length > 1 ? [together(stages)] : stages.flatMap(endingAlike),
  );
}

function rowsOf(
  { id }: StageSpan,
  groups: readonly (readonly HostSpans[])[],
  barsOf: (host: HostSpans) => Bar[],
): Row[] {
  return groups.map((hosts, at) => {
    const [first = { name: '', steps: [] }] = hosts;
    const more = hosts.length > 1 ? ` + ${String(hosts.length - 1)} more` : '';
    return { stage: at === 0 ? String(id) : '', label: `${first.name}${more}`, bars: barsOf(slowest(hosts)) };
  });
}

function groupsBy(hosts: readonly HostSpans[], key: (host: HostSpans) => string): HostSpans[][] {
  return [...Map.groupBy(hosts, key).values()];
}

function endingOf({ steps }: HostSpans): string {
  return steps.map(({ name, result }) => `${name} ${result}`).join();
}

/** A host that ends each step when the last of these hosts ends it. */
function slowest(hosts: readonly HostSpans[]): HostSpans {
  const [first = { name: '', steps: [] }] = hosts;
  const steps = first.steps.map((step, at) => ({
    ...step,
    endSeconds: Math.max(...hosts.map((host) => host.steps[at]?.endSeconds ?? 0)),
  }));
  return { name: first.name, steps };
}

function hostBars({ steps }: HostSpans, locked: boolean, endSeconds: number): Bar[] {
  const last = steps.at(-1);
  const kept =
    locked && last && last.endSeconds < endSeconds
      ? [{ startSeconds: last.endSeconds, endSeconds, mark: '#' }]
      : [];
  return [...steps.flatMap((step, at) => stepBars(step, steps[at + 1])), ...kept];
}

function stepBars(
  { name, startSeconds, endSeconds, result }: HostStepSpan,
  next: HostStepSpan | undefined,
): Bar[] {
  const failed = result === 'failed' || result === 'timed-out';
  return [
    { startSeconds, endSeconds, mark: markOf(name) },
    ...(next ? [{ startSeconds: endSeconds, endSeconds: next.startSeconds, mark: '.' }] : []),
    ...(failed ? [{ startSeconds: endSeconds, endSeconds, mark: 'X' }] : []),
  ].filter((bar) => bar.mark === 'X' || bar.endSeconds > bar.startSeconds);
}

/** Groups neighbouring stages that have one name and succeeded; every other stage is alone. */
function runsOf(stages: readonly StageSpan[]): StageSpan[][] {
  const runs: StageSpan[][] = [];
  for (const stage of stages) {
    const last = runs.at(-1)?.at(-1);
    const joins = last?.name === stage.name && last.result === 'success' && stage.result === 'success';
    if (joins) runs.at(-1)?.push(stage);
    else runs.push([stage]);
  }
  return runs;
}

function together(stages: readonly StageSpan[]): Row {
  const [first, last] = [stages[0], stages.at(-1)];
  const hosts = sumOver(stages, (stage) => stage.hosts.length);
  const span = { startSeconds: first?.startSeconds ?? 0, endSeconds: last?.endSeconds ?? 0 };
  return {
    stage: `${String(first?.id)}-${String(last?.id)}`,
    label: counted(hosts, 'host'),
    bars: [{ ...span, mark: '=' }],
  };
}
