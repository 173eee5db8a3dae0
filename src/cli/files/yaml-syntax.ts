/**
 * Reads the syntax of a YAML text with js-yaml, also where kubectl takes more than js-yaml: within brackets and quotes
 * the indentation does not matter, and a comment may follow any token.
 */
import { parseEvents, YAMLException, type Event } from 'js-yaml';

type Insertion = { readonly at: number; readonly added: string };

export type YamlSyntax = {
  /** The text that the events refer to: the original, with what js-yaml asks for put in. */
  readonly text: string;
  readonly events: readonly Event[];
  /** The offset in the original text of one in `text`. */
  readonly originalOffset: (offset: number) => number;
};

/** Throws YAMLException, with the place in the original text. */
export function yamlSyntax(original: string): YamlSyntax {
  const insertions: Insertion[] = [];
  const originalOffset = (offset: number): number => insertions.reduceRight(offsetWithout, offset);
  const indentation = ' '.repeat(deepestBlock(original) + 1);
  let text = original;
  for (;;) {
    try {
      return { text, events: parseEvents(text, {}), originalOffset };
    } catch (error) {
      if (!(error instanceof YAMLException)) throw error;
      const offset = error.mark?.position ?? 0;
      const insertion = insertionFor(text, offset, { problem: error.reason, indentation });
      if (!insertion) return YAMLException.throwAt(original, originalOffset(offset), error.reason);
      insertions.push(insertion);
      text = text.slice(0, insertion.at) + insertion.added + text.slice(insertion.at);
    }
  }
}

function offsetWithout(offset: number, { at, added }: Insertion): number {
  return offset <= at ? offset : Math.max(at, offset - added.length);
}

/** What makes js-yaml read on where it found a problem. Each place needs one only once. */
function insertionFor(
  text: string,
  offset: number,
  { problem, indentation }: { readonly problem: string; readonly indentation: string },
): Insertion | undefined {
  if (text[offset] === '#' && /[^\s\\]/.test(text[offset - 1] ?? ' ')) return { at: offset, added: ' ' };
  if (problem !== 'deficient indentation') return undefined;
  const lineStart = Math.max(text.lastIndexOf('\n', offset - 1), text.lastIndexOf('\r', offset - 1)) + 1;
  if (text.slice(lineStart, offset).trim() === '') return { at: lineStart, added: indentation };
  // A tab between brackets, on a line that may not be indented.
  return { at: offset, added: `\n${indentation}` };
}

/** A column beyond which no block in the text begins. */
function deepestBlock(text: string): number {
  const starts = text.split(/[\r\n]+/).map((line) => /^[\s?:-]*(?=\S)/.exec(line)?.[0].length ?? 0);
  return starts.reduce((most, each) => Math.max(most, each), 0);
}
