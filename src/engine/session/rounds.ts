/** The stages of a session, one function for each: workflows put them together. Pure. */
import type { Timing } from '../../crds/spec/timing.ts';
import type { StageName, StepName } from '../../crds/vocabulary.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import type { Stage, Step } from '../../planner/plan.ts';
import type { SessionTerms } from '../../crds/spec/session-terms.ts';
import { timeoutOver } from '../../planner/stage-steps.ts';
import { STEP_KINDS, type StepKindName } from '../../planner/step-kinds.ts';
import type { Instant } from '../view.ts';
import type { AskedState, SessionState } from '../../crds/vocabulary.ts';

/** What the timeouts of a stage follow from. */
export type RoundTerms = { readonly terms: SessionTerms; readonly timing: Timing; readonly now: Instant };

/** How long a host may take to be empty once every instance was asked to leave (fenix.md §6). */
const EMPTY_SECONDS = 240;
const FETCH: Step = { name: 'fetch-downloads', timeoutSeconds: 900 };
const CLOSE: Step = { name: 'close-hosts', timeoutSeconds: 900 };
/** What is left of a deadline that is judged by the step itself before its own timer fires. */
const MARGIN_SECONDS = 60;
/** With the policy `wait`: a day more than any answer takes that anybody waits for. */
const LONGEST_SECONDS = 30 * 86_400;

/** The states in which a host is emptied. */
export type EmptyingState = 'PREPARE_MAINTENANCE' | 'PLANNED_MAINTENANCE';

export const STAGE_OF_STATE = {
  MAINTENANCE: 'maintenance',
  SCALE_IN: 'scale-in',
  PREPARE_MAINTENANCE: 'prepare-maintenance',
  START_MAINTENANCE: 'start-maintenance',
  PLANNED_MAINTENANCE: 'planned-maintenance',
  MAINTENANCE_COMPLETE: 'maintenance-complete',
} as const satisfies Partial<Record<SessionState, StageName>>;

/** The answers that a state asks for have this long to come. */
export function replySecondsIn(
  { replySeconds, scaleInReplySeconds }: SessionTerms,
  state: AskedState,
): number {
  const isLong = state === 'SCALE_IN' || state === 'MAINTENANCE_COMPLETE';
  return isLong ? scaleInReplySeconds : replySeconds;
}

/** The stage that asks all projects of the session. */
export function askingStage(given: RoundTerms, state: Exclude<AskedState, EmptyingState>): Stage {
  const fetch = state === 'MAINTENANCE' && given.terms.downloads ? [FETCH] : [];
  const steps = [...fetch, ...awaitingStart(given, state), askStep(given, state)];
  return stageOf(STAGE_OF_STATE[state], [], 'touched', steps);
}

/** The stage that asks the projects of a host how their instances are to be moved, then moves them one after another. */
export function emptyingStage(given: RoundTerms, state: EmptyingState, host: HostName): Stage {
  const move = { name: 'move-instances', timeoutSeconds: EMPTY_SECONDS } as const;
  const steps = [...beforeEmptying(given, state), askStep(given, state), ...closing(given, state), move];
  return stageOf(STAGE_OF_STATE[state], [host], 'touched', steps);
}

/**
 * The stage that asks about each instance of a host by itself, and moves them as far at once as their constraints allow.
 * @param seconds how long that takes at most, with the times of the owners
 */
export function constrainedStage(
  given: RoundTerms,
  state: EmptyingState,
  host: HostName,
  seconds: number,
): Stage {
  // Where owners are waited for, their time is added while they take it.
  const timeoutSeconds = seconds + EMPTY_SECONDS;
  const steps: Step[] = [
    ...beforeEmptying(given, state),
    ...closing(given, state),
    { name: 'ask-and-move-instances', timeoutSeconds },
  ];
  return stageOf(STAGE_OF_STATE[state], [host], 'touched', steps);
}

/** PLANNED_MAINTENANCE has closed every host that is still to be maintained. */
function closing({ terms }: RoundTerms, state: EmptyingState): readonly Step[] {
  return terms.closesFirst && state === 'PREPARE_MAINTENANCE' ? [CLOSE] : [];
}

function askStep({ terms }: RoundTerms, state: AskedState): Step {
  const seconds = terms.silent === 'wait' ? LONGEST_SECONDS : replySecondsIn(terms, state) + MARGIN_SECONDS;
  return { name: 'ask-projects', timeoutSeconds: seconds };
}

function beforeEmptying(given: RoundTerms, state: EmptyingState): readonly Step[] {
  // A session that goes on after a failure has opened its hosts meanwhile.
  return [...awaitingStart(given, state), ...(state === 'PLANNED_MAINTENANCE' ? [CLOSE] : [])];
}

/** The stage that closes the compute hosts, so that what moves lands on a maintained host. */
export function closingStage(given: RoundTerms): Stage {
  return stageOf('start-maintenance', [], 'touched', [...awaitingStart(given, 'START_MAINTENANCE'), CLOSE]);
}

/**
 * The stage that works on an empty host. It looks at the host before it takes it out of service, too: after a failure, or
 * while other hosts were worked on, something may have come that nobody has asked to leave.
 */
export function hostStage({ terms, timing }: RoundTerms, host: HostName): Stage {
  const away = hostSteps(timing, ['lock-hosts']);
  const rest = hostSteps(timing, ['run-actions', 'verify', 'unlock-hosts']);
  const empty: Step = { name: 'await-empty', timeoutSeconds: EMPTY_SECONDS };
  const work = actionsFor(terms, ['host', 'compute']);
  return { ...stageOf('start-maintenance', [host], 'away', [empty, ...away, empty, ...rest]), patches: work };
}

/** The stage that runs actions on a host which keeps its work; undefined without such actions. */
export function inPlaceStage(
  { terms, timing }: RoundTerms,
  host: HostName,
  types: readonly SessionTerms['actions'][number]['type'][],
): Stage | undefined {
  const work = actionsFor(terms, types);
  if (work.length === 0) return undefined;
  const steps = hostSteps(timing, ['run-actions', 'verify']);
  return { ...stageOf('start-maintenance', [host], 'touched', steps), patches: work };
}

/** The actions of these types, type by type, each in the order of their names (fenix.md §8). */
function actionsFor(
  { actions }: SessionTerms,
  types: readonly SessionTerms['actions'][number]['type'][],
): readonly string[] {
  return types.flatMap((type) =>
    actions
      .filter((action) => action.type === type)
      .toSorted((a, b) => (a.plugin < b.plugin ? -1 : 1))
      .map(({ id }) => id),
  );
}

/** After MAINTENANCE the next state is shown while its start is awaited (fenix.md §3). */
function awaitingStart({ terms, now }: RoundTerms, state: SessionState): Step[] {
  if (state === 'MAINTENANCE' || terms.startAt === undefined) return [];
  const seconds = Math.ceil((Date.parse(terms.startAt) - now) / 1000);
  if (seconds <= 0) return [];
  return [{ name: 'await-start', timeoutSeconds: seconds + MARGIN_SECONDS }];
}

function hostSteps(timing: Timing, names: readonly StepKindName[]): Step[] {
  return names.map((name) => ({ name, timeoutSeconds: STEP_KINDS[name].timeoutSeconds(timing, true) }));
}

function stageOf(
  name: StageName,
  hosts: readonly HostName[],
  level: Stage['level'],
  steps: readonly (Step & { readonly name: StepName })[],
): Stage {
  return { name, hosts, patches: [], level, steps, timeoutSeconds: timeoutOver(steps) };
}
