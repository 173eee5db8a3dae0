/** Lines for a terminal of any width: pieces of text with styles, wrapped at spaces. Pure. */
import { printable } from '../../crds/text/printable.ts';
import { styled, type Style } from './style.ts';

/** A piece of text in one style. */
export type Span = { readonly text: string; readonly style?: Style | undefined };
export type Line = readonly Span[];

export const EMPTY: Line = [];
const GAP = '  ';
/** A last column that is narrower than this is hard to read: the rows are stacked then. */
const LEAST_WRAPPED = 24;

/** A piece of text. Text of strangers stays on its line and moves no cursor. */
export function span(text: string, style?: Style): Span {
  return { text: shown(text), style };
}

function shown(text: string): string {
  return printable(text)
    .replaceAll('\n', String.raw`\n`)
    .replaceAll('\t', ' ');
}

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
const NO_WIDTH = /[\p{Mn}\p{Me}\u200b-\u200d\u2060\ufeff]/u;

/** How many columns of a terminal a text takes. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += widthOfOne(character);
  return width;
}

function widthOfOne(character: string): number {
  if (character <= '~') return 1;
  if (NO_WIDTH.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

export function lineWidth(line: Line): number {
  return line.reduce((sum, { text }) => sum + widthOf(text), 0);
}

/** The text of a line, without styles. */
export function lineText(line: Line): string {
  return line.map(({ text }) => text).join('');
}

/** The text of lines with the marks of their styles, as `io.out` takes it. */
export function styledLines(lines: readonly Line[]): string[] {
  return lines.map((line) =>
    line.map(({ text, style }) => (style && text !== '' ? styled(style, text) : text)).join(''),
  );
}

/**
 * Breaks spans at their spaces, and a word that is longer than a line at the end of the line. Between two spans is a
 * space. `hanging` is how far all lines but the first are indented.
 */
export function wrapped(spans: Line, columns: number, hanging = 0): Line[] {
  const indent = columns - hanging >= LEAST_INDENTED ? hanging : 0;
  const lines: Span[][] = [];
  let width = 0;
  for (const { text, style } of words(spans, columns - indent)) {
    const size = widthOf(text);
    const line = lines.at(-1);
    if (line && width + 1 + size <= columns) {
      line.push({ text: ' ' }, { text, style });
      width += 1 + size;
    } else {
      const before = lines.length > 0 && indent > 0 ? [{ text: ' '.repeat(indent) }] : [];
      lines.push([...before, { text, style }]);
      width = (before.length > 0 ? indent : 0) + size;
    }
  }
  return lines.map(joined);
}

/** Narrower than this, an indent costs more than it tells. */
const LEAST_INDENTED = 12;

/** Neighbours of one style become one span. */
function joined(line: Line): Line {
  const result: Span[] = [];
  line.forEach(({ text, style }, at) => {
    const last = result.at(-1);
    const next = line[at + 1];
    const isBetween = text === ' ' && last?.style === next?.style;
    if (last && (last.style === style || isBetween))
      result[result.length - 1] = { ...last, text: last.text + text };
    else result.push({ text, style });
  });
  return result;
}

function words(spans: Line, columns: number): Span[] {
  return spans.flatMap(({ text, style }) =>
    text
      .split(' ')
      .filter((word) => word !== '')
      .flatMap((word) => pieces(word, columns).map((piece) => ({ text: piece, style }))),
  );
}

/** A word in pieces that each fit into a line. */
function pieces(word: string, columns: number): string[] {
  if (widthOf(word) <= columns) return [word];
  const all: string[] = [];
  let piece = '';
  for (const character of word) {
    if (piece !== '' && widthOf(piece + character) > columns) {
      all.push(piece);
      piece = '';
    }
    piece += character;
  }
  return [...all, piece];
}

/** The lines, each behind an indent. */
export function indented(lines: readonly Line[], by: number): Line[] {
  return lines.map((line) => [{ text: ' '.repeat(by) }, ...line]);
}

/** A label, and a text behind it that continues below the text. */
export function labelled(label: Span, text: Line, columns: number): Line[] {
  return wrapped([label, ...text], columns, widthOf(label.text) + 1);
}

/** A command that can be copied from the terminal: where it is too long, it continues behind a backslash. */
export function commandLines(command: string, columns: number): Line[] {
  const indent = columns >= 2 * LEAST_INDENTED ? 2 : 0;
  const room = columns - indent - ' \\'.length;
  const parts: string[] = [];
  for (const word of shellWords(shown(command))) {
    const last = parts.at(-1);
    if (last !== undefined && widthOf(last) + 1 + widthOf(word) <= room)
      parts[parts.length - 1] = `${last} ${word}`;
    else parts.push(...pieces(word, room + ' \\'.length));
  }
  return parts.map((part, at) => {
    const continues = at < parts.length - 1 && widthOf(part) <= room;
    return [{ text: ' '.repeat(indent) + part + (continues ? ' \\' : ''), style: 'bold' }];
  });
}

/** The words of a command; a quoted text is part of one. */
function shellWords(command: string): readonly string[] {
  return command.match(/(?:'[^']*'|[^ '])+/g) ?? [];
}

/**
 * A table with a title line, whose last column wraps. In few columns each row is stacked: its first cells in a line, the
 * last cell below them.
 */
export function table(titles: readonly string[], rows: readonly Line[], columns: number): Line[] {
  const widths = titles
    .slice(0, -1)
    .map((title, at) => Math.max(widthOf(title), ...rows.map((row) => widthOf(row[at]?.text ?? ''))));
  const before = widths.reduce((sum, width) => sum + width + GAP.length, 0);
  const widest = Math.max(...[titles, ...rows.map((row) => row.map(({ text }) => text))].map(lastWidth));
  if (before + Math.min(widest, LEAST_WRAPPED) > columns) return rows.flatMap((row) => stacked(row, columns));
  const head = titles.map((title): Span => ({ text: title, style: 'dim' }));
  return [head, ...rows].flatMap((row) => rowLines(row, widths, columns - before));
}

function lastWidth(row: readonly string[]): number {
  return widthOf(row.at(-1) ?? '');
}

function rowLines(row: Line, widths: readonly number[], room: number): Line[] {
  const cells = widths.map((width, at): Span => {
    const { text = '', style } = row[at] ?? {};
    return { text: text + ' '.repeat(width - widthOf(text)) + GAP, style };
  });
  const last = wrapped(row.slice(widths.length), room);
  const [first = EMPTY, ...others] = last;
  const blank = { text: ' '.repeat(widths.reduce((sum, width) => sum + width + GAP.length, 0)) };
  return [trimmed([...cells, ...first]), ...others.map((line) => [blank, ...line])];
}

function stacked(row: Line, columns: number): Line[] {
  const last = row.at(-1);
  const head = row.slice(0, -1).filter(({ text }) => text !== '');
  const below = last && last.text !== '' ? wrapped([last], columns - GAP.length) : [];
  return [...wrapped(head, columns), ...indented(below, GAP.length)];
}

/** Without spaces at the end. */
function trimmed(line: Line): Line {
  const last = line.at(-1);
  if (!last) return line;
  const text = last.text.trimEnd();
  return text === '' ? trimmed(line.slice(0, -1)) : [...line.slice(0, -1), { ...last, text }];
}
