/** The input documents of commands: read from a file, selected by kind, checked against a schema. */
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { API_VERSION } from '../../crds/names.ts';
import { enumerated } from '../../crds/text/enumerated.ts';
import { problemText, remedyOf } from '../../planner/problems/input-error.ts';
import { CommandError, type Problem } from '../command-error.ts';
import { unknownFields } from './unknown-fields.ts';
import { readYaml, YamlError, type YamlDocument } from './yaml.ts';

/** A document, and the name of its file for messages. */
export type Found<Kind extends string = string> = YamlDocument & {
  readonly file: string;
  readonly kind: Kind;
};

const ofAnyKind = z.looseObject({ kind: z.string() });

/** Reads the only document of these kinds from a file of YAML or JSON; `-` is standard input. Throws CommandError. */
export async function readDocument<Kind extends string>(
  file: string,
  kinds: readonly Kind[],
): Promise<Found<Kind>> {
  const name = file === '-' ? 'standard input' : file;
  const documents = parse(name, await read(file, name));
  const wanted = enumerated(kinds, 'or');
  const found = documents.flatMap((each) => {
    const kind = kinds.find((word) => word === kindOf(each));
    return kind === undefined ? [] : [{ ...each, kind, file: name }];
  });
  const [document, ...more] = found;
  if (document === undefined) {
    const others = documents.map((each) => kindOf(each) ?? 'a document without kind');
    const instead = others.length > 0 ? `, only ${[...new Set(others)].join(', ')}` : ': it is empty';
    throw new CommandError(
      `${name} has no ${wanted} in it${instead}; it needs one document with kind: ${wanted}`,
    );
  }
  if (more.length > 0)
    throw new CommandError(
      `${name} has ${found.length} documents with kind: ${listedKinds(found)}; give one at a time, each from a file of its own`,
    );
  return document;
}

function listedKinds(found: readonly Found[]): string {
  return enumerated([...new Set(found.map(({ kind }) => kind))], 'and');
}

function kindOf({ content }: YamlDocument): string | undefined {
  return ofAnyKind.safeParse(content).data?.kind;
}

/** Checks a document. Throws CommandError with a line for each problem, unknown fields among them. */
export function checkDocument<T extends z.ZodType>(found: Found, schema: T): z.output<T> {
  const { content } = found;
  const parsed = schema.safeParse(content);
  const issues = parsed.error?.issues ?? [];
  refuse(found, [...issues.map((issue) => asProblem(issue, content)), ...unknownFields(schema, content)]);
  // Cannot throw: refuse() has thrown if there was an issue.
  return schema.parse(content);
}

/** Throws CommandError with a line for each problem; does nothing without problems. */
export function refuse({ file, positionOf }: Found, problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  const lines = problems.map(
    (each) => `${file}:${positionOf(each.path)}: ${problemText({ code: 'malformed', ...each })}`,
  );
  throw new CommandError(lines.join('\n'));
}

/** The header fields of a Careen document. */
export function header<Kind extends string>(kind: Kind) {
  return { apiVersion: z.literal(API_VERSION), kind: z.literal(kind) };
}

async function read(file: string, name: string): Promise<string> {
  try {
    return file === '-' ? await text(process.stdin) : readFileSync(file, 'utf8');
  } catch (error) {
    throw new CommandError(`${name} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

function parse(name: string, content: string): YamlDocument[] {
  try {
    return readYaml(content);
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    throw new CommandError(`${name}:${error.position}: this is no YAML for kubectl: ${error.message}`, {
      cause: error,
    });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function asProblem(issue: z.core.$ZodIssue, content: unknown): Problem {
  return { path: issue.path, value: valueAt(content, issue.path), remedy: remedyOf(issue) };
}

function valueAt(content: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (isObject(value) ? Reflect.get(value, key) : undefined),
    content,
  );
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
