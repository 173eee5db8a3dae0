/** The manifests of an installation, as the kustomizations in deploy/ list them. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { z } from 'zod';
import { readManifests, type Manifest } from './apply.ts';

export const DEPLOY = join(import.meta.dirname, '..', '..', '..', 'deploy');
export const KUSTOMIZATION = 'kustomization.yaml';
/** The file in deploy/ that is for kustomize itself, and no manifest. */
export const NAME_REFERENCES = join('base', 'name-references.yaml');

// Strict: tests would not apply an unknown field as kubectl does.
const kustomizationSchema = z.strictObject({
  apiVersion: z.string(),
  kind: z.enum(['Kustomization', 'Component']),
  resources: z.array(z.string()),
  /** How kustomize changes names; nothing in tests changes them. */
  configurations: z.array(z.string()).optional(),
  /** Labels for everything; nothing in tests needs them. */
  labels: z.array(z.looseObject({})).optional(),
  /** What a component changes of objects of others; test/gitops has it built by kustomize. */
  patches: z.array(z.looseObject({})).optional(),
});

/** The files that a folder's kustomization lists, those of listed folders included, in their order. */
export async function listedFiles(folder: string = DEPLOY): Promise<string[]> {
  const text = await readFile(join(folder, KUSTOMIZATION), 'utf8');
  const { resources } = kustomizationSchema.parse(load(text));
  const files = resources.map(async (resource) => {
    const path = join(folder, resource);
    return path.endsWith('.yaml') ? [path] : listedFiles(path);
  });
  return (await Promise.all(files)).flat();
}

/** All manifests of an installation, in the order of their application. */
export async function installation(folder: string = DEPLOY): Promise<Manifest[]> {
  const manifests = (await listedFiles(folder)).map(async (file) => readManifests(file));
  return (await Promise.all(manifests)).flat();
}
