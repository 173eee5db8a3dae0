/** The formats that commands print in. */
import { dump } from 'js-yaml';

export const FORMATS = ['table', 'yaml', 'json'] as const;
export type Format = (typeof FORMATS)[number];

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
