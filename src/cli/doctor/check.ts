/** The findings of `careen doctor`, and their lines. Pure. */
import { counted } from '../../crds/text/counted.ts';
import type { Advice } from '../status/advice.ts';
import { commandLines, EMPTY, indented, labelled, span, wrapped, type Line } from '../text/lines.ts';
import type { Style } from '../text/style.ts';

/** problem: something does not work until it is mended. warning: somebody should look. skipped: it could not be checked. */
export const LEVELS = ['problem', 'warning', 'ok', 'skipped'] as const;
export type Level = (typeof LEVELS)[number];

export type Check = {
  readonly level: Level;
  /** What was checked, such as `kinds`. */
  readonly about: string;
  readonly message: string;
  readonly todo?: Advice;
};

export function check(level: Level, about: string, message: string, todo?: Advice): Check {
  return { level, about, message, ...(todo ? { todo } : {}) };
}

const STYLES: Readonly<Record<Level, Style>> = {
  problem: 'red',
  warning: 'yellow',
  ok: 'green',
  skipped: 'dim',
};
const LABEL = Math.max(...LEVELS.map((level) => level.length));
const WIDEST = 120;

export function checkLines(checks: readonly Check[], width: number): Line[] {
  const columns = Math.min(width, WIDEST);
  const lines = checks.flatMap(({ level, about, message, todo }) => [
    ...labelled(
      span(level.padEnd(LABEL), STYLES[level]),
      [span(`${about}:`, 'bold'), span(message)],
      columns,
    ),
    ...(todo ? adviceOf(todo, columns) : []),
  ]);
  return [...lines, EMPTY, ...wrapped([span(summary(checks))], columns)];
}

function adviceOf({ does, command }: Advice, columns: number): Line[] {
  const by = columns >= 60 ? LABEL + 1 : 2;
  return indented(
    [
      ...wrapped([span(`to do: ${does}`)], columns - by),
      ...(command === undefined ? [] : commandLines(command, columns - by)),
    ],
    by,
  );
}

function summary(checks: readonly Check[]): string {
  const count = (wanted: Level): number => checks.filter(({ level }) => level === wanted).length;
  const parts = [
    counted(count('problem'), 'problem'),
    counted(count('warning'), 'warning'),
    `${String(count('ok'))} ok`,
    ...(count('skipped') > 0 ? [`${String(count('skipped'))} skipped`] : []),
  ];
  return parts.join(', ');
}
