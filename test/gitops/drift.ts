/** What Argo CD's server-side diff compares: an object, and what applying its manifest once more would make of it. */
import type { KubeConfig } from '@kubernetes/client-node';
import { z } from 'zod';
import { applyAs, read, type Manifest } from '../support/controlplane/apply.ts';
import { eventually } from '../support/eventually.ts';

/** The field manager under which Argo CD applies. */
export const ARGOCD = 'argocd-controller';

const objectSchema = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string(), managedFields: z.unknown() }),
});

export type Comparison = { readonly live: unknown; readonly predicted: unknown };

/** Both as they are at the same moment; the list of field managers counts as in Argo CD, not at all. */
export async function compared(config: KubeConfig, manifest: Manifest): Promise<Comparison> {
  const name = `${manifest.kind} ${manifest.metadata.name}`;
  return eventually(`${name} stays as it is while it is compared`, async () => {
    const live = objectSchema.parse(await read(config, manifest));
    const predicted = objectSchema.parse(await applyAs(config, ARGOCD, manifest, { dryRun: true }));
    const after = objectSchema.parse(await read(config, manifest));
    if (live.metadata.resourceVersion !== after.metadata.resourceVersion) return undefined;
    return { live: withoutManagers(live), predicted: withoutManagers(predicted) };
  });
}

function withoutManagers(object: z.infer<typeof objectSchema>): unknown {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
