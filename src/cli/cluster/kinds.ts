/**
 * The kinds of strategies. This is the only place of the command line that names one: a further kind is a row here, and
 * all commands work on it.
 */
import type { CrdDefinition } from '../../crds/custom-resource-definition.ts';
import { GROUP, VERSION } from '../../crds/names.ts';
import { patchStrategyDefinition } from '../../crds/patch-strategy.ts';
import { patchStrategy, type PatchStrategy } from '../../resources/stored-strategy.ts';

/** A strategy of any kind, as it is stored. */
export type StoredStrategy = PatchStrategy;

export type StrategyKind = {
  readonly definition: CrdDefinition;
  /** Reads an object of the API server. Throws ZodError when it is no object of the kind. */
  readonly parse: (object: unknown) => StoredStrategy;
};

export const STRATEGY_KINDS: readonly StrategyKind[] = [
  { definition: patchStrategyDefinition, parse: (object) => patchStrategy.parse(object) },
];

/** The kind of a name that kubectl knows: singular, plural, short name, with or without the group; in any case. */
export function kindNamed(word: string): StrategyKind | undefined {
  const name = word.toLowerCase().replace(new RegExp(String.raw`(\.${VERSION})?\.${GROUP}$`), '');
  return STRATEGY_KINDS.find(({ definition: { singular, plural, shortNames } }) =>
    [singular, plural, ...shortNames].includes(name),
  );
}

/** The names of all kinds, for messages. */
export function kindNames(): string {
  return STRATEGY_KINDS.flatMap(({ definition: { singular, shortNames } }) => [singular, ...shortNames]).join(
    ', ',
  );
}
