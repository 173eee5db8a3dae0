/**
 * What a webhook may reach. A tenant names its address, and the operator calls it from inside of the cluster: without a
 * bound the tenant could reach what only the operator can.
 */
import { isIP, type LookupFunction } from 'node:net';
import type { TenantsPolicy } from '../crds/spec/tenants.ts';
import { boundedLookup as boundedTo } from '../http/reachable.ts';

export type WebhookBounds = Pick<TenantsPolicy, 'webhookHosts' | 'allowHttp'>;

/**
 * Why a webhook may not have this address, with what would be right; undefined when it may. An IP address must be in the
 * list itself, so it needs no further look; where names lead is seen when they are resolved.
 */
export function addressRefusal({ protocol, hostname }: URL, bounds: WebhookBounds): string | undefined {
  if (protocol !== 'https:' && !bounds.allowHttp)
    return 'http is not allowed: use https, or ask the administrator for spec.tenants.allowHttp of the pool';
  const host = bare(hostname);
  if (!bounds.webhookHosts.some((pattern) => matches(pattern, host)))
    return `the pool does not allow the host ${host}: ask the administrator to add it to spec.tenants.webhookHosts`;
  return undefined;
}

/** Resolves names for connections, without the addresses that no webhook may have. */
export function boundedLookup({ webhookHosts }: WebhookBounds): LookupFunction {
  return boundedTo(webhookHosts);
}

/** `*.example.com` stands for every name below example.com, and `*.1` for no address. */
function matches(pattern: string, host: string): boolean {
  if (!pattern.startsWith('*.')) return pattern === host;
  return isIP(host) === 0 && host.endsWith(pattern.slice(1));
}

/** An IPv6 address stands in brackets in a URL; the name of a host may end with a full stop. */
function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
}
