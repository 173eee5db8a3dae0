import { ownerOfKey } from '../../crds/owner-ref.ts';
import { RELEASE_FINALIZER } from '../../crds/names.ts';
import { unservedStatus } from '../../status/stalled-status.ts';
import type { StrategyDeps } from './strategy-pass.ts';

type Deps = Pick<StrategyDeps, 'api' | 'adopted' | 'clock' | 'pools' | 'refused'>;

/**
 * Whether a strategy is in a namespace that no pool allows. It is not read then, since its author may write there what he
 * likes; its status says so, once for each generation. A strategy with our finalizer may still hold hosts, and is read.
 */
export async function refuseNamespace(deps: Deps, key: string): Promise<boolean> {
  const { api, adopted, clock, pools, refused } = deps;
  const owner = ownerOfKey(key);
  const found = pools.serves(owner) || adopted.has(key) ? undefined : await api.strategyMetadata(owner);
  if (!found || found.finalizers.includes(RELEASE_FINALIZER)) {
    refused.delete(key);
    return false;
  }
  const allowed = pools.allowedNamespaces;
  const said = `${found.uid}/${String(found.generation)}/${allowed.join()}`;
  if (refused.get(key) === said) return true;
  const now = new Date(clock()).toISOString();
  await api.writeUnreadStatus(found, unservedStatus(owner.namespace, allowed, found.generation, now));
  refused.set(key, said);
  return true;
}
