/** Argo CD on loopback: Redis, the repository server and the application controller, for one cluster. */
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { apply, read, readManifests, type Manifest } from '../../support/controlplane/apply.ts';
import { eventually } from '../../support/eventually.ts';
import { argocdPrograms } from './programs.ts';
import { freePorts, isServed } from '../../support/network/loopback.ts';

/** How often Argo CD compares each Application with git and the cluster: more often than a real one, to see more. */
const RESYNC_SECONDS = 5;
const NAMESPACE = 'argocd';
const LOG_TAIL = 2_000;
/** Runs a program until it ends or standard input does, so that none outlives a test run that is killed. */
const UNTIL_STDIN_ENDS = '"$@" & cat >/dev/null; kill $! 2>/dev/null; wait $!';

export type ArgoCd = { stop(): Promise<void> };

/** Installs its kinds and settings as its own manifests do, as far as these processes read them. */
export async function installArgoCd(admin: KubeConfig): Promise<void> {
  const programs = await argocdPrograms();
  const labels = { 'app.kubernetes.io/part-of': 'argocd' };
  const named = (name: string): Manifest['metadata'] => ({ name, namespace: NAMESPACE, labels });
  await apply(admin, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
  for (const kind of ['application', 'applicationset', 'appproject'])
    await apply(admin, ...(await readManifests(join(programs, `${kind}.yaml`))));
  await apply(admin, { apiVersion: 'v1', kind: 'ConfigMap', metadata: named('argocd-cm') });
  await apply(admin, { apiVersion: 'v1', kind: 'Secret', metadata: named('argocd-secret') });
  const project: Manifest = {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AppProject',
    metadata: { name: 'default', namespace: NAMESPACE },
    spec: {
      sourceRepos: ['*'],
      destinations: [{ namespace: '*', server: '*' }],
      clusterResourceWhitelist: [{ group: '*', kind: '*' }],
    },
  };
  await eventually('the kinds of Argo CD are served', async () =>
    read(admin, project).then(
      () => true,
      () => false,
    ),
  );
  await apply(admin, project);
}

/** Starts its processes. `folder` gets their state and logs. */
export async function startArgoCd(kubeconfig: string, folder: string): Promise<ArgoCd> {
  const programs = await argocdPrograms();
  const [redis = 0, repo = 0, repoMetrics = 0, metrics = 0] = await freePorts(4);
  const scratch = join(folder, 'tmp');
  await mkdir(scratch, { recursive: true });
  const env = {
    PATH: `${programs}:${process.env['PATH'] ?? ''}`,
    HOME: folder,
    TMPDIR: scratch,
    KUBECONFIG: kubeconfig,
    ARGOCD_FAKE_IN_CLUSTER: 'true',
    ARGOCD_GPG_ENABLED: 'false',
    ARGOCD_TLS_DATA_PATH: join(folder, 'tls'),
    ARGOCD_SSH_DATA_PATH: join(folder, 'ssh'),
    ARGOCD_ASK_PASS_SOCK: join(folder, 'ask-pass.sock'),
    ARGOCD_RECONCILIATION_TIMEOUT: `${String(RESYNC_SECONDS)}s`,
    ARGOCD_RECONCILIATION_JITTER: '0s',
  };
  const start = (name: string, port: number, ...command: readonly string[]) =>
    startServer(name, command, port, folder, env);
  const address = (port: number): string => `127.0.0.1:${String(port)}`;
  const argocd = join(programs, 'argocd');
  const servers = [
    await start('redis', redis, 'redis-server', '--bind', '127.0.0.1', '--port', String(redis), '--save', ''),
    await start(
      ...(['repo-server', repo, argocd, 'repo-server', '--redis', address(redis)] as const),
      ...['--address', '127.0.0.1', '--port', String(repo)],
      ...['--metrics-address', '127.0.0.1', '--metrics-port', String(repoMetrics)],
      ...['--disable-tls', '--client-ca-path', '', '--revision-cache-expiration', '1s'],
    ),
    await start(
      ...(['application-controller', metrics, argocd, 'application-controller'] as const),
      ...['--namespace', NAMESPACE, '--redis', address(redis), '--metrics-port', String(metrics)],
      ...['--repo-server', address(repo), '--repo-server-plaintext'],
      // So that the status of an Application has the health of each of its resources.
      '--persist-resource-health',
    ),
  ];
  return {
    stop: async () => {
      for (const server of servers.toReversed()) await server.stop();
    },
  };
}

/** Waits until the port is served; fails with the end of the log. */
async function startServer(
  name: string,
  command: readonly string[],
  port: number,
  folder: string,
  env: NodeJS.ProcessEnv,
): Promise<ArgoCd> {
  const child = spawn('sh', ['-c', UNTIL_STDIN_ENDS, name, ...command], {
    env,
    cwd: folder,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const file = join(folder, `${name}.log`);
  const log = createWriteStream(file);
  child.stdout.pipe(log);
  child.stderr.pipe(log);
  const { promise: ended, resolve } = Promise.withResolvers<undefined>();
  child.once('close', () => resolve(undefined));
  const stop = async (): Promise<void> => {
    child.stdin.end();
    await ended;
  };
  try {
    await eventually(`${name} serves`, async () => isServed(port), { seconds: 60 });
    return { stop };
  } catch (error) {
    await stop();
    const tail = (await readFile(file, 'utf8')).slice(-LOG_TAIL);
    throw new Error(`${command.join(' ')} does not serve; its log ends with:\n${tail}`, { cause: error });
  }
}
