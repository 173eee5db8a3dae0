/** What the command line shows of a run that a budget blocks, and of an installation. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cluster, type Fleet } from '../e2e/cluster.ts';
import { stuckInDrain } from '../e2e/stuck-in-drain.ts';
import { mergePatch, remove, type Manifest } from '../support/controlplane/apply.ts';
import { eventually } from '../support/eventually.ts';
import { writeProxiedKubeconfig } from '../support/network/proxied.ts';
import { TcpProxy } from '../support/network/tcp-proxy.ts';
import { careen, CAREEN, type Ended } from '../support/operator/careen-cli.ts';

const HOSTS = 'careen-hosts';

let cluster: Cluster;
let fleet: Fleet;
let release: () => Promise<void>;
let proxy: TcpProxy;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'careen-show-'));
  cluster = await Cluster.start();
  fleet = await cluster.fleet('show', 2, 1);
  ({ release } = await stuckInDrain(cluster, fleet));
  proxy = await TcpProxy.start(cluster.admin.getCurrentCluster()?.server ?? '');
  const server = `https://127.0.0.1:${String(proxy.port)}`;
  await writeProxiedKubeconfig(cluster.admin, server, join(folder, 'proxied'));
});
afterAll(async () => {
  await proxy.close();
  await cluster.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The words of a command, without the breaks of its lines. */
async function called(...args: string[]): Promise<Ended & { readonly words: string }> {
  const environment = { KUBECONFIG: cluster.plane.kubeconfig, COLUMNS: '80' };
  const ended = await careen(args, { environment });
  return { ...ended, words: ended.out.replaceAll(/\s+/g, ' ') };
}

const nodeNamed = (name: string): Manifest => ({ apiVersion: 'v1', kind: 'Node', metadata: { name } });

/** Starts `careen watch` where its output is no terminal. */
function watching(kubeconfig: string) {
  const child = spawn(CAREEN, ['watch', 'show', '-n', HOSTS], {
    env: { ...process.env, KUBECONFIG: kubeconfig },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  const ended = Promise.withResolvers<number | null>();
  child.once('exit', (code) => ended.resolve(code));
  const says = async (words: string): Promise<true> =>
    eventually(`watch says ${words}`, async () => out.includes(words), { seconds: 40, describe: () => out });
  return { child, says, ended: ended.promise };
}

describe('a run whose drain a budget blocks', () => {
  it('has a status that names the pod, the budget and the remedy', async () => {
    const { words, status } = await called('status', 'show', '-n', HOSTS, '--exit-code');
    expect(words).toContain('show-0 drain');
    expect(words).toContain(
      'PodDisruptionBudget default/stubborn-show-0 forbids to evict default/stubborn-show-0-0 from show-0',
    );
    expect(words).toContain('kubectl -n default describe pdb stubborn-show-0');
    expect(status).toBe(2);
  });

  it('has a row among all strategies', async () => {
    const { words, status } = await called('status');
    expect(words).toContain('careen-hosts/show');
    expect(status).toBe(0);
    expect((await called('status', '-n', 'default')).words).toBe('no strategy in namespace default ');
  });

  it('explains the cordon of its host, and that of another', async () => {
    const ours = await called('explain', 'show-0');
    expect(ours.words).toContain(
      'show-0: cordoned taken by: PatchStrategy careen-hosts/show, out of service',
    );
    expect(ours.words).toContain('drain (migrate-instances-from-host)');
    await mergePatch(cluster.admin, nodeNamed('show-1'), { spec: { unschedulable: true } });
    const theirs = await called('explain', 'show-1');
    await mergePatch(cluster.admin, nodeNamed('show-1'), { spec: { unschedulable: null } });
    expect(theirs.words).toMatch(/cordoned by: \S+, not by Careen, since .* kubectl uncordon show-1/);
  });

  it('names the nearest hosts when there is none of the name', async () => {
    const { status, err } = await called('explain', 'shaw-0');
    expect([status, err]).toEqual([1, 'careen: the cluster has no host shaw-0; it has show-0, show-1\n']);
  });
});

describe('a healthy installation', () => {
  it('has no problem', async () => {
    const { status, words } = await called('doctor');
    expect(words).toContain(' 0 problems, ');
    expect(words).toContain('ok rights of the operator: all of deploy/base/rbac');
    expect(words).toContain('ok namespaces: careen-hosts is prepared');
    expect(status).toBe(0);
  });
});

describe('careen watch', () => {
  it('ends with 130 after an interrupt', async () => {
    const { child, says, ended } = watching(cluster.plane.kubeconfig);
    await says('show-0: drain: ');
    child.kill('SIGINT');
    expect(await ended).toBe(130);
  });

  it('follows the run over a break of the connection until it is applied', async () => {
    const { says, ended } = watching(join(folder, 'proxied'));
    await says('show-0: drain: ');
    proxy.refuse();
    proxy.cut();
    await says('the watch is interrupted, trying again: ');
    proxy.heal();
    await says('the watch continues');
    await release();
    await says('applied: done');
    expect(await ended).toBe(0);
  });
});

describe('a broken installation', () => {
  beforeAll(async () => {
    await cluster.operator.stop();
    await mergePatch(cluster.admin, nodeNamed('show-1'), {
      metadata: { annotations: { 'careen.dev/claim': '{}' } },
    });
    const rbac = { apiVersion: 'rbac.authorization.k8s.io/v1' };
    await remove(cluster.admin, { ...rbac, kind: 'ClusterRoleBinding', metadata: { name: 'careen' } });
    const binding = { name: 'careen-jobs', namespace: HOSTS };
    await remove(cluster.admin, { ...rbac, kind: 'RoleBinding', metadata: binding });
  });

  it('has each problem named, with its remedy', async () => {
    const words = await eventually('the rights are gone', async () => {
      const { status, words: seen } = await called('doctor');
      expect(status).toBe(3);
      return seen.includes('no right to get nodes') && seen.includes('is not prepared') && seen;
    });
    expect(words).toContain('problem operator: none runs');
    expect(words).toContain('kubectl apply -k deploy/base');
    expect(words).toContain('kubectl -n careen-hosts create rolebinding careen-jobs');
    expect(words).toContain('problem host show-1: its annotation careen.dev/claim cannot be read');
    expect(words).toContain('kubectl annotate node show-1 careen.dev/claim-');
  });
});
