/**
 * Reads YAML as kubectl does, so that both see the same object in a file. js-yaml reads the syntax; documents are
 * separated, and values made, by the rules of Kubernetes (k8s.io/apimachinery/pkg/util/yaml, sigs.k8s.io/yaml).
 * test/chart/kubectl-yaml.test.ts compares the two.
 */
import {
  defineScalarTag,
  dump,
  DUMP_SCHEMA,
  EVENT_ID,
  getScalarValue,
  NOT_RESOLVED,
  SCALAR_STYLE,
  YAMLException,
  type Event,
} from 'js-yaml';
import { keyText, plainValue, taggedValue } from './yaml-scalar.ts';
import { yamlSyntax, type YamlSyntax } from './yaml-syntax.ts';

/** Values that only kubectl reads in a plain scalar: texts like them are written in quotes. */
const ONLY_KUBECTL = defineScalarTag('tag:careen.dev,2026:kubectl', {
  implicit: true,
  resolve: (source) => {
    const value = plainValue(source);
    return value === source ? NOT_RESOLVED : value;
  },
  identify: () => false,
});
const DUMP = DUMP_SCHEMA.withTags(ONLY_KUBECTL);

export type YamlDocument = {
  readonly content: unknown;
  /** `LINE:COLUMN` of the field at a path, or of the nearest one around it. */
  readonly positionOf: (path: readonly PropertyKey[]) => string;
};

/** Text that is no YAML, or whose value JSON does not have. */
export class YamlError extends Error {
  override readonly name = 'YamlError';
  /** `LINE:COLUMN` */
  readonly position: string;

  constructor(problem: string, position: string) {
    super(problem);
    this.position = position;
  }
}

/** A value, and where it begins in the text. */
type Node = {
  readonly value: unknown;
  readonly offset: number;
  /** The number of values in it, its aliases followed. */
  readonly size: number;
  readonly inner: ReadonlyMap<PropertyKey, Node>;
  readonly isMergeKey?: boolean;
  /** The text that it is as a key. */
  readonly key?: string | undefined;
};

type Anchor = { readonly anchorStart: number; readonly anchorEnd: number };

const YAML_TAG = /^(?:!!|!<tag:yaml\.org,2002:)([^>]*)>?$/;
/** As for kubectl, a small file does not make a huge object. */
const MOST_VALUES = 400_000;
const NOTHING_INNER: Node['inner'] = new Map();

/** A document that kubectl, `readYaml` and readers of YAML 1.1 and 1.2 read alike. */
export function yamlText(document: unknown): string {
  return dump(document, { schema: DUMP, lineWidth: 110, noRefs: true });
}

/** The documents of a file; empty ones are left out. Throws YamlError. */
export function readYaml(text: string): YamlDocument[] {
  const positionAt = (offset: number): string => positionIn(text, offset);
  return chunksOf(text, positionAt).flatMap((chunk) => {
    const root = rootOf(chunk, positionAt);
    if (!root || root.value === null) return [];
    return [{ content: root.value, positionOf: (path) => positionAt(nodeAt(root, path).offset) }];
  });
}

/**
 * The text of each document, with spaces before it as long as all that comes before it. A file may begin with an object
 * of JSON, or consist of several, without `---`. Only a comment may follow `---` on its line.
 */
