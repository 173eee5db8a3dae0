/** The findings about the instances on the hosts of a plan, where they are known: what will stop or delay a drain. */
import type { Finding } from '../../crds/observed/finding.ts';
import { counted } from '../../crds/text/counted.ts';
import { consentMissing } from './consent.ts';
import { listed } from '../listed.ts';
import type { HostInstance, HostState, Situation } from './situation.ts';

export function drainFindings(situation: Situation): Finding[] {
  const away = new Set(
    situation.stages.filter(({ level }) => level === 'away').flatMap(({ hosts }) => hosts),
  );
  const drained = situation.hosts.filter(({ name }) => away.has(name));
  return [
    ...withoutConsent(situation, drained),
    ...unableToLeave(situation, drained),
    ...heldByBudgets(situation, drained),
  ];
}

/** The drain of such a host fails before its first eviction. */
function withoutConsent({ spec, pool, words }: Situation, drained: readonly HostState[]): Finding[] {
  const consent = { drain: spec.drain, protectedNamespaces: pool.protectedNamespaces };
  const missing = (instances: readonly HostInstance[]): string[] => consentMissing(instances, consent, words);
  const failing = drained.filter(({ instances = [] }) => missing(instances).length > 0);
  if (failing.length === 0) return [];
  const names = failing.map(({ name }) => name);
  const complaints = missing(failing.flatMap(({ instances = [] }) => instances));
  return [
    {
      severity: 'warns',
      reason: 'PodsNeedConsent',
      subjects: names,
      message: `the drain of ${listed(names)} fails, its pods need consent: ${complaints.join('; ')}`,
      remedy: 'do that before the run, which ends at the first of these hosts',
    },
  ];
}

/** The drain of such a host waits for a person. */
function unableToLeave({ words }: Situation, drained: readonly HostState[]): Finding[] {
  const held = drained.flatMap(({ name, instances = [] }) =>
    instances.flatMap((each) =>
      each.stuck === undefined ? [] : [{ host: name, ...each, stuck: each.stuck }],
    ),
  );
  const [first] = held;
  if (!first) return [];
  const hosts = [...new Set(held.map(({ host }) => host))];
  const more = held.length > 1 ? `, and ${counted(held.length - 1, 'other')} cannot leave either` : '';
  return [
    {
      severity: 'warns',
      reason: 'InstancesStuck',
      subjects: hosts,
      message: `the drain of ${listed(hosts)} waits until its deadline: ${words.instance(first)} ${first.stuck}${more}`,
      remedy: 'do that before the run',
    },
  ];
}

function heldByBudgets({ words }: Situation, drained: readonly HostState[]): Finding[] {
  const held = drained.flatMap(({ name, instances = [] }) =>
    instances.flatMap(({ namespace, heldBy }) =>
      heldBy === undefined ? [] : [{ host: name, namespace, name: heldBy }],
    ),
  );
  const budgets = Map.groupBy(held, (each) => `${each.namespace}/${each.name}`);
  return [...budgets.values()].flatMap((pods): Finding[] => {
    const [first] = pods;
    if (!first) return [];
    const hosts = [...new Set(pods.map(({ host }) => host))];
    const { says, inspect } = words.budget(first);
    return [
      {
        severity: 'warns',
        reason: 'BudgetExhausted',
        subjects: hosts,
        message: `${says} lets nothing leave now: the drain of ${listed(hosts)} waits for it, until its deadline`,
        remedy: `find out what it lacks, or give it room: ${inspect}`,
      },
    ];
  });
}
