/** What commands print, and in which formats. */
import { dump } from 'js-yaml';

export const FORMATS = ['table', 'yaml', 'json'] as const;
export type Format = (typeof FORMATS)[number];

/** Where a command prints. */
export type Print = {
  readonly out: (text: string) => void;
  /** Told, in one line, of what could not be learned and may matter. */
  readonly note: (text: string) => void;
};

/** A document in a format; `linesOf` writes it for people. */
export function rendered<T extends object>(
  document: T,
  format: Format,
  linesOf: (document: T) => readonly string[],
): string {
  switch (format) {
    case 'table':
      return `${linesOf(document).join('\n')}\n`;
    case 'yaml':
      return dump(document, { noRefs: true });
    case 'json':
      return `${JSON.stringify(document, null, 2)}\n`;
  }
}
