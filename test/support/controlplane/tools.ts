/** Runs the usual tools for manifests and workflows: helm, kubectl, kubeconform, Prometheus' check of rules, actionlint. */
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { OPERATOR_NAMESPACE } from '../../../src/crds/names.ts';
import { parseManifests, type Manifest } from './apply.ts';
import { DEPLOY } from './installation.ts';
import { toolBinaries } from './tool-binaries.ts';

export const ROOT = join(DEPLOY, '..');
const CHARTS = join(ROOT, 'charts');
export const CHART = join(CHARTS, 'careen');
export const CRDS_CHART = join(CHARTS, 'careen-crds');

export type Tool = 'helm' | 'kubectl' | 'kubeconform' | 'check-rules' | 'actionlint';

/** The output of a tool. Fails with its output and its errors when its exit status is not 0. */
export async function run(tool: Tool, args: readonly string[], input = ''): Promise<string> {
  const child = spawn(join(await toolBinaries(), tool), args, { env: { ...process.env, ...helmHomes() } });
  child.stdin.end(input);
  const { promise: ended, resolve, reject } = Promise.withResolvers<number | null>();
  child.once('error', reject).once('close', resolve);
  const [output, complaints, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (code === 0) return output;
  throw new Error(`${tool} ${args.join(' ')} ended with status ${String(code)}:\n${output}${complaints}`);
}

/** A person's settings for helm have no effect in tests. */
function helmHomes(): NodeJS.ProcessEnv {
  const kinds = ['CACHE', 'CONFIG', 'DATA'];
  return Object.fromEntries(
    kinds.map((kind) => [`HELM_${kind}_HOME`, join(tmpdir(), 'careen-no-helm-home')]),
  );
}

/** The rendered chart with these values, in helm's notation: `a.b=1`. */
export async function rendered(
  chart: string,
  values: readonly string[] = [],
  release = 'careen',
): Promise<Manifest[]> {
  const set = values.flatMap((value) => ['--set-json', value]);
  const output = await run('helm', ['template', release, chart, '--namespace', OPERATOR_NAMESPACE, ...set]);
  return parseManifests(output);
}

/** The objects of one kind in the rendered chart careen with these values. */
export async function renderedOfKind(kind: string, values: readonly string[] = []): Promise<Manifest[]> {
  return (await rendered(CHART, values)).filter((manifest) => manifest.kind === kind);
}

/** For people, and to distinguish objects: `Role careen-system/careen-lease`. */
export function keyOf({ kind, metadata: { namespace, name } }: Manifest): string {
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

/** The manifests that `kubectl apply -k` would apply. */
export async function kustomized(folder: string): Promise<Manifest[]> {
  return parseManifests(await run('kubectl', ['kustomize', folder]));
}

/** The value at a path such as `spec.ports.0.name`. */
export function fieldAt(value: unknown, path: string): unknown {
  return path.split('.').reduce((part, key) => fieldsOf(part)[key], value);
}

function fieldsOf(value: unknown): Record<string, unknown> {
  const fields = Array.isArray(value) ? Object.fromEntries(value.entries()) : value;
  return z.record(z.string(), z.unknown()).catch({}).parse(fields);
}
