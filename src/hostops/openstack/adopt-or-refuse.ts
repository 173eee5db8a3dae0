/** Takes over the claims on compute hosts, so that no request of an earlier leader changes them any more. */
import { httpStatus } from '../../kube/errors.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import type { Adoption } from '../port.ts';
import { adoptHost, type HostWriter } from './host-writes.ts';

/**
 * Adopts the claim of a host. Where the claim may be on its way, and the host is not any more as it says, it is not made; and
 * as nothing in its Lease has changed, the late one is refused: it would lock a host that no run has recorded.
 */
export async function adoptOrRefuse(
  writer: HostWriter,
  name: HostName,
  adoption: Adoption,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    await adoptHost(writer, name, adoption, signal);
    if (!adoption.makeIfMissing || (await isSettled(writer, name, adoption, signal))) return;
  }
}

/** False when the Lease has changed meanwhile: the late claim may have arrived, and is adopted. */
async function isSettled(
  { leases, cloud, read }: HostWriter,
  name: HostName,
  { uid }: Adoption,
  signal: AbortSignal,
): Promise<boolean> {
  const found = await read(name, signal);
  if (!found || (uid !== undefined && found.host.uid !== uid)) return true;
  const { host, lease } = found;
  if (host.claim || host.spoiltClaim !== undefined) return true;
  try {
    await leases.refuseLate({ cloud, host: name, uid: host.uid }, lease, signal);
    return true;
  } catch (error) {
    if (httpStatus(error) === 409 || httpStatus(error) === 404) return false;
    throw error;
  }
}
