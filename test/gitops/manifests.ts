/** The manifests that Argo CD makes from a folder in git. */
import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { KUSTOMIZATION } from '../support/controlplane/installation.ts';
import { parseManifests, readManifests, type Manifest } from '../support/controlplane/apply.ts';
import { judge } from '../support/controlplane/judge.ts';

/** The output of kustomize for a folder. */
export async function kustomized(folder: string): Promise<Manifest[]> {
  const { code, stdout, stderr } = await judge(['build', folder]);
  if (code !== 0) throw new Error(`kustomize build ${folder}: ${stderr}`);
  return parseManifests(stdout);
}

/** Uses kustomize if the folder has a kustomization; otherwise reads all manifests in it. */
export async function manifestsIn(folder: string): Promise<Manifest[]> {
  if (existsSync(join(folder, KUSTOMIZATION))) return kustomized(folder);
  const files = globSync('*.yaml', { cwd: folder }).sort();
  return (await Promise.all(files.map(async (file) => readManifests(join(folder, file))))).flat();
}
