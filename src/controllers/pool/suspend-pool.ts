import { isDeepStrictEqual } from 'node:util';
import { POOLS } from '../../resources/paths.ts';
import { OutdatedKindError, type OutdatedKinds } from '../../resources/outdated-kind-error.ts';
import { outdatedPoolConditions } from '../../status/pool-status.ts';
import { poolEvent } from '../runtime/events.ts';
import type { ReconcilerDeps } from '../runtime/reconciler-deps.ts';

type Deps = Pick<ReconcilerDeps, 'api' | 'clock' | 'events'>;

/** Says in the status of a pool why no pass is made; the event and the log say it where the kind has no conditions. */
export async function suspendPool(
  { api, clock, events }: Deps,
  name: string,
  { message, plurals }: OutdatedKinds,
): Promise<void> {
  const read = await api.poolConditions(name);
  if (!read) return;
  const { metadata, status } = read;
  events.record(poolEvent(read, { reason: 'KindsOutdated', subject: message, note: message }));
  const now = new Date(clock()).toISOString();
  const conditions = outdatedPoolConditions(status.conditions, message, metadata.generation, now);
  if (isDeepStrictEqual(conditions, status.conditions)) return;
  try {
    await api.suspendPool(read, conditions, plurals.includes(POOLS));
  } catch (error) {
    if (!(error instanceof OutdatedKindError)) throw error;
  }
}
