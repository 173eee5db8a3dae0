import { configMapsOf, type ConfigMaps } from '../../planner/policy/action-policy.ts';
import type { Judged } from '../../planner/policy/pool-policy.ts';
import type { HostPool } from '../../resources/careen-api.ts';
import type { StrategyDeps } from './strategy-deps.ts';
import type { StrategyPass } from './strategy-pass.ts';

/** Each is read in each pass. */
const MOST_READ = 32;
/** Nobody watches them, so they are read again after this time while one of them is in the way. */
const RETRY_MILLISECONDS = 30_000;

/** Why the ConfigMaps of these actions may change; undefined when the pool does not ask about them. */
export async function configMapsIn(
  { hosts }: Pick<StrategyDeps, 'hosts'>,
  { strategy }: Pick<StrategyPass, 'strategy'>,
  { spec }: Pick<HostPool, 'spec'>,
  judged: Judged,
  signal: AbortSignal,
): Promise<ConfigMaps | undefined> {
  if (!spec.actionPolicy.requireImmutableConfigMaps) return undefined;
  const names = configMapsOf(judged);
  const read = names.slice(0, MOST_READ);
  const found = await hosts.changeableConfigMaps(strategy.metadata.namespace, read, signal);
  const unread = `it is not read, since a strategy may use ${String(MOST_READ)} of them`;
  return new Map([...found, ...names.slice(MOST_READ).map((name) => [name, unread] as const)]);
}

/** When to read the ConfigMaps again; undefined when all of them are immutable. */
export function nextReading(configMaps: ConfigMaps | undefined, now: number): number | undefined {
  return configMaps && configMaps.size > 0 ? now + RETRY_MILLISECONDS : undefined;
}
