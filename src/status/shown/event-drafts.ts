import type { EventReason } from '../../crds/event-catalogue.ts';
import type { HostProgress } from '../../crds/observed/host-progress.ts';
import type { AnsweredRequest } from '../../crds/observed/answered-request.ts';
import type { SkippedHost, StageStatus } from '../../crds/observed/strategy-status.ts';
import type { StrategyState } from '../../crds/vocabulary.ts';
import type { Effect } from '../../engine/effect.ts';
import { isFinal, type RunState } from '../../engine/run/run-state.ts';
import { changedStages } from '../../engine/run/stage-folds.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import type { HostWords } from '../../planner/hosts/host-words.ts';
import { isPlacedAgain, requestKey } from '../requests/requests.ts';

/** An event without the object that it is about. */
export type EventDraft = {
  readonly reason: EventReason;
  /** Distinguishes it from other events with the same reason and objects, for example by the number of a stage. */
  readonly subject?: string;
  /** The host that it concerns. */
  readonly host?: HostName;
  /** One sentence for people. */
  readonly note: string;
};

const OF_STATE: Partial<Record<StrategyState, EventReason>> = {
  applying: 'ApplyStarted',
  applied: 'Applied',
  'apply-failed': 'ApplyFailed',
  'apply-timeout': 'ApplyFailed',
  aborting: 'Aborting',
  aborted: 'Aborted',
  'abort-failed': 'AbortFailed',
  'abort-timeout': 'AbortFailed',
};

/** The events of the changes of a run. `message` is the message of the status. Pure. */
export function runEvents(before: RunState, after: RunState, message: string): readonly EventDraft[] {
  const stages = changedStages(before.apply, after.apply);
  return [
    ...stateEvents(before, after, message),
    ...stages.flatMap((stage) => stageEvents(stage.before, stage.after)),
    ...skipEvents(before.skipped, after.skipped),
    ...stages.flatMap((stage) => leaverEvents(stage.before, stage.after, after.skipped)),
    ...after.hosts.flatMap((host) =>
      hostEvents(
        before.hosts.find(({ name }) => name === host.name),
        host,
      ),
    ),
  ];
}

/** The events of the requests that were answered, and of those that were placed again after their answer. */
export function requestEvents(
  before: readonly AnsweredRequest[] = [],
  after: readonly AnsweredRequest[] = [],
): EventDraft[] {
  const known = new Map(before.map((each) => [requestKey(each), each]));
  return after.flatMap((each) => {
    const old = known.get(requestKey(each));
    if (each.answer === 'waiting') return [];
    if (old === undefined || old.answer === 'waiting') return [answered(each)];
    return isPlacedAgain(old, each) ? [repeated(each)] : [];
  });
}

function answered(given: AnsweredRequest): EventDraft {
  const { id, verb = 'request', answer, message } = given;
  const reason = answer === 'accepted' ? 'RequestAccepted' : 'RequestRefused';
  return { reason, subject: requestKey(given), note: `${verb} ${id}: ${message}` };
}

function repeated(given: AnsweredRequest): EventDraft {
  const { id, verb = 'request', answer, message, time } = given;
  const before = `${verb}, ${answer} at ${time}: ${message}`;
  const note = `id ${id} was answered already (${before}); place it again with another id`;
  return { reason: 'RequestRepeated', subject: requestKey(given), note };
}

function stateEvents(before: RunState, after: RunState, message: string): EventDraft[] {
  const reason = before.state === after.state ? undefined : OF_STATE[after.state];
  const drafts: EventDraft[] = reason ? [{ reason, subject: after.id, note: message || after.state }] : [];
  if (!before.suspendedSince && after.suspendedSince)
    drafts.push({ reason: 'Suspended', subject: after.suspendedSince, note: message });
  if (before.suspendedSince && !after.suspendedSince)
    drafts.push({
      reason: 'Resumed',
      subject: before.suspendedSince,
      note: `suspended since ${before.suspendedSince}`,
    });
  return drafts;
}

