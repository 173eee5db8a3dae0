/** A PatchStrategy from a file, with the checks of the API server. */
import { z } from 'zod';
import { beyondBounds } from '../../crds/bounds.ts';
import { patchStrategySpec, type PatchStrategySpec } from '../../crds/patch-strategy-spec.ts';
import { patchStrategyDefinition } from '../../crds/patch-strategy.ts';
import { namespaceName, objectName } from '../../crds/schema.ts';
import { CommandError } from '../command-error.ts';
import { checkDocument, header, readDocument, refuse } from './documents.ts';
import { brokenRules } from './schema-rules.ts';

/** The namespace of a manifest without one, when no kubeconfig sets another. */
export const DEFAULT_NAMESPACE = 'default';

export type Strategy = {
  readonly name: string;
  /** Undefined when the manifest leaves it to the kubeconfig. */
  readonly namespace: string | undefined;
  readonly spec: PatchStrategySpec;
};

const manifest = z.object({
  ...header('PatchStrategy'),
  metadata: z.looseObject({ name: objectName(), namespace: namespaceName().optional() }),
  spec: patchStrategySpec,
  status: z.unknown().optional(),
});

/** Reads a strategy. Throws CommandError with a line for each problem: file, path, value and remedy. */
export async function readStrategy(path: string): Promise<Strategy> {
  const found = await readDocument(path, 'PatchStrategy');
  const beyond = beyondBounds(found.content, 'the document');
  if (beyond !== undefined)
    throw new CommandError(
      `${found.file}: ${beyond}, so no operator reads it: split it into several strategies`,
    );
  const { metadata, spec } = checkDocument(found, manifest);
  refuse(found, brokenRules(patchStrategyDefinition, { metadata, spec }));
  return { name: metadata.name, namespace: metadata.namespace, spec };
}
