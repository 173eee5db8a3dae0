/** Reads and changes the facts of a simulated host: its labels and its nodeInfo. Pure. */
import type { Facts } from '../../planner/facts.ts';
import type { SimulatedHost } from './simulated-world.ts';

type Sources = Pick<SimulatedHost, 'nodeInfo' | 'labels'>;

const LABEL = 'labels.';

/** All facts of a host, by fact name. */
export function factsOf({ nodeInfo, labels }: Sources): Facts {
  const named = Object.entries(labels).map(([key, value]) => [`${LABEL}${key}`, value] as const);
  return { ...nodeInfo, ...Object.fromEntries(named) };
}

/** The nodeInfo and the labels of a host after these facts have changed. */
export function withFacts({ nodeInfo, labels }: Sources, facts: Facts): Sources {
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