function chunksOf(text: string, positionAt: (offset: number) => string): string[] {
  const chunks: string[] = [];
  let start = 0;
  const endDocument = (end: number, next: number): void => {
    chunks.push(blank(text.slice(0, start)) + text.slice(start, end));
    start = next;
  };
  for (const end of endsOfJson(text)) endDocument(end, end);
  if (chunks.length > 1 && text.slice(start).trim() !== '')
    throw new YamlError('after several objects of JSON kubectl takes only JSON', positionAt(start));
  for (const { index, 1: rest = '' } of text.matchAll(/^---(.*)$/gm)) {
    if (index < start) continue;
    if (!/^\s*(#|$)/.test(rest))
      throw new YamlError('kubectl takes only a comment after ---: begin a new line', positionAt(index + 3));
    endDocument(index, index + 3);
  }
  endDocument(text.length, text.length);
  return chunks;
}

/** Where each of the objects of JSON ends that a text begins with. */
function endsOfJson(text: string): number[] {
  const ends: number[] = [];
  let depth = 0;
  for (const { 0: token, index } of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[{}]/g)) {
    if (token === '{') depth += 1;
    if (token === '}') depth -= 1;
    if (depth > 0) continue;
    const end = index + token.length;
    if (!isJsonObject(text.slice(ends.at(-1) ?? 0, end))) break;
    ends.push(end);
  }
  return ends;
}

function isJsonObject(text: string): boolean {
  try {
    return typeof JSON.parse(text) === 'object';
  } catch {
    return false;
  }
}

/** Nothing but the line breaks of a text, in their places. */
function blank(text: string): string {
  return text.replaceAll(/[^\n]/g, ' ');
}

function rootOf(chunk: string, positionAt: (offset: number) => string): Node | undefined {
  try {
    return new Composer(chunk).root();
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    throw new YamlError(error.reason, positionAt(error.mark?.position ?? 0));
  }
}

function nodeAt(root: Node, path: readonly PropertyKey[]): Node {
  const [key, ...rest] = path;
  const inner = key === undefined ? undefined : root.inner.get(key);
  return inner ? nodeAt(inner, rest) : root;
}

function positionIn(text: string, offset: number): string {
  const before = text.slice(0, offset).split(/\r?\n/);
  return `${String(before.length)}:${String((before.at(-1) ?? '').length + 1)}`;
}

/** Makes the value of the first document of a text. */
class Composer {
  readonly #original: string;
  readonly #syntax: YamlSyntax;
  /** Undefined while the value of the anchor is being made. */
  readonly #anchors = new Map<string, Node | undefined>();
  #next = 1; // after the event that begins the document

  constructor(source: string) {
    this.#original = source;
    this.#syntax = yamlSyntax(source);
  }

  /** Undefined when the text is empty. */
  root(): Node | undefined {
    return this.#syntax.events.length > 1 ? this.#node() : undefined;
  }

  #node(): Node {
    const event = this.#syntax.events[this.#next];
    this.#next += 1;
    switch (event?.type) {
      case EVENT_ID.ALIAS:
        return this.#alias(event);
      case EVENT_ID.SCALAR:
        return this.#anchored(event, () => this.#scalar(event));
      case EVENT_ID.SEQUENCE:
        return this.#anchored(event, () => this.#sequence(this.#syntax.originalOffset(event.start)));
      case EVENT_ID.MAPPING:
        return this.#anchored(event, () => this.#mapping(this.#syntax.originalOffset(event.start)));
      default:
        return this.#fail('a value is missing', this.#original.length);
    }
  }

  #anchored({ anchorStart, anchorEnd }: Anchor, make: () => Node): Node {
    if (anchorStart < 0) return make();
    const anchor = this.#syntax.text.slice(anchorStart, anchorEnd);
    this.#anchors.set(anchor, undefined);
    const node = make();
    this.#anchors.set(anchor, node);
    return node;
  }

  #alias({ anchorStart, anchorEnd }: Anchor): Node {
    const anchor = this.#syntax.text.slice(anchorStart, anchorEnd);
    const offset = this.#syntax.originalOffset(anchorStart);
    const node = this.#anchors.get(anchor);
    if (node) return { ...node, offset, isMergeKey: false };
    const problem = this.#anchors.has(anchor) ? 'contains itself' : 'is not known';
    return this.#fail(`the anchor ${anchor} ${problem}`, offset);
  }

  #scalar(event: Event & { readonly type: typeof EVENT_ID.SCALAR }): Node {
    const source = getScalarValue(this.#syntax.text, event);
    const tag = event.tagStart < 0 ? undefined : this.#syntax.text.slice(event.tagStart, event.tagEnd);
    const offset = this.#syntax.originalOffset(
      event.valueStart < 0 ? this.#offsetBefore() : event.valueStart,
    );
    const isPlain = tag === undefined && event.style === SCALAR_STYLE.PLAIN;
    const yamlTag = YAML_TAG.exec(tag ?? '')?.[1];
    const value = isPlain
      ? plainValue(source)
      : tag === undefined
        ? source
        : taggedValue(yamlTag ?? '', source);
    if (value === undefined) return this.#fail(`${JSON.stringify(source)} is no ${tag ?? ''}`, offset);
    if (typeof value === 'number' && !Number.isFinite(value))
      return this.#fail(`${source} is no number of JSON`, offset);
    const isMergeKey = source === '<<' && (isPlain || yamlTag === 'merge');
    return { value, offset, size: 1, inner: NOTHING_INNER, isMergeKey, key: keyText(value, source) };
  }

  /** Where the last event with a place in the text ended: for a value that is left out. */
  #offsetBefore(): number {
    const before = this.#syntax.events[this.#next - 2];
    return before?.type === EVENT_ID.SCALAR ? Math.max(before.valueEnd, 0) : 0;
  }

  #sequence(offset: number): Node {
    const items: Node[] = [];
    while (!this.#isOver()) items.push(this.#node());
    return this.#collection(
      items.map(({ value }) => value),
      offset,
      new Map(items.entries()),
    );
  }

  /** As in Go, a merge takes effect where it stands: it replaces the fields before it, and those after it replace it. */
  #mapping(offset: number): Node {
    const fields = new Map<string, Node>();
    while (!this.#isOver()) {
      const key = this.#node();
      const value = this.#node();
      if (key.isMergeKey) for (const [name, field] of this.#merged(value)) fields.set(name, field);
      else fields.set(this.#keyText(key), value);
    }
    const value = Object.fromEntries([...fields].map(([name, field]) => [name, field.value]));
    return this.#collection(value, offset, fields);
  }

  /** The fields of a mapping, or of several: those of an earlier one count. */
  #merged({ value, inner, offset }: Node): [string, Node][] {
    const sources = Array.isArray(value) ? [...inner.values()].toReversed() : [{ value, inner }];
    return sources.flatMap((source) => {
      if (typeof source.value !== 'object' || source.value === null || Array.isArray(source.value))
        return this.#fail('<< takes a mapping, or a list of mappings', offset);
      return [...source.inner].map(([name, field]): [string, Node] => [String(name), field]);
    });
  }

  #keyText({ key, offset }: Node): string {
    return key ?? this.#fail('a key must be a text', offset);
  }

  #collection(value: unknown, offset: number, inner: ReadonlyMap<PropertyKey, Node>): Node {
    const size = inner.values().reduce((sum, each) => sum + each.size, 1);
    if (size > MOST_VALUES) return this.#fail('its aliases make it too large', offset);
    return { value, offset, size, inner };
  }

  /** Whether the open collection ends here. */
  #isOver(): boolean {
    if (this.#syntax.events[this.#next]?.type !== EVENT_ID.POP) return false;
    this.#next += 1;
    return true;
  }

  #fail(problem: string, offset: number): never {
    return YAMLException.throwAt(this.#original, offset, problem);
  }
}
