import { ownerOfKey } from '../../crds/owner-ref.ts';
import { RELEASE_FINALIZER } from '../../crds/names.ts';
import { strategyKey } from '../../resources/paths.ts';
import type { Metadata } from '../../resources/stored-strategy.ts';
import { unservedStatus } from '../../status/shown/stalled-status.ts';
import type { StrategyDeps } from './strategy-deps.ts';

type Deps = Pick<StrategyDeps, 'api' | 'adopted' | 'clock' | 'pools' | 'refused'>;

/**
 * Whether a strategy is in a namespace that no pool allows. It is not read then, since its author may write there what he
 * likes; its status says so, once for each generation. A strategy with our finalizer may still hold hosts, and is read.
 */
export async function refuseNamespace(deps: Deps, key: string): Promise<boolean> {
  const { api, adopted, clock, pools, refused } = deps;
  const owner = strategyKey(ownerOfKey(key));
  const found = pools.serves(owner) || adopted.has(key) ? undefined : await api.strategyMetadata(owner);
  if (!found || found.finalizers.includes(RELEASE_FINALIZER)) {
    refused.delete(key);
    return false;
  }
  const allowed = pools.allowedNamespaces;
  const said = `${found.uid}/${String(found.generation)}/${allowed.join()}`;
  if (refused.get(key) === said) return true;
  const now = new Date(clock()).toISOString();
  const status = unservedStatus(owner.namespace, allowed, found.generation, now, mayHaveState(found));
  await api.writeUnreadStatus(owner.kind, found, status);
  refused.set(key, said);
  return true;
}

/** Whether the status may hold a state: some manager of its fields wrote one, or nobody knows who wrote what. */
function mayHaveState({ managedFields = [] }: Metadata): boolean {
  return managedFields.length === 0 || managedFields.some(({ fieldsV1 }) => 'f:state' in statusIn(fieldsV1));
}

function statusIn({ 'f:status': fields }: Readonly<Record<string, unknown>>): object {
  return typeof fields === 'object' && fields !== null ? fields : {};
}
