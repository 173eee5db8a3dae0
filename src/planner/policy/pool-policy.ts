/** What a pool permits the strategies that use it: their namespaces, their consents and times, their actions. */
import type { HostPoolSpec } from '../../crds/host-pool.ts';
import { timingField, type PlanActions, type StrategySpec } from '../../crds/spec/strategy-spec.ts';
import { actionViolations, type ConfigMaps } from './action-policy.ts';
import { downloadViolations, workflowViolations } from './session-policy.ts';
import { oneOf } from './one-of.ts';

/** The part of a pool that decides who may use it, and how. */
export type PoolPolicy = Readonly<
  Pick<HostPoolSpec, 'provider' | 'allowedNamespaces' | 'actionPolicy' | 'drainPolicy' | 'maxTimeoutSeconds'>
> & { readonly name: string; readonly configMaps?: ConfigMaps | undefined };

/** The part of a strategy that a pool judges. */
export type Judged = Readonly<
  Pick<
    PlanActions,
    'patches' | 'reboot' | 'drain' | 'timing' | 'release' | 'defaultInstanceAction' | 'session'
  >
> &
  Pick<StrategySpec, 'inReserve'>;

/**
 * Why a strategy in `namespace` may not use the pool: one sentence for each field that breaks a rule, with the value
 * found and a permitted one. Empty when all fields are permitted.
 */
export function policyViolations(
  judged: Judged,
  namespace: string,
  pool: PoolPolicy,
  operatorNamespace: string,
): string[] {
  return [
    ...namespaceViolations(namespace, pool, operatorNamespace),
    ...drainViolations(judged, pool),
    ...stopViolations(judged, pool),
    ...timingViolations(judged, pool),
    ...(judged.session
      ? [...workflowViolations(judged.session, pool), ...downloadViolations(judged.session, pool)]
      : []),
    ...actionViolations({ ...judged, patches: [...judged.patches, ...(judged.inReserve ?? [])] }, pool),
  ];
}

function namespaceViolations(
  namespace: string,
  { name, allowedNamespaces }: PoolPolicy,
  operatorNamespace: string,
): string[] {
  const others = allowedNamespaces.filter((each) => each !== operatorNamespace);
  if (others.includes(namespace)) return [];
  const why = namespace === operatorNamespace ? 'never admits: Careen itself runs there' : 'does not admit';
  return [
    `metadata.namespace is "${namespace}", which rule allowedNamespaces of HostPool ${name} ${why}; ` +
      oneOf('make the strategy in', others),
  ];
}

const CONSENTS = ['evictUnmanagedPods', 'evictPodsWithLocalData'] as const;

function drainViolations({ drain }: Judged, { name, drainPolicy }: PoolPolicy): string[] {
  return CONSENTS.filter((consent) => drain[consent] && !drainPolicy[consent]).map(
    (consent) =>
      `spec.drain.${consent} is true, which rule drainPolicy.${consent} of HostPool ${name} does not admit; leave it out`,
  );
}

function stopViolations(
  { defaultInstanceAction }: Judged,
  { name, provider: { openstack } }: PoolPolicy,
): string[] {
  if (defaultInstanceAction === undefined || openstack?.stopStart) return [];
  const why = openstack
    ? `which rule provider.openstack.stopStart of HostPool ${name} does not admit`
    : `and the hosts of HostPool ${name} are nodes: no pod is stopped and started again`;
  return [`spec.defaultInstanceAction is "${defaultInstanceAction}", ${why}; leave it out`];
}

function timingViolations(
  { timing, release }: Judged,
  { name, maxTimeoutSeconds: max }: PoolPolicy,
): string[] {
  return Object.entries(timing).flatMap(([field, seconds]) =>
    seconds === undefined || seconds <= max
      ? []
      : `spec.timing.${timingField(field, release)} is ${String(seconds)}, which rule maxTimeoutSeconds of HostPool ` +
        `${name} does not admit; set it to ${String(max)} or less`,
  );
}
