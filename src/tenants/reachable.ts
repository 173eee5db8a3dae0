/**
 * What a webhook may reach. A tenant names its address, and the operator calls it from inside of the cluster: without a
 * bound the tenant could reach what only the operator can.
 */
import { lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import type { TenantsPolicy } from '../crds/spec/tenants.ts';

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

/** A name leads only to addresses that no webhook may have. */
export class RefusedAddress extends Error {
  override readonly name = 'RefusedAddress';
}

/** Resolves names for connections, without the addresses that no webhook may have. */
export function boundedLookup(bounds: WebhookBounds): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, []);
      const [first] = addresses;
      const allowed = addresses.filter(({ address }) => !isRefused(address, bounds));
      const [usable] = allowed;
      if (!usable) return callback(new RefusedAddress(refusalOf(first?.address ?? hostname)), []);
      if (options.all) return callback(null, allowed);
      return callback(null, usable.address, usable.family);
    });
  };
}

function refusalOf(address: string): string {
  return `${address} is an address of the operator's own machine or network link, which no webhook may have`;
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

const NEVER = new BlockList();
/** This machine, and whatever address it has. */
NEVER.addSubnet('0.0.0.0', 8, 'ipv4');
NEVER.addSubnet('127.0.0.0', 8, 'ipv4');
NEVER.addAddress('::', 'ipv6');
NEVER.addAddress('::1', 'ipv6');
/** Link-local, where clouds have their metadata services; then the addresses that some of them have elsewhere. */
NEVER.addSubnet('169.254.0.0', 16, 'ipv4');
NEVER.addSubnet('fe80::', 10, 'ipv6');
NEVER.addAddress('100.100.100.200', 'ipv4');
NEVER.addAddress('168.63.129.16', 'ipv4');
NEVER.addAddress('fd00:ec2::254', 'ipv6');
/** Nobody answers there. */
NEVER.addSubnet('224.0.0.0', 4, 'ipv4');
NEVER.addAddress('255.255.255.255', 'ipv4');
NEVER.addSubnet('ff00::', 8, 'ipv6');
/** The first two within IPv6, as a gateway (NAT64) reads them; and a way to all of them that nobody needs (6to4). */
NEVER.addSubnet('64:ff9b::7f00:0', 104, 'ipv6');
NEVER.addSubnet('64:ff9b::a9fe:0', 112, 'ipv6');
NEVER.addSubnet('2002::', 16, 'ipv6');

function isRefused(address: string, { webhookHosts }: WebhookBounds): boolean {
  return NEVER.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4') && !webhookHosts.includes(address);
}
