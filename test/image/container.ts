/** The operator in a container, as deploy/base/deployment.yaml describes it, by podman. */
import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from '../support/controlplane/controlplane.ts';
import { deployedContainer } from '../support/operator/deployed.ts';
import { OPERATOR_ACCOUNT, watchOperator, type RunningOperator } from '../support/operator/operator.ts';
import { run } from './programs.ts';

/** Podman with images and containers of its own, in a folder. */
export class Podman {
  readonly #global: readonly string[];

  constructor(folder: string) {
    const [root, runroot] = [join(folder, 'storage'), join(folder, 'run')];
    this.#global = [
      '--root',
      root,
      '--runroot',
      runroot,
      '--runtime',
      'runc',
      '--cgroup-manager',
      'cgroupfs',
    ];
  }

  async call(...args: readonly string[]): Promise<string> {
    return run('podman', ...this.#global, ...args);
  }

  /** The command line of a call, to be spawned. */
  command(...args: readonly string[]): readonly [string, readonly string[]] {
    return ['podman', [...this.#global, ...args]];
  }
}

/** Starts the image of the Deployment with its settings; `kubeconfig` has the operator's account. */
export async function startContainer(
  podman: Podman,
  kubeconfig: string,
  account: string,
  name: string,
): Promise<RunningOperator> {
  const server = await writeAccount(kubeconfig, account);
  const [program, args] = podman.command(...(await runArguments(server, account, name)));
  return watchOperator(spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] }));
}

/** Writes the files that a pod has of its service account; returns the address of the API server. */
async function writeAccount(kubeconfig: string, folder: string): Promise<URL> {
  const config = connect(kubeconfig);
  const cluster = config.getCurrentCluster();
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'token'), config.getCurrentUser()?.token ?? '');
  await writeFile(join(folder, 'namespace'), OPERATOR_ACCOUNT.namespace);
  await writeFile(join(folder, 'ca.crt'), Buffer.from(cluster?.caData ?? '', 'base64'));
  return new URL(cluster?.server ?? '');
}

async function runArguments(server: URL, account: string, name: string): Promise<readonly string[]> {
  const { image, user, environment: deployed, memoryLimit } = await deployedContainer();
  const environment = {
    ...deployed,
    ...{ POD_NAME: name, POD_NAMESPACE: OPERATOR_ACCOUNT.namespace, CAREEN_PORT: '0' },
    ...{ KUBERNETES_SERVICE_HOST: server.hostname, KUBERNETES_SERVICE_PORT: server.port },
  };
  return [
    ...['run', '--name', name, '--network=host', '--pull=never'],
    ...['--read-only', '--read-only-tmpfs=false', '--cap-drop=ALL', '--security-opt=no-new-privileges'],
    ...['--user', user, '--memory', memoryLimit.replace(/i$/, '').toLowerCase()],
    // Those that podman sets by itself may be above the limits of this machine.
    ...['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024'],
    ...['--volume', `${account}:/var/run/secrets/kubernetes.io/serviceaccount:ro`],
    ...Object.entries(environment).flatMap(([key, value]) => ['--env', `${key}=${value}`]),
    image,
  ];
}
