/** What a write of the operator is about, told by the request alone. */
import type { Call } from '../../src/hostops/kubernetes/kube-client.ts';
import { at } from '../../src/simulation/api-server.ts';

export const WRITE_KINDS = [
  'status',
  'finalizers',
  'permits',
  'claim',
  'release',
  'other node',
  'evict',
  'create-job',
  'start-job',
  'other job',
] as const;
export type WriteKind = (typeof WRITE_KINDS)[number];

const CLAIM = 'careen.dev/claim';

/** Undefined: it is a read, or a write of the Lease. */
export function writeOf({ method, path, body }: Call): WriteKind | undefined {
  if (method === 'GET' || path.includes('/leases')) return undefined;
  if (path.includes('/hostpools/')) return 'permits';
  if (path.includes('/patchstrategies/')) return path.endsWith('/status') ? 'status' : 'finalizers';
  if (path.endsWith('/eviction')) return 'evict';
  if (path.includes('/jobs')) {
    if (method === 'POST') return 'create-job';
    return at(body, 'spec', 'suspend') === false ? 'start-job' : 'other job';
  }
  const claim = at(body, 'metadata', 'annotations', CLAIM);
  if (claim === null) return 'release';
  return typeof claim === 'string' && at(body, 'spec', 'unschedulable') === true ? 'claim' : 'other node';
}
