/** The operator under test: a process of its own, with the rights of its own service account. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { KubeConfig } from '@kubernetes/client-node';
import { apply, readManifests } from './apply.ts';
import { writeServiceAccountKubeconfig } from './service-account.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const MAIN = join(ROOT, 'src', 'main.ts');
const INSTALLATION = [
  'crds/careen.dev_hostpools.yaml',
  'crds/careen.dev_patchstrategies.yaml',
  'namespaces.yaml',
  'rbac.yaml',
];

/** Installs what stands in deploy/, but for the default pool. */
export async function installCareen(admin: KubeConfig): Promise<void> {
  for (const file of INSTALLATION) await apply(admin, ...(await readManifests(join(ROOT, 'deploy', file))));
}

/** Writes a kubeconfig with the rights of the operator's service account. */
export async function writeOperatorKubeconfig(admin: KubeConfig, file: string): Promise<void> {
  await writeServiceAccountKubeconfig(admin, 'careen-system', 'careen', file);
}

export type RunningOperator = {
  /** All lines that it logged so far. */
  readonly lines: readonly string[];
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>;
  /** Ends it in good order. Safe to call twice. */
  stop(): Promise<void>;
};

/** Starts the operator and waits until it works. `onLine` gets each line of its log. */
export async function startOperator(
  kubeconfig: string,
  onLine?: (line: string) => void,
): Promise<RunningOperator> {
  const child = spawn(process.execPath, [MAIN], {
    env: { ...process.env, KUBECONFIG: kubeconfig },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  const { promise: ready, resolve, reject } = Promise.withResolvers<undefined>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', (line) => {
      lines.push(line);
      onLine?.(line);
      if (line.includes('"careen is running"')) resolve(undefined);
    });
  }
  const { promise: ended, resolve: end } = Promise.withResolvers<undefined>();
  child.once('exit', (code, signal) => {
    end(undefined);
    reject(new Error(`the operator ended with ${String(code ?? signal)}:\n${lines.slice(-20).join('\n')}`));
  });
  const signalled = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await ended;
  };
  await ready;
  return { lines, kill: () => signalled('SIGKILL'), stop: () => signalled('SIGTERM') };
}
