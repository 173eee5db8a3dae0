import type { StepStatus } from '../crds/observed/step-status.ts';
import type { StepName } from '../crds/vocabulary.ts';
import type { HostName } from '../planner/hosts/facts.ts';
import type { Judge, StepDefinitions } from './steps/definitions.ts';
import { guardAgainstUncordon } from './steps/foreign-uncordon.ts';
import { withBootId } from './steps/reboot.ts';
import { failed, type HostStep, type Verdict } from './steps/verdict.ts';

export type HostVerdict = { readonly host: HostName; readonly verdict: Verdict };

/** Judges the progress of a step: one verdict for each of its hosts. */
export type Evaluate = (
  step: StepStatus,
  hosts: readonly HostStep[],
  definitions: StepDefinitions,
) => readonly HostVerdict[];

/** Judges every kind of step from the observed hosts. */
export const evaluateStep: Evaluate = ({ name }, hosts, definitions) => {
  const judge = judgeOf(name, definitions);
  return hosts.map((host) => ({ host: host.name, verdict: judge(host) }));
};

function judgeOf(name: StepName, definitions: StepDefinitions): Judge {
  const definition = definitions[name];
  if (!definition) return () => failed(`step ${name} is not supported on these hosts`);
  const { keepsClosed, needsBootId } = definition;
  const judge: Judge = needsBootId ? (host) => withBootId(host, definition.judge) : definition.judge;
  return keepsClosed ? (host) => guardAgainstUncordon(host, judge) : judge;
}
