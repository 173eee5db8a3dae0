/** Why the content of a ConfigMap may change. */
import { objectName } from '../crds/schema/schema.ts';
import { explain, httpStatus } from '../kube/errors.ts';

/** The parts of a ConfigMap that are read. */
export type ConfigMapFacts = {
  readonly metadata?: { readonly deletionTimestamp?: unknown };
  readonly immutable?: boolean;
};

const MISSING = 'it does not exist';

/**
 * The ConfigMaps with these names whose content may change, each with the reason. Throws when `signal` is aborted.
 * @param read is asked only for names that a ConfigMap can have, since users write the names
 */
export async function changeableAmong(
  names: readonly string[],
  read: (name: string) => Promise<ConfigMapFacts | undefined>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const isPossible = (name: string): boolean => objectName().safeParse(name).success;
  const reasonFor = async (name: string): Promise<string | undefined> => {
    try {
      return isPossible(name) ? changeableBecause(await read(name)) : MISSING;
    } catch (error) {
      signal.throwIfAborted();
      return httpStatus(error) === 404 ? MISSING : `it cannot be read: ${explain(error)}`;
    }
  };
  const reasons = await Promise.all(names.map(async (name) => [name, await reasonFor(name)] as const));
  return new Map(reasons.flatMap(([name, reason]) => (reason === undefined ? [] : [[name, reason]])));
}

function changeableBecause(found: ConfigMapFacts | undefined): string | undefined {
  if (!found) return MISSING;
  if (found.metadata?.deletionTimestamp !== undefined) return 'it is being deleted';
  return found.immutable === true ? undefined : 'it is not immutable';
}
