/** The output of commands, and its formats. */
import { yamlText } from '../files/yaml.ts';

export const FORMATS = ['table', 'yaml', 'json'] as const;
export type Format = (typeof FORMATS)[number];

/** The outputs of a command. */
export type Print = {
  readonly out: (text: string) => void;
  /** Takes one line about a fact that could not be read and may matter. */
  readonly note: (text: string) => void;
};

/** Returns a document as text in a format; `linesOf` makes the lines of the table. */
export function rendered<T extends object>(
  document: T,
  format: Format,
  linesOf: (document: T) => readonly string[],
): string {
  switch (format) {
    case 'table':
      // A line feed in a value must not begin a line that looks like ours.
      return linesOf(document)
        .map((line) => `${line.replaceAll('\n', String.raw`\n`)}\n`)
        .join('');
    case 'yaml':
      return yamlText(document);
    case 'json':
      return `${JSON.stringify(document, null, 2)}\n`;
  }
}
