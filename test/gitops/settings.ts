/** The settings of Argo CD that the guide has a person apply. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { applyAs, readManifests } from '../support/controlplane/apply.ts';
import { DEPLOY } from '../support/controlplane/installation.ts';

const ROOT = join(DEPLOY, '..');
/** The file whose comment has the command, and the file that it applies. */
const SETTINGS = [
  ['deploy/argocd/kustomization.yaml', 'deploy/argocd/argocd-cm.yaml'],
  ['examples/argocd/argocd-cm.yaml', 'examples/argocd/argocd-cm.yaml'],
] as const;

/** Applies them as the commands in the files say. */
export async function applySettings(admin: KubeConfig): Promise<void> {
  for (const [command, file] of SETTINGS) {
    const fieldManager = await fieldManagerIn(command);
    for (const manifest of await readManifests(join(ROOT, file)))
      await applyAs(admin, fieldManager, manifest);
  }
}

/** The field manager in the command that a comment shows; kubectl's own without one. */
async function fieldManagerIn(file: string): Promise<string> {
  const text = await readFile(join(ROOT, file), 'utf8');
  const [, manager] = /kubectl apply --server-side --field-manager=(\S+)/.exec(text) ?? [];
  return manager ?? 'kubectl';
}
