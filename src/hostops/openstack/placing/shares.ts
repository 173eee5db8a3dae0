/**
 * The servers with shares of Manila, which Nova moves neither live nor by evacuation. Nova lists shares for one server only,
 * so it is asked about those servers that may have any, which are few in most clouds.
 */
import { eachOf } from '../../../kube/each-of.ts';
import type { Compute } from '../../../openstack/compute.ts';
import type { Hypervisor, Server } from '../../../openstack/compute-answers.ts';
import { OpenStackError } from '../../../openstack/errors.ts';
import type { Placement } from '../../../openstack/placement.ts';

/** Nova attaches shares to the servers of hosts with this trait, and to those with large pages. */
const MEMORY_IN_FILES = 'COMPUTE_MEM_BACKING_FILE';
const PAGE_SIZE = 'hw:mem_page_size';
const AT_ONCE = 8;

type Known = { readonly servers: readonly Server[]; readonly hypervisors: readonly Hypervisor[] };

/** The ids of the servers with shares. A server whose shares this login may not see counts as one without any. */
export async function serversWithShares(
  { compute, placement }: { readonly compute: Compute; readonly placement: Placement },
  { servers, hypervisors }: Known,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const able = await ableHosts(placement, hypervisors, signal);
  const candidates = servers.filter(
    ({ host = '', flavor }) => able.has(host) || flavor?.extraSpecs?.[PAGE_SIZE] !== undefined,
  );
  const sharing = new Set<string>();
  await eachOf(candidates, AT_ONCE, async ({ id }) => {
    if (await hasShares(compute, id, signal)) sharing.add(id);
  });
  return sharing;
}

/** A plan is made also while Placement does not answer: then by the flavors alone. */
async function ableHosts(
  placement: Placement,
  hypervisors: readonly Hypervisor[],
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const ids = await placement.hostsWith(MEMORY_IN_FILES, signal).catch((error: unknown) => {
    if (error instanceof OpenStackError) return new Set<string>();
    throw error;
  });
  return new Set(hypervisors.filter(({ id }) => ids.has(id)).map(({ serviceHost }) => serviceHost));
}

/** One that was deleted meanwhile has none. */
async function hasShares(compute: Compute, id: string, signal: AbortSignal): Promise<boolean> {
  try {
    return (await compute.shares(id, signal)).length > 0;
  } catch (error) {
    if (error instanceof OpenStackError && (error.kind === 'forbidden' || error.kind === 'not-found'))
      return false;
    throw error;
  }
}
