/** The telemetry of the reconcilers: events for people, metrics for Prometheus. No decision depends on it. */
import { API_VERSION } from '../../crds/names.ts';
import type { OwnerRef } from '../../crds/owner-ref.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import type { HostPool } from '../../resources/careen-api.ts';
import type { EventDraft } from '../../status/shown/event-drafts.ts';
import type { CareenEvent, ObjectReference } from '../../telemetry/event-object.ts';
import type { Metrics } from '../../telemetry/metrics.ts';

export type Telemetry = {
  readonly events: { record(event: CareenEvent): void };
  readonly metrics: Metrics;
};

/** An event about the owner of a run, related to the node that it concerns. */
export function ownerEvent(owner: OwnerRef, { host, ...draft }: EventDraft): CareenEvent {
  const regarding = { apiVersion: API_VERSION, ...owner };
  return { ...draft, regarding, ...(host === undefined ? {} : { related: nodeReference(host) }) };
}

/** An event about a pool, related to the node that it concerns. */
export function poolEvent(
  { metadata: { name, uid } }: Pick<HostPool, 'metadata'>,
  { host, ...draft }: EventDraft,
): CareenEvent {
  const regarding = { apiVersion: API_VERSION, kind: 'HostPool', name, uid };
  return { ...draft, regarding, ...(host === undefined ? {} : { related: nodeReference(host) }) };
}

function nodeReference(name: HostName): ObjectReference {
  return { apiVersion: 'v1', kind: 'Node', name };
}
