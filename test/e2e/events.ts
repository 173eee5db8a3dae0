import { EventsV1Api, type EventsV1Event, type KubeConfig } from '@kubernetes/client-node';
import type { Manifest } from '../support/controlplane/apply.ts';
import { eventually } from '../support/eventually.ts';

/** The events about an object, in its own namespace, or in `default` when it has none. */
export async function eventsAbout(
  admin: KubeConfig,
  { kind, metadata: { name, namespace = 'default' } }: Manifest,
): Promise<EventsV1Event[]> {
  const { items } = await admin.makeApiClient(EventsV1Api).listNamespacedEvent({ namespace });
  return items.filter(({ regarding }) => regarding?.kind === kind && regarding.name === name);
}

/** Waits for an event about an object with this reason. */
export async function eventAbout(
  admin: KubeConfig,
  object: Manifest,
  reason: string,
): Promise<EventsV1Event> {
  let seen: (string | undefined)[] = [];
  return eventually(
    `an event ${reason} about ${object.metadata.name}`,
    async () => {
      const events = await eventsAbout(admin, object);
      seen = events.map((each) => each.reason);
      return events.find((each) => each.reason === reason);
    },
    { describe: () => seen },
  );
}
