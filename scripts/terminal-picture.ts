/** Lines of a terminal as an SVG picture that plays. Pure. */
import { lineWidth, widthOf, type Line } from '../src/cli/text/lines.ts';
import type { Style } from '../src/cli/text/style.ts';

const CELL = { width: 8.4, height: 18 };
const MARGIN = 14;
const FILLS: Readonly<Partial<Record<Style, string>>> = {
  dim: '#8b949e',
  red: '#ff7b72',
  green: '#7ee787',
  yellow: '#e3b341',
};

export type Film = {
  readonly frames: readonly (readonly Line[])[];
  /** The frame that is shown where nothing plays. */
  readonly still: number;
  readonly secondsPerFrame: number;
  /** What it shows, for people who do not see it. */
  readonly title: string;
};

export function terminalPicture({ frames, still, secondsPerFrame, title }: Film): string {
  const columns = Math.max(...frames.flatMap((lines) => lines.map(lineWidth)));
  const rows = Math.max(...frames.map((lines) => lines.length));
  const width = Math.ceil(columns * CELL.width + 2 * MARGIN);
  const height = rows * CELL.height + 2 * MARGIN;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${String(width)} ${String(height)}" width="${String(width)}" role="img">`,
    '<!-- Made by `npm run generate`. Do not edit. -->',
    `<title>${escaped(title)}</title>`,
    '<rect width="100%" height="100%" rx="8" fill="#0d1117"/>',
    '<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14" fill="#e6edf3" xml:space="preserve">',
    ...frames.map((lines, at) => frameGroup(lines, at, frames.length, still, secondsPerFrame)),
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}

function frameGroup(
  lines: readonly Line[],
  at: number,
  count: number,
  still: number,
  seconds: number,
): string {
  const times = ['0', String(at / count), String((at + 1) / count)].join(';');
  const values = at === 0 ? 'visible;visible;hidden' : 'hidden;visible;hidden';
  const play = `<animate attributeName="visibility" calcMode="discrete" dur="${String(count * seconds)}s" repeatCount="indefinite" keyTimes="${times}" values="${values}"/>`;
  const texts = lines.map((line, row) => lineText(line, MARGIN + (row + 0.75) * CELL.height));
  return [
    `<g visibility="${at === still ? 'visible' : 'hidden'}">`,
    play,
    ...texts.filter(Boolean),
    '</g>',
  ].join('\n');
}

/** Each span begins at its column, whatever font the viewer has. */
function lineText(line: Line, y: number): string {
  let column = 0;
  const spans = line.map(({ text, style }) => {
    const x = MARGIN + column * CELL.width;
    column += widthOf(text);
    const fill = style && FILLS[style] ? ` fill="${FILLS[style]}"` : '';
    const weight = style === 'bold' ? ' font-weight="bold"' : '';
    const isBlank = text.trim() === '';
    return isBlank ? '' : `<tspan x="${x.toFixed(1)}"${fill}${weight}>${escaped(text)}</tspan>`;
  });
  return spans.some(Boolean) ? `<text y="${String(y)}">${spans.join('')}</text>` : '';
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
