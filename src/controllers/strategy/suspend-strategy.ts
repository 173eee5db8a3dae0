import { ownerOfKey } from '../../crds/owner-ref.ts';
import { OutdatedKindError, type OutdatedKinds } from '../../resources/outdated-kind-error.ts';
import { strategyKey } from '../../resources/paths.ts';
import { ownerOf, type Strategy } from '../../resources/stored-strategy.ts';
import { outdatedStatuses } from '../../status/shown/stalled-status.ts';
import { ownerEvent } from '../runtime/events.ts';
import type { StrategyDeps } from './strategy-deps.ts';

type Deps = Pick<StrategyDeps, 'api' | 'clock' | 'events'>;

/**
 * Says in the status of a strategy why no pass is made. Does not write where the write would lose a run: the API server
 * drops fields of what it reads, and this process may never have seen them. The event and the log say it then.
 */
export async function suspendStrategy(
  { api, clock, events }: Deps,
  key: string,
  { message }: OutdatedKinds,
): Promise<void> {
  const read = await api.strategyOfOutdatedKind(strategyKey(ownerOfKey(key)));
  if (!read) return;
  const { strategy, complete } = read;
  events.record(ownerEvent(ownerOf(strategy), { reason: 'KindsOutdated', subject: message, note: message }));
  if (isSaid(strategy, message) || (!complete && strategy.status.run)) return;
  const { status, metadata } = strategy;
  const now = new Date(clock()).toISOString();
  for (const said of outdatedStatuses(status, message, metadata.generation, now)) {
    try {
      await api.suspend(strategy, { message, ...said });
      return;
    } catch (error) {
      if (!(error instanceof OutdatedKindError)) throw error;
    }
  }
}

function isSaid({ status, suspendedBy }: Strategy, message: string): boolean {
  const said = status.conditions?.some(({ type, status: is }) => type === 'Stalled' && is === 'True');
  return suspendedBy === message || (said === true && status.message === message);
}
