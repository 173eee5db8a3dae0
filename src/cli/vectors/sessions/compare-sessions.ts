/**
 * Compares a played session with its recording, in what binds (test/vectors/fenix/README.md): states, notifications, hosts
 * closed and opened, moves, and the end. Pure.
 */
import type { PlayedSession } from './play-session.ts';
import type { RecordedSession, TraceEntry } from './recorded-session.ts';
import type { TraceEvent } from './trace.ts';

const FAILED = 'MAINTENANCE_FAILED';
const DONE = 'MAINTENANCE_DONE';

/** The first difference that binds, in one sentence; undefined without one. */
export function sessionDifference(recorded: RecordedSession, played: PlayedSession): string | undefined {
  const expected = recorded.trace.flatMap(eventOf);
  const defect = knownDefect(recorded, played);
  switch (defect) {
    case undefined:
      return (
        traceDifference(expected, played.trace, false) ??
        endDifference(recorded, played) ??
        emptiedUnasked(played.trace)
      );
    case OTHER_HOST_PREPARED:
      return (
        traceDifference(expected.filter(isState), played.trace.filter(isState), false) ??
        endDifference(recorded, played) ??
        emptiedUnasked(played.trace)
      );
    default:
      return (
        traceDifference(expected.slice(0, stateIndex(expected, FAILED)), played.trace, true) ??
        betterEnd(recorded, played) ??
        emptiedUnasked(played.trace)
      );
  }
}

function isState({ kind }: TraceEvent): boolean {
  return kind === 'state';
}

const OTHER_HOST_PREPARED = 'PREPARE_MAINTENANCE forgets the host that is the easiest to empty';

/** The host that was emptied first, before any was maintained. */
function preparedHost(trace: readonly TraceEvent[]): string | undefined {
  const from = stateIndex(trace, 'PREPARE_MAINTENANCE');
  const later = trace.slice(from + 1);
  const until = later.findIndex(({ kind }) => kind === 'state');
  const move = later.slice(0, until < 0 ? undefined : until).find((event) => event.kind === 'move');
  return move?.source;
}

/**
 * The known defect of the reference that the recording shows. Where it failed by one, its trace binds up to that failure
 * only; where it emptied another host, only its states do.
 */
export function knownDefect(
  { world, create, endState, trace }: RecordedSession,
  played: Pick<PlayedSession, 'trace'>,
): string | undefined {
  const expected = trace.flatMap(eventOf);
  const prepared = preparedHost(expected);
  if (prepared !== undefined && preparedHost(played.trace) !== prepared) return OTHER_HOST_PREPARED;
  if (endState !== FAILED) return undefined;
  const last = expected.slice(0, stateIndex(expected, FAILED)).at(-1);
  const isLive = last?.kind === 'answered' && last.actions.includes('LIVE_MIGRATE');
  if (isLive) return 'LIVE_MIGRATE is offered and then fails the session';
  const names = create.hosts.length > 0 ? create.hosts : world.computeHosts;
  const isEmpty = world.instances.every(({ host }) => !names.includes(host));
  return isEmpty ? 'a session without any instance fails' : undefined;
}

function stateIndex(events: readonly TraceEvent[], state: string): number {
  const index = events.findIndex((event) => event.kind === 'state' && event.state === state);
  return index < 0 ? events.length : index;
}

function eventOf(entry: TraceEntry): TraceEvent[] {
  const { state, notification, http, hostService, move, actionPlugin } = entry;
  if (state !== undefined) return [{ kind: 'state', state }];
  if (notification) return toldOf(notification);
  if (hostService) return [{ kind: 'host', ...hostService }];
  if (move) return [{ kind: 'move', instance: move.instance, source: move.source }];
  if (actionPlugin) return [{ kind: 'plug-in', ...actionPlugin }];
  return http?.method === 'PUT' ? answerOf(http) : [];
}

function toldOf({ eventType, payload }: NonNullable<TraceEntry['notification']>): TraceEvent[] {
  const { state = '', project_id: project = '', host = '', instance_ids: ids } = payload;
  if (eventType === 'maintenance.host') return [{ kind: 'told-of-host', host, state }];
  if (eventType !== 'maintenance.scheduled') return [];
  if (state === 'INSTANCE_ACTION_DONE')
    return [{ kind: 'instance-done', project, instance: Array.isArray(ids) ? (ids[0] ?? '') : (ids ?? '') }];
  return [{ kind: 'asked', project, state, allowedActions: payload.allowed_actions ?? [] }];
}

function answerOf({ path, body }: NonNullable<TraceEntry['http']>): TraceEvent[] {
  const { state, instance_actions: chosen } = (body ?? {}) as {
    readonly state?: unknown;
    readonly instance_actions?: unknown;
  };
  if (typeof state !== 'string') return [];
  const actions = typeof chosen === 'object' && chosen !== null ? Object.values(chosen).map(String) : [];
  return [{ kind: 'answered', project: path.split('/').at(-1) ?? '', state, actions }];
}

