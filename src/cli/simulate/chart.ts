/** A simulation as bars over time, in plain text of a given width. Pure. */
import { stepWords } from '../text/step-words.ts';
import { duration, wrap } from '../text/text-table.ts';
import { chartRows, markOf, MOST_ROWS, type Bar } from './chart-rows.ts';
import type { Simulation } from './simulation.ts';

/** The marks that are not steps. */
const MEANINGS: Readonly<Record<string, string>> = {
  '.': 'waits for the others',
  '=': 'as planned',
  X: 'fails',
  '#': 'stays locked',
};
const STAGES = '100-999'.length;
const GAP = '  ';
const NARROWEST_BARS = 20;
const TICK_CELLS = 12;
const TICKS_SECONDS = [10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400, 28_800, 86_400];

/** The lines of the chart, with the axis above and the legend below; empty when no stage has begun. */
export function chart(simulation: Simulation, width: number): string[] {
  const { durationSeconds: seconds } = simulation;
  if (seconds === 0) return [];
  const labels = labelWidth(simulation, width);
  const scale = { cells: Math.max(NARROWEST_BARS, width - STAGES - labels - 2 * GAP.length), seconds };
  const rows = chartRows(simulation, (bars) => drawn(bars, scale));
  const bars = rows.map((row) => drawn(row.bars, scale));
  const line = (stage: string, label: string, bar: string): string =>
    [stage.padEnd(STAGES), shortened(label, labels).padEnd(labels), bar].join(GAP).trimEnd();
  return [
    line('STAGE', 'HOST', axis(scale)),
    ...rows.map(({ stage, label }, at) => line(stage, label, bars[at] ?? '')),
    '',
    ...wrap(legend(simulation, bars.join('')), width),
  ];
}

function labelWidth(simulation: Simulation, width: number): number {
  const names = simulation.stages.flatMap(({ hosts }) => hosts.map(({ name }) => name.length));
  const folded = names.length > MOST_ROWS ? ' + 99 more'.length : 0;
  return Math.min(Math.max('HOST'.length, ...names) + folded, Math.floor(width / 3));
}

type Scale = { readonly cells: number; readonly seconds: number };

/** A cell shows the bar with most of its time, if bars cover half of the cell. A bar without length always shows. */
function drawn(bars: readonly Bar[], { cells, seconds }: Scale): string {
  const perCell = seconds / cells;
  const line = Array.from({ length: cells }, (_, cell) =>
    fullest(bars, cell * perCell, (cell + 1) * perCell),
  );
  const marks = line.every((mark) => mark === ' ')
    ? bars.slice(0, 1)
    : bars.filter(({ startSeconds, endSeconds }) => startSeconds === endSeconds);
  for (const { endSeconds, mark } of marks) line[Math.max(0, Math.ceil(endSeconds / perCell) - 1)] = mark;
  return line.join('').trimEnd();
}

function fullest(bars: readonly Bar[], from: number, to: number): string {
  const shares = bars.map(({ startSeconds, endSeconds, mark }) => ({
    mark,
    seconds: Math.max(0, Math.min(to, endSeconds) - Math.max(from, startSeconds)),
  }));
  const covered = shares.reduce((sum, { seconds }) => sum + seconds, 0);
  if (covered < (to - from) / 2) return ' ';
  return shares.reduce((most, each) => (each.seconds > most.seconds ? each : most)).mark;
}

function axis({ cells, seconds }: Scale): string {
  const perCell = seconds / cells;
  const days = 86_400 * Math.ceil((TICK_CELLS * perCell) / 86_400);
  const every = TICKS_SECONDS.find((tick) => tick / perCell >= TICK_CELLS) ?? days;
  let line = '';
  for (let at = 0; at <= seconds; at += every) {
    const label = `|${at === 0 ? '0' : duration(at)}`;
    const column = Math.round(at / perCell);
    if (column + label.length <= cells) line = line.padEnd(column) + label;
  }
  return line;
}

/** The meanings of the marks that occur. */
function legend({ stages }: Simulation, marks: string): string {
  const steps = stages.flatMap(({ hosts }) => hosts.flatMap((host) => host.steps.map(({ name }) => name)));
  const named = [...new Set(steps)].map((name) => [markOf(name), stepWords(name)] as const);
  const all = [...named, ...Object.entries(MEANINGS)].filter(([mark]) => marks.includes(mark));
  return all.map(([mark, meaning]) => `${mark} ${meaning}`).join(', ');
}

function shortened(label: string, width: number): string {
  return label.length <= width ? label : `${label.slice(0, width - 1)}~`;
}
