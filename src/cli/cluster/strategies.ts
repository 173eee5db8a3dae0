/** Finds the strategy that a command is about. */
import type { KubernetesObject } from '@kubernetes/client-node';
import { API_VERSION } from '../../crds/names.ts';
import { objectName } from '../../crds/schema/schema.ts';
import { call, rawList } from '../../kube/client.ts';
import { CommandError } from '../command-error.ts';
import { nearestFirst } from '../text/nearest.ts';
import { asking, isAbsent } from './asking.ts';
import type { Connection } from './connection.ts';
import { kindNamed, kindNames, STRATEGY_KINDS, type StoredStrategy, type StrategyKind } from './kinds.ts';

/** A strategy, and where it is. */
export type Located = {
  readonly kind: StrategyKind;
  readonly strategy: StoredStrategy;
  /** As the API server returned it, with the fields that we do not read. */
  readonly stored: unknown;
  /** Its path on the API server. */
  readonly path: string;
};

/** As kubectl and people name it: `patchstrategy/kernel`. */
export function wordsOf({ kind: { definition }, strategy: { metadata } }: Located): string {
  return `${definition.singular}/${metadata.name}`;
}

/** As an argument of kubectl: `-n careen-hosts patchstrategy/kernel`. */
export function commandOf(located: Located): string {
  return `-n ${located.strategy.metadata.namespace} ${wordsOf(located)}`;
}

/** All strategies of a namespace, or of the cluster, by namespace and name. Throws CommandError. */
export async function listStrategies(
  connection: Connection,
  namespace: string | undefined,
  kinds: readonly StrategyKind[] = STRATEGY_KINDS,
): Promise<readonly Located[]> {
  const lists = await Promise.all(
    kinds.map(async (kind) => {
      const { plural } = kind.definition;
      const path = collection(kind, namespace);
      const objects = await asking(connection, { verb: 'list', resource: plural, namespace }, () =>
        rawList<KubernetesObject>(connection.config, path, {}),
      );
      return objects.map((object) => located(kind, object));
    }),
  );
  return lists.flat().toSorted((a, b) => compare(sortKey(a), sortKey(b)));
}

/**
 * The strategy that `NAME`, `patchstrategy/NAME` or `pstrat/NAME` names in the namespace of the connection. Without a
 * name it is the only one there; `note` gets a line that names it.
 * @throws CommandError when there is none, or several; it has the names that exist
 */
export async function findStrategy(
  connection: Connection,
  given: string | undefined,
  note: (text: string) => void,
): Promise<Located> {
  if (given === undefined) return theOnlyOne(connection, note);
  const { kinds, name } = parseName(given);
  const answers = await Promise.allSettled(kinds.map((kind) => read(connection, kind, name)));
  const found = answers.flatMap((each) => (each.status === 'fulfilled' ? (each.value ?? []) : []));
  const [first, second] = found;
  if (first && second)
    throw new CommandError(`${name} is the name of several: give one of ${found.map(wordsOf).join(', ')}`);
  if (first) return first;
  // A person who may not read one kind still finds a strategy of another.
  const failed = answers.find((each) => each.status === 'rejected');
  if (failed) throw failed.reason;
  return missing(connection, kinds, name);
}

/** The strategy as it is now. Throws CommandError when it was deleted meanwhile. */
export async function readAgain(connection: Connection, before: Located): Promise<Located> {
  const { name, namespace } = before.strategy.metadata;
  const again = await read({ ...connection, namespace }, before.kind, name);
  if (again?.strategy.metadata.uid !== before.strategy.metadata.uid)
    throw new CommandError(`${wordsOf(before)} in namespace ${namespace} was deleted meanwhile`);
  return again;
}

