/** What every write to the cluster needs, and what it leaves behind for the caches. */
import type { KubeConfig } from '@kubernetes/client-node';
import type { Outcome } from '../engine/effect.ts';
import { call, FIELD_MANAGER } from '../kube/client.ts';

export type Writer = {
  readonly config: KubeConfig;
  readonly now: () => number;
};

export const MANAGED = { fieldManager: FIELD_MANAGER } as const;

/** An outcome, and the object as the server answered it, newer than any cache. */
export type Written<T> = { readonly outcome: Outcome; readonly object?: T };

export async function mergePatch<T>(
  { config }: Writer,
  path: string,
  body: object,
  signal: AbortSignal,
): Promise<T> {
  return call<T>(config, { method: 'PATCH', path, query: MANAGED, body }, signal);
}
