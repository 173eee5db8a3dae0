/** Which operator leads, by its Lease. */
import { z } from 'zod';
import { podOfLeader } from '../../crds/leader-identity.ts';
import { LEASE_NAME, OPERATOR_NAMESPACE } from '../../crds/names.ts';
import { call } from '../../kube/client.ts';
import { CommandError } from '../command-error.ts';
import { asking, isAbsent } from './asking.ts';
import type { Connection } from './connection.ts';

const leaseSchema = z.object({
  spec: z
    .object({
      holderIdentity: z.string().nullish(),
      leaseDurationSeconds: z.number().nullish(),
      renewTime: z.string().nullish(),
    })
    .default({}),
});
type Lease = z.infer<typeof leaseSchema>;

export const LEASE = `Lease ${OPERATOR_NAMESPACE}/${LEASE_NAME}`;
const USUAL_SECONDS = 15;

export type Leader =
  /** Nobody holds the Lease, or it does not exist. */
  | { readonly kind: 'none' }
  /** `holder` is a pod, or what else the Lease names. `fresh`: it was renewed in time, by the clock of this machine. */
  | { readonly kind: 'held'; readonly holder: string; readonly fresh: boolean; readonly secondsAgo?: number }
  | { readonly kind: 'unknown'; readonly because: string };

export async function readLeader(connection: Connection, now: number): Promise<Leader> {
  const namespace = OPERATOR_NAMESPACE;
  const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/${LEASE_NAME}`;
  const request = () => call<unknown>(connection.config, { method: 'GET', path });
  try {
    const lease = await asking(connection, { verb: 'get', resource: 'leases', namespace }, request);
    return leaderIn(leaseSchema.parse(lease), now);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return isAbsent(error.cause) ? { kind: 'none' } : { kind: 'unknown', because: error.message };
  }
}

export function leaderIn({ spec }: Lease, now: number): Leader {
  const identity = spec.holderIdentity ?? '';
  if (identity === '') return { kind: 'none' };
  const holder = podOfLeader(identity) ?? identity;
  const renewed = Date.parse(spec.renewTime ?? '');
  if (Number.isNaN(renewed)) return { kind: 'held', holder, fresh: false };
  const secondsAgo = Math.max(0, Math.round((now - renewed) / 1000));
  return {
    kind: 'held',
    holder,
    fresh: secondsAgo <= (spec.leaseDurationSeconds ?? USUAL_SECONDS),
    secondsAgo,
  };
}
