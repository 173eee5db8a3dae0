/** A pool on OpenStack, as its adapter sees it. Pure. */
import type { HostPoolSpec } from '../../crds/host-pool.ts';
import type { Scope } from '../port.ts';

export type OpenStackProvider = NonNullable<HostPoolSpec['provider']['openstack']>;

/** The cloud and the region of a pool: pools with the same key share what is observed of them. */
export function keyOfCloud({ identityRef: { name, cloudName }, region = '' }: OpenStackProvider): string {
  return [name, cloudName, region].join('/');
}

/** Throws for a pool whose hosts are nodes: such a pool is for another adapter. */
export function providerOf({ pool, provider: { openstack } }: Scope): OpenStackProvider {
  if (!openstack) throw new Error(`HostPool ${pool} has no spec.provider.openstack`);
  return openstack;
}
