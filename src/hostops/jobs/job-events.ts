/** Reads why the pod of a Job is not made, or does not start, where no object says it: from events. */
import type { EventsV1Event, KubeConfig } from '@kubernetes/client-node';
import { rawList } from '../../kube/client.ts';

/** The newest warning about an object: its reason and note. Undefined when there is none. */
export async function newestWarning(
  config: KubeConfig,
  { namespace, uid }: { readonly namespace: string; readonly uid: string },
  signal: AbortSignal,
): Promise<string | undefined> {
  const path = `/apis/events.k8s.io/v1/namespaces/${namespace}/events`;
  const fieldSelector = `regarding.uid=${uid},type=Warning`;
  return warningOf(await rawList<EventsV1Event>(config, path, { fieldSelector }, signal));
}

/** Pure: the reason and note of the newest event. */
export function warningOf(events: readonly EventsV1Event[]): string | undefined {
  const newest = events.toSorted((a, b) => timeOf(b) - timeOf(a))[0];
  return newest && [newest.reason, newest.note].filter(Boolean).join(': ');
}

function timeOf({ series, deprecatedLastTimestamp, metadata }: EventsV1Event): number {
  const time = series?.lastObservedTime ?? deprecatedLastTimestamp ?? metadata?.creationTimestamp;
  return Date.parse(String(time)) || 0;
}
