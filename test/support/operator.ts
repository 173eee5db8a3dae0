/** The operator under test: a process of its own, with the rights of its own service account. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { KubeConfig } from '@kubernetes/client-node';
import { apply, read, type Manifest } from './apply.ts';
import { eventually } from './eventually.ts';
import { DEPLOY, installation } from './installation.ts';
import { grantedRights, untilGranted, type Account } from './rights.ts';
import { writeServiceAccountKubeconfig } from './service-account.ts';

const ROOT = join(DEPLOY, '..');
const MAIN = join(ROOT, 'src', 'main.ts');
export const OPERATOR_ACCOUNT: Account = { namespace: 'careen-system', name: 'careen' };

/** What tests have no use for: their operator is a process of its own, and their pools have nodes of their own. */
const LEFT_OUT = ['Deployment', 'PodDisruptionBudget', 'Service', 'NetworkPolicy', 'HostPool'];

/**
 * Installs what deploy/ lists, but for the operator's pods and the default
 * pool; waits until our kinds are served and the operator has its rights.
 */
export async function installCareen(admin: KubeConfig): Promise<void> {
  const manifests = await installation();
  await apply(admin, ...manifests.filter(({ kind }) => !LEFT_OUT.includes(kind)));
  await untilServed(admin);
  await untilGranted(admin, OPERATOR_ACCOUNT, grantedRights(manifests, OPERATOR_ACCOUNT));
}

/** The API server begins to serve a new kind a moment after it took its definition. */
async function untilServed(admin: KubeConfig): Promise<void> {
  const metadata = { name: 'none', namespace: 'careen-hosts' };
  for (const kind of ['HostPool', 'PatchStrategy']) {
    const none: Manifest = { apiVersion: 'careen.dev/v1alpha1', kind, metadata };
    await eventually(`${kind} is served`, async () =>
      read(admin, none).then(
        () => true,
        () => false,
      ),
    );
  }
}

/** Lets the operator run Jobs in a namespace, as an administrator does who prepares one for strategies. */
export async function allowJobs(admin: KubeConfig, namespace: string): Promise<void> {
  const manifests = await installation();
  const binding = manifests.find(
    ({ kind, metadata }) => kind === 'RoleBinding' && metadata.name === 'careen-jobs',
  );
  if (!binding) throw new Error('deploy/ has no RoleBinding careen-jobs to prepare a namespace with');
  const further: Manifest = { ...binding, metadata: { ...binding.metadata, namespace } };
  await apply(admin, further);
  const rights = grantedRights([...manifests, further], OPERATOR_ACCOUNT);
  await untilGranted(
    admin,
    OPERATOR_ACCOUNT,
    rights.filter((right) => right.namespace === namespace),
  );
}

/** Writes a kubeconfig with the rights of the operator's service account. */
export async function writeOperatorKubeconfig(admin: KubeConfig, file: string): Promise<void> {
  const { namespace, name } = OPERATOR_ACCOUNT;
  await writeServiceAccountKubeconfig(admin, namespace, name, file);
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
