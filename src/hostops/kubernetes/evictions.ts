/** Evicts pods through the Eviction API, the only way that respects disruption budgets. */
import type { Effect, Outcome } from '../../engine/effect.ts';
import { call } from '../../kube/client.ts';
import { apiStatus, causeOf, explain, httpStatus } from '../../kube/errors.ts';
import { refusalOf, type Refusal } from '../../kube/refusals.ts';
import { budgetsOf } from './budgets.ts';
import { ACCEPTED, ALREADY, blocked, outcomeOf, refused, retryAt } from '../outcomes.ts';
import { MANAGED, type Writer } from '../../kube/writes.ts';

/** A webhook may ask for any pause. The pod may be free to leave long before that. */
const LONGEST_PAUSE_MS = 30_000;

export async function evictPod(
  { config, now }: Writer,
  { instance }: Extract<Effect, { kind: 'evict' }>,
  signal: AbortSignal,
): Promise<Outcome> {
  const { namespace, name, uid } = instance;
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/eviction`;
  const body = {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name, namespace },
    // Without the uid a later pod of the same name would be evicted.
    deleteOptions: { preconditions: { uid } },
  };
  try {
    await call(config, { method: 'POST', path, query: MANAGED, body }, signal);
    return ACCEPTED;
  } catch (error) {
    const pod = `pod ${namespace}/${name}`;
    if (!hasSeveralBudgets(error)) return evictionRefused(error, pod, now());
    const names = await budgetsOf(config, instance, signal).then(
      (budgets) => budgets.join(', '),
      (failure: unknown) => `their names are not known: ${explain(failure)}`,
    );
    return refused(
      `${pod} is under more than one PodDisruptionBudget (${names}), so it can never be evicted: leave it under one`,
    );
  }
}

/** The Eviction API answers so whatever the budgets allow. */
function hasSeveralBudgets(error: unknown): boolean {
  const isDenied = refusalOf(error) !== undefined;
  return !isDenied && /more than one PodDisruptionBudget/i.test(explain(error));
}

/**
 * The outcome of a refused eviction; `pod` names the pod in the reason. A denial by a budget or by admission is a part
 * of the drain: the owner of the pod may hand its work over first, so the eviction is asked for again.
 */
export function evictionRefused(error: unknown, pod: string, now: number): Outcome {
  const what = `evicting ${pod}`;
  const refusal = refusalOf(error);
  const budget = causeOf(error, 'DisruptionBudget');
  const pausedUntil = Math.min(retryAt(error, now), now + LONGEST_PAUSE_MS);
  if (budget && refusal?.by !== 'webhook') {
    const said = budget.message || apiStatus(error).message || 'a disruption budget does not allow it';
    return blocked(`${pod} may not leave now: ${said}`, pausedUntil);
  }
  if (refusal?.by === 'rights')
    return refused(`${what}: the operator lacks a right that deploy/base/rbac has: ${refusal.said}`);
  if (refusal?.by === 'overload') return blocked(`${what}: ${refusal.said}`, pausedUntil);
  if (refusal) return blocked(`${pod} may not leave now: ${inWords(refusal)}`, pausedUntil);
  if (httpStatus(error) === 404) return ALREADY;
  return outcomeOf(error, what, now);
}

function inWords({ by, said }: Refusal): string {
  return by === 'unreachable-webhook' ? `${said}; start it again, or set its failurePolicy to Ignore` : said;
}
