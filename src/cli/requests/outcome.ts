/** What became of a request, for people and for programs. Pure. */
import { API_VERSION } from '../../crds/names.ts';
import { commandOf, wordsOf, type Located } from '../cluster/strategies.ts';
import type { Exit } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { WIDTH, wrap } from '../text/text-table.ts';
import type { Waited } from './await-answer.ts';
import type { Placement } from './request.ts';

/** The output of a command that asks for something, with `-o yaml` and `-o json`: docs/reference/cli.md. */
export type Outcome = {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: 'RequestOutcome';
  readonly strategy: { readonly kind: string; readonly namespace: string; readonly name: string };
  readonly id: string;
  readonly verb: string;
  /** `placed`: it was not waited for. `none`: there is no answer yet. */
  readonly answer: 'accepted' | 'refused' | 'waiting' | 'placed' | 'none';
  readonly message: string;
};

const EXITS = {
  accepted: 'done',
  placed: 'done',
  waiting: 'open',
  refused: 'failed',
  none: 'unanswered',
} as const satisfies Readonly<Record<Outcome['answer'], Exit>>;

export function exitOf({ answer }: Outcome): Exit {
  return EXITS[answer];
}

type Said = Pick<Outcome, 'answer' | 'message'>;

/** @param cause why there is no answer, and what to do */
export function saidOf(
  waited: Waited | 'not waited for',
  located: Located,
  { annotation }: Placement,
  { seconds, cause }: { readonly seconds: number; readonly cause: string },
): Said {
  if (waited === 'not waited for')
    return { answer: 'placed', message: 'the answer will be in .status.requests' };
  switch (waited.kind) {
    case 'answered':
      return { answer: waited.answer.answer, message: waited.answer.message };
    case 'replaced':
      return {
        answer: 'none',
        message: `somebody removed or replaced the annotation ${annotation} before it was answered`,
      };
    case 'silent':
      return {
        answer: 'none',
        message:
          `no answer within ${String(seconds)} s: ${waited.watchFailure ?? cause}. It stays placed; ` +
          `to withdraw it: kubectl annotate ${commandOf(located)} ${annotation}-`,
      };
  }
}

export function outcomeOf({ kind, strategy }: Located, { id, verb }: Placement, said: Said): Outcome {
  const { namespace, name } = strategy.metadata;
  return {
    ...{ apiVersion: API_VERSION, kind: 'RequestOutcome', id, verb },
    strategy: { kind: kind.definition.kind, namespace, name },
    ...said,
  };
}

export function outcomeLines(
  located: Located,
  outcome: Outcome,
  { name: program, width: terminal }: Pick<Io, 'name' | 'width'>,
): string[] {
  const width = Math.min(terminal, WIDTH);
  const { answer, message, verb, id } = outcome;
  const { namespace, name } = located.strategy.metadata;
  return [
    ...wrap(`${wordsOf(located)} in namespace ${namespace}: ${verb}, request ${id}`, width),
    ...wrap(answer === 'none' ? message : `${answer}: ${message}`, width),
    ...(answer === 'accepted' ? [`follow it: ${program} watch ${name} -n ${namespace}`] : []),
  ];
}
