/**
 * Writes the generated files: the CRDs in deploy/crds and in the chart
 * careen-crds, their JSON schemas, the schema of the chart's values,
 * deploy/argocd/argocd-cm.yaml from the health scripts beside it, which are one
 * for all strategies, the name references for kustomize, the table of the
 * fields of a pod in docs/reference, and the picture of `careen watch`.
 * `--check` writes nothing and fails when a file is not current.
 */
import { readFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { dump } from 'js-yaml';
import {
  customResourceDefinition,
  type CrdDefinition,
} from '../src/crds/schema/custom-resource-definition.ts';
import { hostPoolDefinition } from '../src/crds/host-pool.ts';
import { GROUP, PATCH_STRATEGY, VERSION } from '../src/crds/names.ts';
import { STRATEGY_KIND_NAMES, STRATEGY_KINDS } from '../src/crds/strategy-kinds.ts';
import { OUR_KINDS } from '../src/resources/served-kinds.ts';
import { valuesSchema } from './chart-values.ts';
import { kindSchema, specSchema, type JsonSchema } from './json-schemas.ts';
import { nameReferences } from './name-references.ts';
import { podFieldsDocument } from './pod-fields.ts';
import { watchPicture } from './watch-picture.ts';

const root = join(import.meta.dirname, '..');

const STRATEGIES = STRATEGY_KIND_NAMES.map((kind) => STRATEGY_KINDS[kind].definition);
const ARGOCD = 'deploy/argocd';
/** An example is complete, so it has a copy. */
const NAME_REFERENCES = [
  'deploy/base/name-references.yaml',
  'examples/kustomize/strategies/name-references.yaml',
];
const POLICIES = ['execute-policy', 'node-policy'];
const HEADER = 'Made by `npm run generate` from src/crds. Do not edit.';

/** The generated files: path below the project's folder, and content. */
export async function generatedFiles(): Promise<Map<string, string>> {
  const poolSpec = specSchema(customResourceDefinition(hostPoolDefinition));
  return new Map([
    ...OUR_KINDS.flatMap(filesOf),
    ['charts/careen/values.schema.json', json(valuesSchema(poolSpec))],
    ...(await Promise.all(POLICIES.map(policyFile))),
    ...NAME_REFERENCES.map((path): [string, string] => [path, nameReferences()]),
    ...(await healthScripts()),
    [`${ARGOCD}/argocd-cm.yaml`, await healthYaml()],
    ['docs/reference/pod-fields.md', podFieldsDocument()],
    ['docs/pictures/watch.svg', await watchPicture()],
  ]);
}

function filesOf(definition: CrdDefinition): [path: string, content: string][] {
  const crd = customResourceDefinition(definition);
  const file = `${GROUP}_${definition.plural}.yaml`;
  // kubeconform finds the schema by this name.
  const schema = `${definition.kind.toLowerCase()}_${VERSION}.json`;
  return [
    [`deploy/crds/${file}`, `# ${HEADER}\n${yaml(crd)}`],
    [`charts/careen-crds/templates/${file}`, crdTemplate(crd)],
    [`deploy/schemas/${schema}`, json(kindSchema(crd))],
  ];
}

/** The chart template of a CRD. The fields that Helm adds are the first of its metadata. */
function crdTemplate(crd: JsonSchema): string {
  const text = yaml(crd);
  if (text.includes('{{'))
    throw new Error('a description contains "{{", which Helm would read as a template');
  const added = ['annotations', 'labels'].map(
    (field) => `\n  ${field}:\n    {{- include "careen-crds.${field}" . | nindent 4 }}`,
  );
  return `{{- /* ${HEADER} */}}\n${text.replace('\nmetadata:', `\nmetadata:${added.join('')}`)}`;
}

/** A chart can read only its own files, so it has a copy of each optional policy. */
async function policyFile(name: string): Promise<[path: string, content: string]> {
  const source = `deploy/optional/${name}/policy.yaml`;
  const text = await readFile(join(root, source), 'utf8');
  const header = `# Made by \`npm run generate\` from ${source}. Do not edit.\n`;
  return [`charts/careen/files/${name}.yaml`, header + text];
}

/** The health script of each further kind of strategies is that of a PatchStrategy: their status has one form. */
async function healthScripts(): Promise<[path: string, content: string][]> {
  const source = `${ARGOCD}/${GROUP}_${PATCH_STRATEGY}.lua`;
  const text = await readFile(join(root, source), 'utf8');
  const header = `-- Made by \`npm run generate\` from ${source}. Do not edit.\n`;
  return STRATEGY_KIND_NAMES.filter((kind) => kind !== PATCH_STRATEGY).map((kind) => [
    `${ARGOCD}/${GROUP}_${kind}.lua`,
    header + text.replace(`a ${PATCH_STRATEGY} `, `${/^[AEIOU]/.test(kind) ? 'an' : 'a'} ${kind} `),
  ]);
}

/** The part of Argo CD's ConfigMap that Careen needs. */
async function healthYaml(): Promise<string> {
  const scripts = new Map(await healthScripts());
  const data: Record<string, string> = {};
  for (const { kind } of [hostPoolDefinition, ...STRATEGIES]) {
    const name = `${GROUP}_${kind}`;
    const file = `${ARGOCD}/${name}.lua`;
    data[`resource.customizations.health.${name}`] =
      scripts.get(file) ?? (await readFile(join(root, file), 'utf8'));
  }
  const metadata = { name: 'argocd-cm', namespace: 'argocd' };
  const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data };
  const header = '# Made by `npm run generate` from the scripts in this folder. Do not edit.\n';
  return header + dump(configMap, { lineWidth: -1 });
}

function yaml(content: JsonSchema): string {
  return dump(content, { lineWidth: 110, noRefs: true });
}

function json(content: JsonSchema): string {
  return `${JSON.stringify(content, null, 2)}\n`;
}

async function staleFiles(files: ReadonlyMap<string, string>): Promise<string[]> {
  const stale: string[] = [];
  for (const [path, content] of files) {
    const found = await readFile(join(root, path), 'utf8').catch(() => undefined);
    if (found !== content) stale.push(path);
  }
  return stale;
}

async function main(): Promise<void> {
  const files = await generatedFiles();
  const stale = await staleFiles(files);
  if (process.argv.includes('--check')) {
    if (stale.length === 0) return;
    console.error(`not current: ${stale.join(', ')}; run \`make generate\` and commit the result`);
    process.exitCode = 1;
    return;
  }
  for (const path of stale) {
    const content = files.get(path) ?? '';
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
    console.log(`wrote ${path}`);
  }
}

if (import.meta.main) await main();
