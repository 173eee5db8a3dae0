/** Text for terminals: columns, wrapped lines, durations. Pure. */

/** The columns of a terminal that text may use: longer lines are hard to read. */
export const WIDTH = 100;

const GAP = '  ';
/** Narrower, a column of names is harder to read than a list. */
const LEAST_WIDE = 16;

/**
 * A table with a title line. A column is as wide as its longest cell; the column
 * with index `wide` takes at most the rest of `width`, and wraps.
 */
export function table(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  wide: number,
  width = WIDTH,
): string[] {
  const natural = widthsOf(titles, rows);
  const left = Math.max(10, width - others(natural, wide));
  const widths = natural.map((each, at) => (at === wide ? Math.min(each, left) : each));
  return [titles, ...rows].flatMap((row) => rowLines(row, widths));
}

/** Whether a table of this width leaves enough for its column `wide`. */
export function fitsTable(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  wide: number,
  width: number,
): boolean {
  const natural = widthsOf(titles, rows);
  return width - others(natural, wide) >= Math.min(natural[wide] ?? 0, LEAST_WIDE);
}

function widthsOf(titles: readonly string[], rows: readonly (readonly string[])[]): number[] {
  return titles.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
}

function others(natural: readonly number[], wide: number): number {
  const gaps = GAP.length * (natural.length - 1);
  return natural.reduce((sum, each, at) => (at === wide ? sum : sum + each), gaps);
}

function rowLines(row: readonly string[], widths: readonly number[]): string[] {
  const cells = widths.map((width, at) => wrap(row[at] ?? '', width));
  const height = Math.max(...cells.map((lines) => lines.length));
  return Array.from({ length: height }, (_, line) =>
    cells
      .map((lines, at) => (lines[line] ?? '').padEnd(widths[at] ?? 0))
      .join(GAP)
      .trimEnd(),
  );
}

/** Breaks a text at its spaces, and a word longer than a line at the end of the line. */
export function wrap(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ').flatMap((each) => chunks(each, width))) {
    const last = lines.at(-1) ?? '';
    if (last === '') lines[lines.length - 1] = word;
    else if (last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function chunks(word: string, width: number): string[] {
  const size = Math.max(width, 1);
  const count = Math.max(Math.ceil(word.length / size), 1);
  return Array.from({ length: count }, (_, at) => word.slice(at * size, (at + 1) * size));
}

/** `45 s`, `15 min`, `2 h 10 min`, `14 h`, `3 d 2 h`: rounded up to the unit that matters at that size. */
export function duration(seconds: number): string {
  if (seconds < 120 && seconds % 60 !== 0) return `${String(seconds)} s`;
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 60) return `${String(minutes)} min`;
  if (minutes < 600) return twoUnits(minutes, 60, 'h', 'min');
  const hours = Math.ceil(minutes / 60);
  return hours < 48 ? `${String(hours)} h` : twoUnits(hours, 24, 'd', 'h');
}

function twoUnits(amount: number, size: number, large: string, small: string): string {
  const rest = amount % size;
  const whole = `${String(Math.floor(amount / size))} ${large}`;
  return rest > 0 ? `${whole} ${String(rest)} ${small}` : whole;
}
