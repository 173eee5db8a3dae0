/**
 * Requests: a person or a tool requests something of a strategy once, in an
 * annotation, in addition to the standing order of its spec. Each is answered
 * once, by its id. An unreadable request gets an id too, so that it is answered.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ABORT_ANNOTATION, REQUEST_ANNOTATION } from '../names.ts';
import { objectName, text } from '../schema/schema.ts';

const ID = String.raw`[A-Za-z0-9._\-]{1,63}`;
const id = z.string().regex(new RegExp(`^${ID}$`));
const stage = z.int().min(0).max(9999);
const plan = text(80);

const VERBS = [
  'apply-all',
  'apply-stage',
  'retry',
  'resume',
  'approve',
  'release-host',
  'skip-host',
  'done',
] as const;

const request = z.discriminatedUnion('verb', [
  z.strictObject({ id, verb: z.literal('apply-all'), plan: plan.optional() }),
  z.strictObject({ id, verb: z.literal('apply-stage'), stage, plan: plan.optional() }),
  z.strictObject({ id, verb: z.literal('retry') }),
  z.strictObject({ id, verb: z.literal('resume') }),
  z.strictObject({ id, verb: z.literal('approve'), plan }),
  z.strictObject({ id, verb: z.literal('release-host'), host: objectName() }),
  z.strictObject({ id, verb: z.literal('skip-host'), host: objectName() }),
  z.strictObject({
    ...{ id, verb: z.literal('done'), host: objectName() },
    action: text(63).optional(),
    failed: z.boolean().optional(),
  }),
]);

/** One request. If it names a plan, by its digest, it is valid for that plan only. */
export type Request = z.infer<typeof request>;

/** An abort of the whole run. With a stage, it is an abort only if that stage is running. */
export type Abort = { readonly id: string; readonly stage?: number };

/** A request that cannot be read: the reason, and the correct form, in at most 1024 characters. */
export type Unreadable = { readonly unreadable: string; readonly id: string };

/** The correct form of each field of a request, for the answer. */
const RIGHT: Readonly<Record<string, string>> = {
  id: '1 to 63 letters, digits, ".", "_" and "-"',
  verb: `one of ${VERBS.join(', ')}`,
  stage: 'the id of a stage, a number from 0 to 9999',
  plan: 'the digest of a plan, as in status.run.planDigest',
  host: 'the name of a host',
  action: 'the name of a patch or of a part of an upgrade, as in status.progress.hosts[].manual',
  failed: 'true or false',
};

/** Reads the value of `careen.dev/request`: a JSON object with id, verb and the fields of that verb. */
export function parseRequest(annotation: string): Request | Unreadable {
  const found = jsonObject(annotation);
  if (!found) {
    const example = '{"id":"q-7","verb":"apply-stage","stage":2}';
    const wrong = `annotation ${REQUEST_ANNOTATION} is ${quoted(annotation)}`;
    return { unreadable: `${wrong}, must be a JSON object such as ${example}`, id: digestId(annotation) };
  }
  const parsed = request.safeParse(found);
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.map((issue) => complaint(issue, found)).join('; ');
  const known = id.safeParse(found['id']);
  return {
    unreadable: `annotation ${REQUEST_ANNOTATION}: ${wrong}`,
    id: known.success ? known.data : digestId(annotation),
  };
}

/** Reads the value of `careen.dev/abort`: an id, and optionally a slash and the stage to abort. */
export function parseAbort(annotation: string): Abort | Unreadable {
  const [, found, only] = new RegExp(`^(${ID})(?:/([0-9]{1,4}))?$`).exec(annotation) ?? [];
  if (found !== undefined) return only === undefined ? { id: found } : { id: found, stage: Number(only) };
  const known = id.safeParse(annotation.split('/')[0]);
  return {
    unreadable:
      `annotation ${ABORT_ANNOTATION} is ${quoted(annotation)}, must be an id (${String(RIGHT['id'])}), such as q-7, ` +
      'or an id and the stage to abort, such as q-7/2',
    id: known.success ? known.data : digestId(annotation),
  };
}

function jsonObject(annotation: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return z.record(z.string(), z.unknown()).safeParse(JSON.parse(annotation)).data;
  } catch {
    return undefined;
  }
}

function complaint(issue: z.core.$ZodIssue, found: Readonly<Record<string, unknown>>): string {
  if (issue.code === 'unrecognized_keys') {
    const [first, ...others] = issue.keys;
    const more = others.length > 0 ? ` and ${String(others.length)} more` : '';
    return `verb ${String(found['verb'])} takes no ${quoted(first)}${more}`;
  }
  const field = String(issue.path[0]);
  const value = found[field];
  const is = value === undefined ? 'is missing' : `is ${quoted(value)}`;
  return `${field} ${is}, must be ${String(RIGHT[field])}`;
}

function quoted(value: unknown): string {
  const json = JSON.stringify(value);
  return json.length <= 80 ? json : `${json.slice(0, 79)}…`;
}

function digestId(annotation: string): string {
  return `unreadable-${createHash('sha256').update(annotation).digest('hex').slice(0, 12)}`;
}
