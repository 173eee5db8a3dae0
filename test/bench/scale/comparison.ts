/** Other programs on hosts of the same fleet, after the strategy: the limit program, and `kubectl drain`. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { KubeConfig } from '@kubernetes/client-node';
import { z } from 'zod';
import { apply } from '../../support/controlplane/apply.ts';
import { writeServiceAccountKubeconfig } from '../../support/controlplane/service-account.ts';
import { run } from '../../support/controlplane/tools.ts';
import { COMPARED_NAMESPACE } from './audit-log.ts';
import { AT_ONCE, makePods } from './fleet.ts';
import { endedChildrenCpuSeconds } from './operator-cost.ts';

/** The programs, named like their service accounts. */
export const COMPARED = ['limit', 'drain'] as const;
export type Compared = (typeof COMPARED)[number];

/** Neither program does anything that depends on the number of hosts. */
const HOSTS = 100;

export type Comparison = {
  readonly program: Compared;
  readonly hosts: number;
  readonly from: number;
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
};

/** Runs both programs, each on new pods. */
export async function compare(
  admin: KubeConfig,
  folder: string,
  fleet: readonly string[],
  podsPerHost: number,
): Promise<Comparison[]> {
  const hosts = fleet.slice(0, HOSTS);
  const results: Comparison[] = [];
  for (const program of COMPARED) {
    const kubeconfig = await accountOf(admin, program, folder);
    await makePods(admin, hosts, podsPerHost);
    const from = Date.now();
    const cpuSeconds = await (program === 'limit' ? limit(kubeconfig, hosts) : drain(kubeconfig, hosts));
    results.push({ program, hosts: hosts.length, from, wallSeconds: (Date.now() - from) / 1000, cpuSeconds });
  }
  return results;
}

async function limit(kubeconfig: string, hosts: readonly string[]): Promise<number> {
  const program = join(import.meta.dirname, 'limit-program.ts');
  const args = [program, kubeconfig, 'kernel-6.12.49', String(AT_ONCE), ...hosts];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return z.object({ cpuSeconds: z.number() }).parse(JSON.parse(stdout)).cpuSeconds;
}

/** Drains as many hosts at once as the strategy did, and uncordons them; there is no action in between. */
async function drain(kubeconfig: string, hosts: readonly string[]): Promise<number> {
  const before = await endedChildrenCpuSeconds();
  const queue = hosts.values();
  const worker = async (): Promise<void> => {
    for (const host of queue) {
      await run('kubectl', ['--kubeconfig', kubeconfig, 'drain', host, '--force', '--ignore-daemonsets']);
      await run('kubectl', ['--kubeconfig', kubeconfig, 'uncordon', host]);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return (await endedChildrenCpuSeconds()) - before;
}

/** A service account with all rights, so that the audit log distinguishes the programs. */
async function accountOf(admin: KubeConfig, name: Compared, folder: string): Promise<string> {
  const namespace = COMPARED_NAMESPACE;
  await apply(
    admin,
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: `${namespace}-${name}` },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    },
  );
  const kubeconfig = join(folder, `${name}.kubeconfig`);
  await writeServiceAccountKubeconfig(admin, namespace, name, kubeconfig);
  return kubeconfig;
}
