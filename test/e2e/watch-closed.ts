/** How many hosts of a fleet are out of service at once, by what a watcher sees. */
import { setTimeout as delay } from 'node:timers/promises';
import type { V1Node } from '@kubernetes/client-node';
import { CLAIM_ANNOTATION } from '../../src/crds/names.ts';
import { closed, type Fleet } from './cluster.ts';

const PAUSE_MILLISECONDS = 10;

/** The most hosts of a fleet that were cordoned at once while an action ran. */
export async function mostClosed(fleet: Fleet, done: () => Promise<unknown>): Promise<number> {
  return mostAtOnce(fleet, closed, done);
}

/** The most hosts of a fleet that runs had taken away at once while an action ran. A session closes others without that. */
export async function mostAway(fleet: Fleet, done: () => Promise<unknown>): Promise<number> {
  const away = (nodes: readonly V1Node[]): readonly unknown[] =>
    nodes.filter(({ metadata }) => metadata?.annotations?.[CLAIM_ANNOTATION]?.includes('"away"'));
  return mostAtOnce(fleet, away, done);
}

async function mostAtOnce(
  fleet: Fleet,
  chosen: (nodes: readonly V1Node[]) => readonly unknown[],
  done: () => Promise<unknown>,
): Promise<number> {
  let most = 0;
  const over = new AbortController();
  const watching = (async () => {
    while (!over.signal.aborted) {
      most = Math.max(most, chosen(await fleet.nodes()).length);
      await delay(PAUSE_MILLISECONDS);
    }
  })();
  watching.catch(() => undefined); // awaited below, after the action
  try {
    await done();
  } finally {
    over.abort();
  }
  await watching;
  return most;
}