function stageEvents(
  before: StageStatus | undefined,
  { id, name, hosts = [], result, inProgress }: StageStatus,
): EventDraft[] {
  const subject = `stage ${String(id)}`;
  if (inProgress && !before?.inProgress)
    return [{ reason: 'StageStarted', subject, note: `${subject}, ${name}: ${hosts.join(', ')}` }];
  const done = result === 'success' && before?.result !== 'success';
  return done ? [{ reason: 'StageDone', subject, note: `${subject}, ${name}: all its hosts are done` }] : [];
}

/** The events of the hosts that requests leave out of a run since. */
export function skipEvents(
  before: readonly SkippedHost[] = [],
  after: readonly SkippedHost[] = [],
): EventDraft[] {
  const news = after.filter(({ request }) => before.every((each) => each.request !== request));
  return news.map(({ name, request }) => ({
    reason: 'HostSkipped',
    host: name,
    note: `${name} is left out of the run at the request ${request}: the others go on`,
  }));
}

function leaverEvents(
  before: StageStatus | undefined,
  { left = [] }: StageStatus,
  skipped: readonly SkippedHost[],
): EventDraft[] {
  const known = new Set([...(before?.left ?? []), ...skipped].map(({ name }) => name));
  const news = left.filter(({ name }) => !known.has(name));
  return news.map(({ name, reason, unstaged }) => ({
    reason: unstaged ? 'HostNotStaged' : 'HostLeft',
    host: name,
    note: `${reason}: nothing more is done there, the other hosts go on`,
  }));
}

function hostEvents(
  before: HostProgress | undefined,
  { name, step, result, reason = '', uncordoned }: HostProgress,
): EventDraft[] {
  const failed = isFinal(result) && result !== 'success' && !(before && isFinal(before.result));
  return [
    ...(failed
      ? [{ reason: 'HostFailed' as const, subject: step, host: name, note: `${step}: ${reason}` }]
      : []),
    ...(uncordoned && !before?.uncordoned
      ? [{ reason: 'HostUncordoned' as const, host: name, note: reason }]
      : []),
  ];
}

/** The event of an accepted effect; undefined for an effect without one. */
export function effectEvent(effect: Effect, words: HostWords): EventDraft | undefined {
  const { host } = effect;
  switch (effect.kind) {
    case 'claim': {
      const away = effect.claim.level === 'away';
      const note = away ? words.says('claimed', host) : `${host} was claimed for work in place`;
      return { reason: 'HostLocked', host, note };
    }
    case 'release':
      return { reason: 'HostReleased', host, note: `${host} was released` };
    case 'leave-locked': {
      const remedy = `${words.remedy('kept-locked', host)} when it is fit to work`;
      const note = `${words.says('kept-locked', host)}: ${effect.reason}; ${remedy}`;
      return { reason: 'HostLeftLocked', host, note };
    }
    default:
      return undefined;
  }
}

/** The events that say of one host what they may say of several. */
const SHARED: ReadonlySet<EventReason> = new Set(['HostLocked', 'HostReleased']);
/** A note must stay below 1 KiB. */
const NAMED_HOSTS = 20;

/** The same events, with one for all hosts that were locked or released together. */
export function sharedEvents(drafts: readonly EventDraft[]): readonly EventDraft[] {
  const shared = Map.groupBy(drafts, ({ reason, note, host = '' }, i) =>
    SHARED.has(reason) ? `${reason} ${note.replace(host, '')}` : String(i),
  );
  return [...shared.values()].flatMap(([first, ...others]) => {
    if (!first || others.length === 0) return first ?? [];
    const hosts = others.map(({ host = '' }) => host);
    const more = hosts.length > NAMED_HOSTS ? ` and ${String(hosts.length - NAMED_HOSTS)} more` : '';
    const note = `${first.note}; so were ${hosts.slice(0, NAMED_HOSTS).join(', ')}${more}`;
    return { reason: first.reason, subject: [first.host, ...hosts].join(), note };
  });
}

/** The event of a host that a strategy left locked when it was deleted. */
export function leftLockedEvent({ name, reason = '' }: HostProgress, words: HostWords): EventDraft {
  const remedy = `${words.remedy('kept-locked', name)} when it is fit to work`;
  const note = `${name} stays locked, it could not be released (${reason}); ${remedy}`;
  return { reason: 'HostLeftLocked', host: name, note };
}
