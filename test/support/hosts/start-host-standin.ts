/** Starts the host stand-in with a service account of its own, so that the operator needs none of its rights. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiException, CoreV1Api, RbacAuthorizationV1Api } from '@kubernetes/client-node';
import type { KubeConfig, V1PolicyRule } from '@kubernetes/client-node';
import { EventProcess } from '../event-process.ts';
import type { PatchTable } from './host-standin.ts';
import { writeServiceAccountKubeconfig } from '../controlplane/service-account.ts';

const NAMESPACE = 'careen-standin';
const NAME = 'host-standin';
const SCRIPT = join(import.meta.dirname, 'host-standin.ts');
const RULES: V1PolicyRule[] = [
  { apiGroups: [''], resources: ['pods'], verbs: ['list', 'watch'] },
  { apiGroups: [''], resources: ['pods/status'], verbs: ['patch'] },
  { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'patch'] },
  { apiGroups: [''], resources: ['nodes/status'], verbs: ['patch'] },
];

export type HostStandinOptions = {
  readonly patches?: PatchTable;
  /** The seconds that a pod works before it acts and ends; 0.5 by default. */
  readonly workSeconds?: number;
  /** The duration of a reboot, as a Go duration; `1s` by default. */
  readonly bootDelay?: string;
};

export type RunningStandin = {
  /** Ends the process; pods that it has begun stay as they are. Safe to call twice. */
  stop(): Promise<void>;
};

/** Starts a stand-in and waits until it watches the pods. After `stop()` another can replace it. */
export async function startHostStandin(
  admin: KubeConfig,
  options: HostStandinOptions = {},
): Promise<RunningStandin> {
  const { patches = {}, workSeconds = 0.5, bootDelay = '1s' } = options;
  await makeIdentity(admin);
  const folder = await mkdtemp(join(tmpdir(), 'host-standin-'));
  const kubeconfig = join(folder, 'kubeconfig');
  await writeServiceAccountKubeconfig(admin, NAMESPACE, NAME, kubeconfig);
  const child = new EventProcess(process.execPath, [
    ...[SCRIPT, '--kubeconfig', kubeconfig, '--patches', JSON.stringify(patches)],
    ...['--work-seconds', String(workSeconds), '--boot-delay', bootDelay],
  ]);
  const stop = async (): Promise<void> => {
    await child.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await child.event(({ event }) => event === 'watching');
    return { stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function makeIdentity(admin: KubeConfig): Promise<void> {
  const core = admin.makeApiClient(CoreV1Api);
  const rbac = admin.makeApiClient(RbacAuthorizationV1Api);
  const metadata = { name: NAME };
  await unlessThere(core.createNamespace({ body: { metadata: { name: NAMESPACE } } }));
  await unlessThere(core.createNamespacedServiceAccount({ namespace: NAMESPACE, body: { metadata } }));
  await unlessThere(rbac.createClusterRole({ body: { metadata, rules: RULES } }));
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: NAME };
  const subjects = [{ kind: 'ServiceAccount', name: NAME, namespace: NAMESPACE }];
  await unlessThere(rbac.createClusterRoleBinding({ body: { metadata, roleRef, subjects } }));
}

async function unlessThere(creation: Promise<unknown>): Promise<void> {
  await creation.catch((error: unknown) => {
    if (!(error instanceof ApiException && error.code === 409)) throw error;
  });
}
