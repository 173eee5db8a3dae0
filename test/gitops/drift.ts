/** Argo CD's server-side diff: it compares an object with the result of applying its manifest again. */
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

/** Both objects at the same moment. The list of field managers does not count, as in Argo CD. */
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