/** Events of these kinds have no order of their own beside others of the same group. */
const GROUPS: Partial<Record<TraceEvent['kind'], string>> = {
  asked: 'projects of one round',
  host: 'hosts of one round',
  move: 'instances of one host',
  'instance-done': 'instances of one host',
};

/** What a recording does not bind, or what is the doing of others. */
const UNBOUND: ReadonlySet<TraceEvent['kind']> = new Set([
  ...(['answered', 'plug-in', 'removed', 'added', 'deleted', 'moving', 'called-off'] as const),
]);

/** What binds of a trace, with the events of a group in a fixed order. */
function normalized(trace: readonly TraceEvent[]): string[] {
  const bound = trace.filter(({ kind }) => !UNBOUND.has(kind));
  const lines: string[] = [];
  for (let from = 0; from < bound.length;) {
    const group = groupOf(bound[from]);
    let to = from + 1;
    while (group !== undefined && to < bound.length && groupOf(bound[to]) === group) to += 1;
    lines.push(...bound.slice(from, to).map(lineOf).toSorted());
    from = to;
  }
  return lines;
}

/** A host that is opened is told of before; only those that are closed together have no order. */
function groupOf(event: TraceEvent | undefined): string | undefined {
  if (!event || (event.kind === 'host' && event.schedulable)) return undefined;
  return GROUPS[event.kind];
}

function lineOf(event: TraceEvent): string {
  switch (event.kind) {
    case 'state':
      return `state ${event.state}`;
    case 'asked':
      return `project ${event.project} is asked ${event.state} (${event.allowedActions.join(', ')})`;
    case 'told-of-host':
      return `host ${event.host} is told to be in ${event.state}`;
    case 'host':
      return `host ${event.host} is ${event.schedulable ? 'opened' : 'closed'}`;
    case 'move':
      return `instance ${event.instance} has left ${event.source}`;
    case 'instance-done':
      return `project ${event.project} is told that ${event.instance} has moved`;
    default:
      return '';
  }
}

/** @param goesOn the played trace may go on where the expected one ends */
function traceDifference(
  expected: readonly TraceEvent[],
  actual: readonly TraceEvent[],
  goesOn: boolean,
): string | undefined {
  const lines = normalized(expected);
  const played = normalized(withoutGivenBack(actual));
  const index = lines.findIndex((line, i) => line !== played[i]);
  if (index >= 0)
    return `event ${String(index)} is "${played[index] ?? 'nothing'}", expected "${lines[index] ?? ''}"`;
  const further = played[lines.length];
  return goesOn || further === undefined ? undefined : `"${further}" is not in the recording`;
}

/** A failed or deleted session opens its hosts; the recorded ones left them closed, which is a known defect. */
function withoutGivenBack(trace: readonly TraceEvent[]): readonly TraceEvent[] {
  const end = Math.min(stateIndex(trace, FAILED), deletionIndex(trace));
  return trace.filter((event, index) => index < end || event.kind !== 'host');
}

function deletionIndex(trace: readonly TraceEvent[]): number {
  const index = trace.findIndex(({ kind }) => kind === 'deleted');
  return index < 0 ? trace.length : index;
}

function endDifference(
  { endState, instancesAfter, hostsAfterDelete }: RecordedSession,
  played: PlayedSession,
): string | undefined {
  if (endState !== '(deleted)' && played.endState !== endState)
    return `the session ends in ${played.endState}, expected ${endState}`;
  const ids = (instances: readonly { readonly id: string }[]): string =>
    instances
      .map(({ id }) => id)
      .toSorted()
      .join(', ');
  if (instancesAfter && ids(instancesAfter) !== ids(played.instancesAfter))
    return `the instances after it are ${ids(played.instancesAfter)}, expected ${ids(instancesAfter)}`;
  const opened = hostsAfterDelete?.filter(({ schedulable }) => schedulable) ?? [];
  const closed = opened.find(({ host }) =>
    played.hostsAfterDelete.some((each) => each.host === host && !each.schedulable),
  );
  return closed && `host ${closed.host} is closed after the deletion`;
}

/** A session that the recording lets fail by a defect has to end well. */
function betterEnd(
  { world }: RecordedSession,
  { endState, hostsAfterDelete }: PlayedSession,
): string | undefined {
  if (endState !== DONE) return `the session ends in ${endState}, expected ${DONE}`;
  const closed = hostsAfterDelete.find(({ schedulable }) => !schedulable);
  return closed && world.computeHosts.includes(closed.host) ? `host ${closed.host} stays closed` : undefined;
}

/** No instance moves before the projects that were asked in this round have agreed. */
function emptiedUnasked(trace: readonly TraceEvent[]): string | undefined {
  const waiting = new Set<string>();
  for (const event of trace) {
    if (event.kind === 'asked') waiting.add(event.project);
    if (event.kind === 'answered' && event.state.startsWith('ACK_')) waiting.delete(event.project);
    if (event.kind === 'move' && waiting.size > 0)
      return `instance ${event.instance} moved before ${[...waiting].join(', ')} agreed`;
  }
  return undefined;
}
