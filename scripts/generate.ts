/**
 * Writes the files that are made from sources: deploy/crds from src/crds, and
 * deploy/argocd/argocd-cm.yaml from the health scripts beside it.
 * `--check` writes nothing and fails when a file is not current.
 */
import { readFileSync } from 'node:fs';
import { readFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { dump } from 'js-yaml';
import { customResourceDefinition, type CrdDefinition } from '../src/crds/custom-resource-definition.ts';
import { hostPoolDefinition } from '../src/crds/host-pool.ts';
import { GROUP } from '../src/crds/names.ts';
import { patchStrategyDefinition } from '../src/crds/patch-strategy.ts';

const root = join(import.meta.dirname, '..');

/** The generated files: path below the project's folder, and what belongs in it. */
export function generatedFiles(): Map<string, string> {
  const definitions = [hostPoolDefinition, patchStrategyDefinition];
  return new Map([
    ...definitions.map((each) => [`deploy/crds/${GROUP}_${each.plural}.yaml`, crdYaml(each)] as const),
    [`${ARGOCD}/argocd-cm.yaml`, healthYaml(definitions)],
  ]);
}

const ARGOCD = 'deploy/argocd';

/** What is added to the ConfigMap of Argo CD. */
function healthYaml(definitions: readonly CrdDefinition[]): string {
  const scripts = definitions.map(({ kind }) => {
    const name = `${GROUP}_${kind}`;
    const script = readFileSync(join(root, ARGOCD, `${name}.lua`), 'utf8');
    return [`resource.customizations.health.${name}`, script];
  });
  const configMap = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'argocd-cm', namespace: 'argocd' },
    data: Object.fromEntries(scripts) as unknown,
  };
  const header = '# Made by `npm run generate` from the scripts in this folder. Do not edit.\n';
  return header + dump(configMap, { lineWidth: -1 });
}

function crdYaml(definition: CrdDefinition): string {
  const header = '# Made by `npm run generate` from src/crds. Do not edit.\n';
  return header + dump(customResourceDefinition(definition), { lineWidth: 110, noRefs: true });
}

async function staleFiles(): Promise<string[]> {
  const stale: string[] = [];
  for (const [path, content] of generatedFiles()) {
    const found = await readFile(join(root, path), 'utf8').catch(() => undefined);
    if (found !== content) stale.push(path);
  }
  return stale;
}

async function main(): Promise<void> {
  const stale = await staleFiles();
  if (process.argv.includes('--check')) {
    if (stale.length === 0) return;
    console.error(`not current: ${stale.join(', ')}; run \`make generate\` and commit what it writes`);
    process.exitCode = 1;
    return;
  }
  for (const path of stale) {
    const content = generatedFiles().get(path) ?? '';
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
    console.log(`wrote ${path}`);
  }
}

if (import.meta.main) await main();
