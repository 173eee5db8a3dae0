/** The kinds of strategies, as commands name and read them. All commands work on all of them. */
import type { CrdDefinition } from '../../crds/schema/custom-resource-definition.ts';
import { GROUP, VERSION } from '../../crds/names.ts';
import { STRATEGY_KIND_NAMES, STRATEGY_KINDS as KINDS } from '../../crds/strategy-kinds.ts';
import { strategySchema, type Strategy } from '../../resources/stored-strategy.ts';

/** A strategy of any kind, as it is stored. */
export type StoredStrategy = Strategy;

export type StrategyKind = {
  readonly definition: CrdDefinition;
  /** Reads an object of the API server. Throws ZodError when it is no object of the kind. */
  readonly parse: (object: unknown) => StoredStrategy;
};

export const STRATEGY_KINDS: readonly StrategyKind[] = STRATEGY_KIND_NAMES.map((kind) => ({
  definition: KINDS[kind].definition,
  parse: (object) => strategySchema(kind).parse(object),
}));

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
