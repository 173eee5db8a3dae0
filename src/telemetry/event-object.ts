/** Events as the API server wants them (events.k8s.io/v1). */
import { createHash } from 'node:crypto';
import { EVENTS, type EventReason } from '../crds/event-catalogue.ts';
import { printable } from '../crds/text/printable.ts';
import { redactText } from '../crds/text/redact-text.ts';

export type ObjectReference = {
  readonly apiVersion: string;
  readonly kind: string;
  /** Absent for a cluster-scoped object. */
  readonly namespace?: string;
  readonly name: string;
  readonly uid?: string;
};

export type CareenEvent = {
  readonly reason: EventReason;
  /** The object that the event is about: a strategy, a pool, or for leadership the Lease. */
  readonly regarding: ObjectReference;
  /** The node or pod that is involved. */
  readonly related?: ObjectReference;
  /**
   * Distinguishes the event from others of the same reason about the same objects,
   * such as the number of a stage. A repeat with the same subject only raises a count.
   */
  readonly subject?: string;
  /** The text for people. */
  readonly note: string;
};

/** The occurrences of one event that one object reports. Times are Unix times in milliseconds. */
export type Occurrences = { readonly first: number; readonly last: number; readonly count: number };

const CONTROLLER = 'careen.dev/operator';
/** The namespace of events about cluster-scoped objects. */
const CLUSTER_NAMESPACE = 'default';
const LONGEST_NOTE_BYTES = 1000;
const LONGEST_NAME = 253;
const LONGEST_INSTANCE = 128;

/** Equal for occurrences that belong to one series. */
export function seriesKey({ reason, regarding, related, subject }: CareenEvent): string {
  return JSON.stringify([reason, referenceKey(regarding), related && referenceKey(related), subject]);
}

export function referenceKey({ apiVersion, kind, namespace, name, uid }: ObjectReference): string {
  return [apiVersion, kind, namespace, name, uid].join(' ');
}

/**
 * The name of the object that reports a series. It follows from the series, the
 * replica and `period`, so the same event is never created twice, even when
 * nobody knows whether the first attempt arrived.
 */
export function eventName(event: CareenEvent, instance: string, period: number): string {
  const identity = JSON.stringify([seriesKey(event), instance, period]);
  const digest = createHash('sha256').update(identity).digest('hex').slice(0, 16);
  const name = event.regarding.name.slice(0, LONGEST_NAME - digest.length - 1).replace(/[^a-z0-9]+$/, '');
  return `${name}.${digest}`;
}

/** The API path that creates events about an object. */
export function eventsPath({ regarding }: CareenEvent): string {
  return `/apis/events.k8s.io/v1/namespaces/${namespaceOf(regarding)}/events`;
}

/** The object that first reports a series. */
export function eventBody(event: CareenEvent, name: string, instance: string, seen: Occurrences): object {
  const { reason, regarding, related, note } = event;
  const { action, type } = EVENTS[reason];
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name, namespace: namespaceOf(regarding) },
    eventTime: microTime(seen.first),
    type,
    reason,
    action,
    regarding,
    ...(related ? { related } : {}),
    note: cutNote(printable(redactText(note))),
    reportingController: CONTROLLER,
    reportingInstance: instance.slice(0, LONGEST_INSTANCE),
    ...(seen.count > 1 ? seriesPatch(seen) : {}),
  };
}

/** The patch of the object when the event occurs again. The API server allows no other change. */
export function seriesPatch({ count, last }: Occurrences): object {
  return { series: { count, lastObservedTime: microTime(last) } };
}

/**
 * The same event regarding the cluster-scoped object that it is related to, for an object whose namespace is gone.
 * Undefined when the event has no namespace or no such object.
 */
export function aboutClusterObject(event: CareenEvent): CareenEvent | undefined {
  const { regarding, related, note } = event;
  const { kind, namespace, name } = regarding;
  if (namespace === undefined || !related || related.namespace !== undefined) return undefined;
  return { ...event, regarding: related, related: regarding, note: `${kind} ${namespace}/${name}: ${note}` };
}

function namespaceOf({ namespace }: ObjectReference): string {
  return namespace ?? CLUSTER_NAMESPACE;
}

/** The API server counts bytes and refuses a note above 1 KiB. */
function cutNote(note: string): string {
  const bytes = Buffer.from(note);
  if (bytes.length <= LONGEST_NOTE_BYTES) return note;
  // The cut may split a character; its first bytes then become U+FFFD.
  return `${bytes.toString('utf8', 0, LONGEST_NOTE_BYTES).replace(/\uFFFD$/, '')}…`;
}

/** RFC 3339 with microseconds, as the API server wants it. */
function microTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('Z', '000Z');
}
