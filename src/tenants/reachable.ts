/**
 * What a webhook may reach. A tenant names its address, and the operator calls it from inside of the cluster: without a
 * bound the tenant could reach what only the operator can.
 */
import type { LookupFunction } from 'node:net';
import type { TenantsPolicy } from '../crds/spec/tenants.ts';
import { boundedLookup as boundedTo } from '../http/reachable.ts';
import { allowsHost, hostOf } from '../planner/policy/session-policy.ts';

export type WebhookBounds = Pick<TenantsPolicy, 'webhookHosts' | 'allowHttp'>;

/**
 * Why a webhook may not have this address, with what would be right; undefined when it may. An IP address must be in the
 * list itself, so it needs no further look; where names lead is seen when they are resolved.
 */
export function addressRefusal({ protocol, href }: URL, bounds: WebhookBounds): string | undefined {
  if (protocol !== 'https:' && !bounds.allowHttp)
    return 'http is not allowed: use https, or ask the administrator for spec.tenants.allowHttp of the pool';
  const host = hostOf(href);
  if (!allowsHost(bounds.webhookHosts, host))
    return `the pool does not allow the host ${host}: ask the administrator to add it to spec.tenants.webhookHosts`;
  return undefined;
}

/** Resolves names for connections, without the addresses that no webhook may have. */
export function boundedLookup({ webhookHosts }: WebhookBounds): LookupFunction {
  return boundedTo(webhookHosts);
}
