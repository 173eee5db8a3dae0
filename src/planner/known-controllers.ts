import type { HostName, HostSeed } from './hosts/facts.ts';
import { hasNoneToSpare, MOST_MEMBERS } from './hosts/quorum.ts';
import type { Plan, Stage } from './plan.ts';

/** The controllers, where stages work on one, and where there may be a quorum to keep. */
export function controllersFor(
  stages: readonly Pick<Stage, 'hosts'>[],
  seeds: readonly HostSeed[],
): Pick<Plan, 'controllers'> {
  const controllers = new Set<HostName>(
    seeds.filter(({ roles }) => roles.includes('controller')).map(({ name }) => name),
  );
  const works = stages.some(({ hosts }) => hosts.some((name) => controllers.has(name)));
  if (!works || hasNoneToSpare(controllers.size) || controllers.size > MOST_MEMBERS) return {};
  return { controllers: [...controllers] };
}
