/** Argo CD's own programs, built from its Go modules. */
import { join } from 'node:path';
import { goBinaries, type GoBuild } from '../../support/controlplane/go-binaries.ts';

export const ARGOCD: GoBuild = {
  name: 'argocd',
  what: 'Argo CD (its application controller and repository server) and kustomize',
  duration: '8 to 15 minutes',
  binaries: ['argocd', 'kustomize'],
  sources: join(import.meta.dirname, '..'),
  inputs: ['build.sh', 'argocd', 'kustomize'],
  module: 'argocd',
  variable: 'CAREEN_ARGOCD',
};

/** The folder with the programs, and the definitions of Argo CD's kinds. */
export async function argocdPrograms(): Promise<string> {
  return goBinaries(ARGOCD);
}
