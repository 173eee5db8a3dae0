import type { InstanceFacts } from '../view.ts';
import { claimLost } from './lock-hosts.ts';
import { DONE, ask, failed, keyOf, type HostStep, type Verdict } from './verdict.ts';

const NAMED = 3;

/**
 * Drains the host: evicts every pod and waits until none is left, not even one that is shutting down. A pod that needs
 * consent fails the step before the first eviction.
 */
export function migrateInstances(step: HostStep): Verdict {
  const lost = claimLost(step);
  if (lost) return lost;
  const instances = step.facts?.instances;
  if (!instances) return { kind: 'blocked', reason: `waiting to see what runs on ${step.name}` };
  if (instances.length === 0) return DONE;

  const staying = instances.filter(({ leaving }) => !leaving);
  const refusal = consentMissing(step, staying);
  if (refusal) return failed(refusal);

  const asked = staying.map((instance) => evict(step, instance));
  const problem = asked.find((verdict) => verdict.kind === 'failed');
  if (problem) return problem;
  const effects = asked.flatMap((verdict) => (verdict.kind === 'act' ? verdict.effects : []));
  const blocked = asked.filter((verdict) => verdict.kind === 'blocked');
  const reason = [
    `${step.view.words.instances(instances.length)} left on ${step.name}`,
    ...new Set(blocked.map((each) => each.reason)),
  ];
  if (effects.length > 0) return { kind: 'act', effects, reason: reason.join('; ') };
  const leaving = staying.length < instances.length || asked.some((verdict) => verdict.kind === 'wait');
  if (leaving) return { kind: 'wait', reason: reason.join('; ') };
  const until = Math.min(...blocked.map((each) => each.until ?? Infinity));
  return { kind: 'blocked', reason: reason.join('; '), ...(Number.isFinite(until) ? { until } : {}) };
}

/** Evicts a pod once: an accepted eviction is not repeated, because the view will soon show it. */
function evict(step: HostStep, { uid, namespace, name }: InstanceFacts): Verdict {
  const instance = { uid, namespace, name };
  const key = keyOf(step, 'migrate-instances-from-host', uid);
  const before = step.outcomes.get(key)?.kind;
  if (before === 'accepted' || before === 'already') {
    return { kind: 'wait', reason: `${step.view.words.instance(instance)} was asked to leave` };
  }
  return ask(step, { kind: 'evict', key, host: step.name, instance }, '');
}

function consentMissing(
  { plan, name, view: { words } }: HostStep,
  staying: readonly InstanceFacts[],
): string | undefined {
  const { evictUnmanagedPods, evictPodsWithLocalData } = plan.actions.drain;
  const unmanaged = evictUnmanagedPods ? [] : staying.filter((each) => each.unmanaged);
  const localData = evictPodsWithLocalData
    ? []
    : staying.filter((each) => each.localData && !unmanaged.includes(each));
  const complaints = [
    ...(unmanaged.length > 0 ? [`${list(unmanaged)} ${words.consent('unmanaged')}`] : []),
    ...(localData.length > 0 ? [`${list(localData)} ${words.consent('local-data')}`] : []),
  ];
  return complaints.length > 0
    ? `${words.says('consent-missing', name)}: ${complaints.join('; ')}`
    : undefined;
}

function list(instances: readonly InstanceFacts[]): string {
  const named = instances.slice(0, NAMED).map(({ namespace, name }) => `${namespace}/${name}`);
  return instances.length > NAMED
    ? `${named.join(', ')} and ${String(instances.length - NAMED)} more`
    : named.join(', ');
}
