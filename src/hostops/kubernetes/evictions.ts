/** Evicts pods through the Eviction API, the only way that respects disruption budgets. */
import type { Effect, Outcome } from '../../engine/effect.ts';
import { call } from '../../kube/client.ts';
import { apiStatus, causeOf, explain, httpStatus } from '../../kube/errors.ts';
import { ACCEPTED, ALREADY, blocked, outcomeOf, refused, retryAt } from '../outcomes.ts';
import { MANAGED, type Writer } from '../../kube/writes.ts';

const TERMINATING_PAUSE_MS = 5_000;

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
    return evictionRefused(error, `pod ${namespace}/${name}`, now());
  }
}

/** The outcome of a refused eviction; `pod` names the pod in the reason. */
export function evictionRefused(error: unknown, pod: string, now: number): Outcome {
  const what = `evicting ${pod}`;
  switch (httpStatus(error)) {
    case 404:
      return ALREADY;
    case 429: {
      const budget = causeOf(error, 'DisruptionBudget');
      const said = budget?.message || apiStatus(error).message || 'a disruption budget does not allow it';
      return budget
        ? blocked(`${pod} may not leave now: ${said}`, retryAt(error, now))
        : blocked(`${what}: the API server is overloaded`, retryAt(error, now));
    }
    case 403:
      return causeOf(error, 'NamespaceTerminating')
        ? blocked(`${what}: its namespace is being deleted`, now + TERMINATING_PAUSE_MS)
        : refused(`${what}: ${explain(error)}`);
    case 500:
      if (/more than one PodDisruptionBudget/i.test(explain(error)))
        return refused(`${pod} is under more than one PodDisruptionBudget, so it can never be evicted`);
      return outcomeOf(error, what, now);
    default:
      return outcomeOf(error, what, now);
  }
}
