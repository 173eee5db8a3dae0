import type { z } from 'zod';

/** The kinds of problems in the inputs of a plan. The VIM answers other problems with a failed build. */
export type InputProblemCode =
  'malformed' | 'out-of-range' | 'duplicate-name' | 'unknown-host' | 'unknown-profile' | 'unknown-kind';

export type InputProblem = {
  readonly code: InputProblemCode;
  readonly path: readonly PropertyKey[];
  readonly value: unknown;
  /** The problem and the next action for the user, without a full stop. */
  readonly remedy: string;
};

const SHOWN = 5;
const LONGEST_VALUE = 80;
/** The message of zod for a union without a message of its own. */
const UNSAID = 'Invalid input';

/** The inputs are invalid: there is no plan, not even a partial one. */
export class InputError extends Error {
  override readonly name = 'InputError';
  readonly problems: readonly InputProblem[];

  constructor(problems: readonly InputProblem[]) {
    const more = problems.length > SHOWN ? [`and ${problems.length - SHOWN} more`] : [];
    super([...problems.slice(0, SHOWN).map(problemText), ...more].join('; '));
    this.problems = problems;
  }
}

/** `inputs.instances[3].host is "worker-9": there is no such host; …` */
export function problemText({ path, value, remedy }: InputProblem): string {
  return `${pathText(path)} is ${value === undefined ? 'missing' : shortened(JSON.stringify(value))}: ${remedy}`;
}

/** The values that a schema expects in place of a refused one: by its own message, or by those of each choice in it. */
export function remedyOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_union' && issue.errors.length > 0 && issue.message === UNSAID)
    return issue.errors.flatMap((each) => each.map(remedyOf)).join(', or ');
  // The message of zod begins with the general error; the expected value follows.
  return issue.message.replace(/^(Invalid|Too)[^:]*: /, '').replace(/, received .*$/, '');
}

function shortened(text: string): string {
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text;
}

/** `inputs.hosts[3].name` */
export function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '');
}
