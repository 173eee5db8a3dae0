/** A strategy from a file, with the checks of the API server. */
import { z } from 'zod';
import { beyondBounds } from '../../crds/spec/bounds.ts';
import { STRATEGY_KIND_NAMES, STRATEGY_KINDS, type StrategyKindName } from '../../crds/strategy-kinds.ts';
import type { StrategySpec } from '../../crds/spec/strategy-spec.ts';
import { namespaceName, objectName } from '../../crds/schema/schema.ts';
import { CommandError } from '../command-error.ts';
import { checkDocument, header, readDocument, refuse } from './documents.ts';
import { brokenRules } from './schema-rules.ts';

/** The namespace of a manifest without one, when no kubeconfig sets another. */
export const DEFAULT_NAMESPACE = 'default';

export type Strategy = {
  readonly kind: StrategyKindName;
  readonly name: string;
  /** Undefined when the manifest leaves it to the kubeconfig. */
  readonly namespace: string | undefined;
  readonly spec: StrategySpec;
};

function manifestOf(kind: StrategyKindName) {
  return z.object({
    ...header(kind),
    metadata: z.looseObject({ name: objectName(), namespace: namespaceName().optional() }),
    spec: STRATEGY_KINDS[kind].definition.spec,
    status: z.unknown().optional(),
  });
}

/** Reads a strategy. Throws CommandError with a line for each problem: file, path, value and remedy. */
export async function readStrategy(path: string): Promise<Strategy> {
  const found = await readDocument(path, STRATEGY_KIND_NAMES);
  const { kind } = found;
  const beyond = beyondBounds(found.content, 'the document');
  if (beyond !== undefined)
    throw new CommandError(
      `${found.file}: ${beyond}, so no operator reads it: split it into several strategies`,
    );
  const { metadata, spec } = checkDocument(found, manifestOf(kind));
  const { definition, readSpec } = STRATEGY_KINDS[kind];
  refuse(found, brokenRules(definition, { metadata, spec }));
  return { kind, name: metadata.name, namespace: metadata.namespace, spec: readSpec.parse(spec) };
}
