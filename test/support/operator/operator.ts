/** The operator under test: a process of its own, with the rights of its own service account. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { KubeConfig } from '@kubernetes/client-node';
import { STRATEGY_KIND_NAMES } from '../../../src/crds/strategy-kinds.ts';
import { apply, read, type Manifest } from '../controlplane/apply.ts';
import { eventually } from '../eventually.ts';
import { DEPLOY, installation } from '../controlplane/installation.ts';
import { keepOutput } from './kept-output.ts';
import { grantedRights, untilGranted, type Account } from '../audit/rights.ts';
import { writeServiceAccountKubeconfig } from '../controlplane/service-account.ts';

const ROOT = join(DEPLOY, '..');
const MAIN = join(ROOT, 'src', 'main.ts');
export const OPERATOR_ACCOUNT: Account = { namespace: 'careen-system', name: 'careen' };

/** Objects without use in tests: their operator is a process of its own, and their pools have nodes of their own. */
const LEFT_OUT = ['Deployment', 'PodDisruptionBudget', 'Service', 'NetworkPolicy', 'HostPool'];

/**
 * Installs the manifests of deploy/ except the operator's pods and the default
 * pool; waits until our kinds are served and the operator has its rights.
 */
export async function installCareen(admin: KubeConfig): Promise<void> {
  const manifests = await installation();
  await apply(admin, ...manifests.filter(({ kind }) => !LEFT_OUT.includes(kind)));
  await untilServed(admin);
  await untilGranted(admin, OPERATOR_ACCOUNT, grantedRights(manifests, OPERATOR_ACCOUNT));
}

/** The API server begins to serve a new kind a moment after it accepted the definition. */
async function untilServed(admin: KubeConfig): Promise<void> {
  const metadata = { name: 'none', namespace: 'careen-hosts' };
  for (const kind of ['HostPool', ...STRATEGY_KIND_NAMES]) {
    const none: Manifest = { apiVersion: 'careen.dev/v1alpha1', kind, metadata };
    await eventually(`${kind} is served`, async () =>
      read(admin, none).then(
        () => true,
        () => false,
      ),
    );
  }
}

/** Lets the operator run Jobs in a namespace, like an administrator who prepares it for strategies. */
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

/** Short, so that a test need not wait long for the next leader after a crash. */
export const LEASE_SECONDS = 6;

export type RunningOperator = {
  readonly pid: number;
  /** All lines that it logged so far. */
  readonly lines: readonly string[];
  /** Resolves when it leads and works; fails when it ends before. */
  readonly leads: Promise<undefined>;
  /** Resolves with its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** The address of its probes and metrics, once they are served. */
  address(): string | undefined;
  signal(signal: NodeJS.Signals): void;
  /** Kills it, like a crash. */
  kill(): Promise<void>;
  /** Ends it in good order. Safe to call twice. */
  stop(): Promise<void>;
};

export type OperatorOptions = {
  /** Gets each line of its log. */
  readonly onLine?: (line: string) => void;
  /** The file to run; by default src/main.ts. */
  readonly main?: string;
  readonly environment?: Readonly<Record<string, string>>;
};

/** Starts the operator and waits until it works. */
export async function startOperator(
  kubeconfig: string,
  options: OperatorOptions = {},
): Promise<RunningOperator> {
  const operator = spawnOperator(kubeconfig, options);
  await operator.leads;
  return operator;
}

/** Starts the operator, which may wait until it leads. */
export function spawnOperator(
  kubeconfig: string,
  { onLine, main = MAIN, environment = {} }: OperatorOptions = {},
): RunningOperator {
  const own = { KUBECONFIG: kubeconfig, CAREEN_PORT: '0', CAREEN_LEASE_SECONDS: String(LEASE_SECONDS) };
  const child = spawn(process.execPath, [main], {
    env: { ...process.env, ...own, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return watchOperator(child, onLine);
}

/** Follows a process whose output is that of the operator. */
export function watchOperator(
  child: ChildProcessByStdio<null, Readable, Readable>,
  onLine?: (line: string) => void,
): RunningOperator {
  const lines: string[] = [];
  const keep = keepOutput();
  const { promise: leads, resolve, reject } = Promise.withResolvers<undefined>();
  leads.catch(() => undefined); // a caller may await it or not
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', (line) => {
      lines.push(line);
      keep(line);
      onLine?.(line);
      if (line.includes('"careen is running"')) resolve(undefined);
    });
  }
  const { promise: ended, resolve: end } = Promise.withResolvers<number | NodeJS.Signals>();
  child.once('exit', (code, signal) => {
    end(code ?? signal ?? 0);
    reject(new Error(`the operator ended with ${String(code ?? signal)}:\n${lines.slice(-20).join('\n')}`));
  });
  const signalled = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await ended;
  };
  const addressOf = (line: string): string | undefined => /"address":"([^"]+)"/.exec(line)?.[1];
  return {
    pid: child.pid ?? 0,
    lines,
    leads,
    ended,
    address: () => lines.map(addressOf).find((each) => each !== undefined),
    signal: (signal) => child.kill(signal),
    kill: () => signalled('SIGKILL'),
    stop: () => signalled('SIGTERM'),
  };
}
