/** Plays one recorded case (test/vectors/vim/README.md) with the production code. */
import { z } from 'zod';
import { buildVim } from '../../planner/vim/build.ts';
import { buildDocument, type BuildDocument } from '../../planner/vim/build-document.ts';
import { InputError, problemText } from '../../planner/problems/input-error.ts';
import { parseRequest } from '../../planner/vim/request.ts';
import { firstDifference } from './first-difference.ts';
import { operation, playLifecycle, type Lifecycle } from './play-lifecycle.ts';

const vector = z.object({
  name: z.string(),
  kind: z.string(),
  category: z.enum(['plan', 'build-failure', 'lifecycle']),
  profile: z.string(),
  /** The defect of the recording: the original should have had another outcome. */
  knownDefect: z.string().optional(),
  inputs: z.looseObject({ operations: z.array(operation).optional() }),
  /** Needed only for a comparison. */
  expected: z.looseObject({}).optional(),
});
type Vector = z.infer<typeof vector>;

/** A build, and its lifecycle if the case has one. */
type Actual = BuildDocument & Partial<Lifecycle>;

export type Played =
  | {
      readonly kind: 'played';
      readonly name: string;
      /** What was computed, in the form of the recording. */
      readonly actual: unknown;
      /** Oddities of the inputs that did not matter. */
      readonly findings: readonly string[];
      /** Compares it with the recording. */
      readonly judge: () => Verdict;
    }
  | { readonly kind: 'failed' | 'skipped'; readonly name: string; readonly reason: string };

export type Verdict = {
  readonly kind: 'passed' | 'failed' | 'deviates';
  readonly name: string;
  readonly reason: string;
};

/**
 * Plays the case in a file. A folder has files of other kinds beside vectors; they are skipped.
 * @param named whether the user named the file, which must then be a vector
 */
export function playContent(path: string, content: unknown, named: boolean): Played {
  if (!has(content, 'inputs') && !has(content, 'expected')) {
    const failed = named && !isOfFenix(content);
    return {
      kind: failed ? 'failed' : 'skipped',
      name: path,
      reason: 'no plan of the VIM, and no recorded sessions of Fenix',
    };
  }
  const { data, error } = vector.safeParse(content);
  if (!data) {
    const reason = `not a complete vector: ${error.issues.map(issueText).join('; ')}`;
    return { kind: 'failed', name: path, reason };
  }
  return play(data);
}

/** A recording of Fenix has many sessions or HTTP exchanges in a file, and a format number. */
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
    const actual = { ...buildDocument(build), ...lifecycle };
    return { kind: 'played', name, actual, findings, judge: () => judge(given, actual) };
  } catch (error) {
    if (error instanceof InputError) return { kind: 'failed', name, reason: error.message };
    throw error;
  }
}

/** Compares the computed result with the recorded one. They may differ when the recording has a known defect. */
function judge({ name, expected, knownDefect }: Vector, actual: Actual): Verdict {
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
