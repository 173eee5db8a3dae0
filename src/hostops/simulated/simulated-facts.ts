/** The facts of a simulated host: its labels, and the values that it reports. Pure. */
import type { Facts } from '../../planner/hosts/facts.ts';
import type { Labels } from '../../planner/hosts/labels.ts';

/** What a host reports of itself. */
type Reported = { readonly nodeInfo: Facts; readonly labels: Labels };

const LABEL = 'labels.';

/** All facts of a host, by name. */
export function factsOf({ nodeInfo, labels }: Reported): Facts {
  const named = Object.entries(labels).map(([key, value]) => [`${LABEL}${key}`, value] as const);
  return { ...nodeInfo, ...Object.fromEntries(named) };
}

/** The reported values and labels of a host after these facts have changed. */
export function withFacts({ nodeInfo, labels }: Reported, facts: Facts): Reported {
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
