/** A text plot with logarithmic axes: growth by a power of x is a straight line, steeper for a higher power. */

export type Point = { readonly x: number; readonly y: number };
export type Series = { readonly mark: string; readonly points: readonly Point[] };

/** The columns and rows for each factor of ten. */
const WIDTH = 20;
const HEIGHT = 6;

/** The lines of the plot. When several points share a cell, it shows the first of the series. */
export function logLogPlot(all: readonly Series[]): string[] {
  const points = all.flatMap((each) => each.points);
  const [left, right] = decades(points.map(({ x }) => x));
  const [bottom, top] = decades(points.map(({ y }) => y));
  const grid = Array.from({ length: (top - bottom) * HEIGHT + 1 }, () =>
    Array.from({ length: (right - left) * WIDTH + 1 }, () => ' '),
  );
  for (const { mark, points: own } of all.toReversed())
    for (const { x, y } of own) {
      const row = grid[Math.round((top - Math.log10(y)) * HEIGHT)];
      if (row) row[Math.round((Math.log10(x) - left) * WIDTH)] = mark;
    }
  const margin = String(10 ** top).length;
  const label = (text: string): string => text.padStart(margin);
  const rows = grid.map((cells, at) => {
    const tick = at % HEIGHT === 0 ? String(10 ** (top - at / HEIGHT)) : '';
    return `${label(tick)} |${cells.join('')}`.trimEnd();
  });
  const axis = `${label('')} +${Array.from({ length: right - left }, () => '-'.repeat(WIDTH - 1)).join('+')}+`;
  const ticks = Array.from({ length: right - left + 1 }, (_, at) => String(10 ** (left + at)).padEnd(WIDTH));
  return [...rows, axis, `${label('')}  ${ticks.join('')}`.trimEnd()];
}

/** The powers of ten between which all values lie, at least one apart. */
function decades(values: readonly number[]): [from: number, to: number] {
  const from = Math.floor(Math.log10(Math.min(...values)));
  return [from, Math.max(from + 1, Math.ceil(Math.log10(Math.max(...values))))];
}
