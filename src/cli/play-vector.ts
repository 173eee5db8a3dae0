/**
 * One recorded case (test/vectors/vim/README.md), and what the production code
 * makes of it.
 */
import { z } from 'zod';
import { buildVim } from '../planner/vim/build.ts';
import { buildDocument, type BuildDocument } from '../planner/vim/build-document.ts';
import { InputError, problemText } from '../planner/input-error.ts';
import { parseRequest } from '../planner/vim/request.ts';
import { firstDifference } from './first-difference.ts';
import { operation, playLifecycle, type Lifecycle } from './play-lifecycle.ts';

const vector = z.object({
  name: z.string(),
  kind: z.string(),
  category: z.enum(['plan', 'build-failure', 'lifecycle']),
  profile: z.string(),
  /** What is wrong in the recording: an outcome that the original should not have had. */
  knownDefect: z.string().optional(),
  inputs: z.looseObject({ operations: z.array(operation).optional() }),
  /** May be left out where nothing is to be compared. */
  expected: z.looseObject({}).optional(),
});
export type Vector = z.infer<typeof vector>;

/** A build, and what became of it where that was recorded as well. */
export type Actual = BuildDocument & Partial<Lifecycle>;

export type Played =
  | {
      readonly kind: 'played';
      readonly vector: Vector;
      /** In the shape of `expected`. */
      readonly actual: Actual;
      /** What was odd in the inputs and did not matter. */
      readonly findings: readonly string[];
    }
  | { readonly kind: 'failed' | 'skipped'; readonly name: string; readonly reason: string };

export type Verdict = {
  readonly kind: 'passed' | 'failed' | 'deviates';
  readonly name: string;
  readonly reason: string;
};

/**
 * Plays the case that a file holds. Files of other kinds lie beside vectors.
 * @param named whether the file was asked for by its name, and so has to be a vector
 */
export function playContent(path: string, content: unknown, named: boolean): Played {
  if (!has(content, 'inputs') && !has(content, 'expected')) {
    const failed = named && !isOfFenix(content);
    return { kind: failed ? 'failed' : 'skipped', name: path, reason: 'no plan of the VIM' };
  }
  const { data, error } = vector.safeParse(content);
  if (!data) {
    const reason = `no whole vector: ${error.issues.map(issueText).join('; ')}`;
    return { kind: 'failed', name: path, reason };
  }
  return play(data);
}

/** Its sessions and HTTP exchanges are recorded many in a file, in a numbered format. */
function isOfFenix(content: unknown): boolean {
  return has(content, 'format');
}

function has(content: unknown, key: string): boolean {
  return typeof content === 'object' && content !== null && key in content;
}

function play(given: Vector): Played {
  const { name, kind, category, profile, inputs } = given;
  try {
    const build = buildVim(profile, parseRequest(kind, inputs));
    const findings = build.findings.map(problemText);
    const lifecycle = category === 'lifecycle' ? playLifecycle(build, inputs.operations ?? []) : {};
    return { kind: 'played', vector: given, actual: { ...buildDocument(build), ...lifecycle }, findings };
  } catch (error) {
    if (error instanceof InputError) return { kind: 'failed', name, reason: error.message };
    throw error;
  }
}

/** Whether what was computed is what was recorded; where the recording is known to be wrong it need not be. */
export function judge({ name, expected, knownDefect }: Vector, actual: Actual): Verdict {
  if (!expected) return { kind: 'failed', name, reason: 'it has no `expected` to compare with' };
  const difference = firstDifference(expected, actual);
  if (!difference) return { kind: 'passed', name, reason: '' };
  if (knownDefect !== undefined) return { kind: 'deviates', name, reason: knownDefect };
  const { path, expected: recorded, actual: computed } = difference;
  return { kind: 'failed', name, reason: `${path} is ${shown(computed)}, expected ${shown(recorded)}` };
}

function issueText({ path, message }: z.core.$ZodIssue): string {
  return `${path.join('.')}: ${message}`;
}

const LONGEST = 120;

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