async function theOnlyOne(connection: Connection, note: (text: string) => void): Promise<Located> {
  const { namespace } = connection;
  const all = await listStrategies(connection, namespace);
  const [only, ...others] = all;
  if (!only) throw new CommandError(`namespace ${namespace} has no strategy${await elsewhere(connection)}`);
  if (others.length > 0)
    throw new CommandError(
      `namespace ${namespace} has ${String(all.length)} strategies: name one of ${all.map(nameOf).join(', ')}`,
    );
  note(`${wordsOf(only)}, the only strategy in namespace ${namespace}`);
  return only;
}

function parseName(given: string): { readonly kinds: readonly StrategyKind[]; readonly name: string } {
  const at = given.indexOf('/');
  const name = given.slice(at + 1);
  const word = given.slice(0, Math.max(at, 0));
  const kind = at < 0 ? undefined : kindNamed(word);
  if (at >= 0 && !kind)
    throw new CommandError(`${given}: ${word} is no kind of strategy; the kinds are ${kindNames()}`);
  if (!objectName().safeParse(name).success)
    throw new CommandError(
      `${given}: no strategy can have the name ${JSON.stringify(name)}: lower-case letters, digits, "-" and "."`,
    );
  return { kinds: kind ? [kind] : STRATEGY_KINDS, name };
}

async function read(connection: Connection, kind: StrategyKind, name: string): Promise<Located | undefined> {
  const { namespace, config } = connection;
  const path = `${collection(kind, namespace)}/${name}`;
  const ask = { verb: 'get', resource: kind.definition.plural, namespace } as const;
  try {
    const object = await asking(connection, ask, () => call<unknown>(config, { method: 'GET', path }));
    return located(kind, object);
  } catch (error) {
    if (error instanceof CommandError && isAbsent(error.cause)) return undefined;
    throw error;
  }
}

async function missing(connection: Connection, kinds: readonly StrategyKind[], name: string): Promise<never> {
  const { namespace } = connection;
  const there = await namesIn(connection, namespace, kinds);
  const words = kinds.length === 1 ? kinds[0]?.definition.singular : 'strategy';
  const none = `namespace ${namespace} has no ${String(words)} ${name}`;
  if (there === undefined) throw new CommandError(none);
  if (there.length === 0) throw new CommandError(`${none}, and no other one${await elsewhere(connection)}`);
  throw new CommandError(`${none}; it has ${nearestFirst(there.map(nameOf), name).join(', ')}`);
}

/** The strategies of other namespaces, as far as they may be read: the namespace is forgotten often. */
async function elsewhere(connection: Connection): Promise<string> {
  const all = (await namesIn(connection, undefined, STRATEGY_KINDS)) ?? [];
  if (all.length === 0) return '';
  const namespaces = [...new Set(all.map(({ strategy }) => strategy.metadata.namespace))];
  return `: choose another with -n; there are strategies in ${namespaces.join(', ')}`;
}

/** Undefined when they may not be listed: the names are only a help. */
async function namesIn(
  connection: Connection,
  namespace: string | undefined,
  kinds: readonly StrategyKind[],
): Promise<readonly Located[] | undefined> {
  try {
    return await listStrategies(connection, namespace, kinds);
  } catch (error) {
    if (error instanceof CommandError) return undefined;
    throw error;
  }
}

function located(kind: StrategyKind, object: unknown): Located {
  const strategy = kind.parse(object);
  const { name, namespace } = strategy.metadata;
  return { kind, strategy, stored: object, path: `${collection(kind, namespace)}/${name}` };
}

/** The path of the strategies of a kind, in a namespace or in all. */
export function collection({ definition: { plural } }: StrategyKind, namespace: string | undefined): string {
  const within = namespace === undefined ? '' : `/namespaces/${namespace}`;
  return `/apis/${API_VERSION}${within}/${plural}`;
}

function nameOf({ strategy }: Located): string {
  return strategy.metadata.name;
}

function sortKey({ strategy: { metadata } }: Located): string {
  return `${metadata.namespace}/${metadata.name}`;
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
