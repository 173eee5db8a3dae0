/** Waits for the end of a deletion. */
import { read, type Manifest } from '../support/controlplane/apply.ts';
import { eventually } from '../support/eventually.ts';
import type { Cluster } from './cluster.ts';

/**
 * More than two periods of the garbage collector: every 30 s it looks for new kinds of resources, and while it waits
 * for their first list, which it does for up to 30 s, it collects nothing.
 */
const SECONDS = 90;

/** Waits until an object is removed; a failure shows the object with its finalizers, and what the operator logged. */
export async function untilGone(cluster: Cluster, object: Manifest): Promise<void> {
  let seen: unknown;
  await eventually(
    `${object.kind} ${object.metadata.name} is gone`,
    async () => (seen = await read(cluster.admin, object)) === undefined,
    { seconds: SECONDS, describe: () => ({ seen, log: cluster.operator.lines.slice(-8) }) },
  );
}
