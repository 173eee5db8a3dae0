/** The facts of a simulated host, which stand in its labels and in what it reports. Pure. */
import type { Facts } from '../../planner/facts.ts';
import type { SimulatedHost } from './simulated-world.ts';

type Told = Pick<SimulatedHost, 'nodeInfo' | 'labels'>;

const LABEL = 'labels.';

/** All that can be told of a host, by fact name. */
export function factsOf({ nodeInfo, labels }: Told): Facts {
  const named = Object.entries(labels).map(([key, value]) => [`${LABEL}${key}`, value] as const);
  return { ...nodeInfo, ...Object.fromEntries(named) };
}

/** What a host tells when these facts have changed. */
export function withFacts({ nodeInfo, labels }: Told, facts: Facts): Told {
  const changed = Object.entries(facts);
  const reported = changed.filter(([fact]) => !fact.startsWith(LABEL));
  const labelled = changed
    .filter(([fact]) => fact.startsWith(LABEL))
    .map(([fact, value]) => [fact.slice(LABEL.length), value] as const);
  return {
    nodeInfo: { ...nodeInfo, ...Object.fromEntries(reported) },
    labels: { ...labels, ...Object.fromEntries(labelled) },
  };
}
