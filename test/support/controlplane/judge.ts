/** Verdicts of other tools on our objects (test/gitops/judge): kstatus, Argo CD, kustomize, kubectl wait. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { goBinaries, type GoBuild } from './go-binaries.ts';

export const JUDGE: GoBuild = {
  name: 'judge',
  what: 'the judge (kstatus, Argo CD, kustomize and kubectl wait)',
  duration: 'one to two minutes',
  binaries: ['judge'],
  sources: join(import.meta.dirname, '..', '..', 'gitops'),
  inputs: ['build.sh', 'judge'],
  module: 'judge',
  variable: 'CAREEN_JUDGE',
};

const verdict = z.object({ status: z.string(), message: z.string() });
export type Verdict = z.infer<typeof verdict>;

export type Answer = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

/** Runs the program to its end, with any status. */
export async function judge(args: readonly string[], input = ''): Promise<Answer> {
  const child = spawn(join(await goBinaries(JUDGE), 'judge'), args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const { promise: ended, resolve, reject } = Promise.withResolvers<number | null>();
  child.once('error', reject).once('close', resolve);
  child.stdin.on('error', () => undefined); // it has just ended, and its exit code says why
  child.stdin.end(input);
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, stdout, stderr };
}

/** The verdict of kstatus on each object. */
export async function kstatus(objects: readonly unknown[]): Promise<Verdict[]> {
  return verdicts(['kstatus'], objects);
}

/** The verdict of a health script on each object, run like in Argo CD. */
export async function health(script: string, objects: readonly unknown[]): Promise<Verdict[]> {
  const folder = await mkdtemp(join(tmpdir(), 'careen-health-'));
  try {
    const file = join(folder, 'health.lua');
    await writeFile(file, script);
    return await verdicts(['health', file], objects);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function verdicts(args: readonly string[], objects: readonly unknown[]): Promise<Verdict[]> {
  const lines = objects.map((each) => `${JSON.stringify(each)}\n`).join('');
  const { code, stdout, stderr } = await judge(args, lines);
  if (code !== 0) throw new Error(`judge ${args.join(' ')} ended with ${String(code)}: ${stderr}`);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => verdict.parse(JSON.parse(line)));
}
