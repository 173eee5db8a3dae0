import type { z } from 'zod';

/** What can be wrong with the inputs of a plan, apart from what the VIM itself answers with a failed build. */
export type InputProblemCode =
  'malformed' | 'out-of-range' | 'duplicate-name' | 'unknown-host' | 'unknown-profile' | 'unknown-kind';

export type InputProblem = {
  readonly code: InputProblemCode;
  readonly path: readonly PropertyKey[];
  readonly value: unknown;
  /** What was found and what to do about it, without a full stop. */
  readonly remedy: string;
};

const SHOWN = 5;
const LONGEST_VALUE = 80;
/** What zod says of a union that has no words of its own. */
const UNSAID = 'Invalid input';

/** The inputs describe no platform that could be planned for: there is no plan, not even a part of one. */
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

/** What would be right where a schema refuses a value: its own words, or those of each choice that it leaves. */
export function remedyOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_union' && issue.errors.length > 0 && issue.message === UNSAID)
    return issue.errors.flatMap((each) => each.map(remedyOf)).join(', or ');
  // zod begins with what is wrong in general; what is right follows it.
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
