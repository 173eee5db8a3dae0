import type { HostName } from './facts.ts';
import type { Stage } from './plan.ts';

const NAMED = 5;
type Staged = Pick<Stage, 'name'> & { readonly hosts?: readonly HostName[] | undefined };

/**
 * How a plan differs from the one before, as people tell it: hosts that are new
 * in it or gone from it, hosts that moved to another stage, another number of
 * stages. Undefined when all hosts stand where they stood.
 */
export function planDifference(before: readonly Staged[], after: readonly Staged[]): string | undefined {
  const old = placesOf(before);
  const now = placesOf(after);
  const added = [...now.keys()].filter((host) => !old.has(host));
  const gone = [...old.keys()].filter((host) => !now.has(host));
  const moved = [...now]
    .filter(([host, stage]) => old.has(host) && old.get(host) !== stage)
    .map(([host]) => host);
  const parts = [
    ...told('added', added),
    ...told('no longer in it', gone),
    ...told('in another stage', moved),
    ...(before.length === after.length
      ? []
      : [`${String(after.length)} stages instead of ${String(before.length)}`]),
  ];
  return parts.length > 0 ? parts.join('; ') : undefined;
}

function placesOf(stages: readonly Staged[]): Map<HostName, number> {
  return new Map(stages.flatMap(({ hosts = [] }, stage) => hosts.map((host) => [host, stage] as const)));
}

function told(what: string, hosts: readonly HostName[]): string[] {
  if (hosts.length === 0) return [];
  const more = hosts.length > NAMED ? ` and ${String(hosts.length - NAMED)} more` : '';
  return [`${what}: ${hosts.slice(0, NAMED).join(', ')}${more}`];
}
