/** The kubectl commands of people while Careen works. */
import {
  CoreV1Api,
  PatchStrategy,
  setHeaderOptions,
  type KubeConfig,
  type V1Taint,
} from '@kubernetes/client-node';
import { ABORT_ANNOTATION, REQUEST_ANNOTATION } from '../../src/crds/names.ts';
import { AdmissionError, mergePatch, replaceStatus, type Manifest } from '../support/controlplane/apply.ts';
import { eventually } from '../support/eventually.ts';

export async function cordon(admin: KubeConfig, host: string): Promise<void> {
  await mergePatch(admin, node(host), { spec: { unschedulable: true } });
}

export async function uncordon(admin: KubeConfig, host: string): Promise<void> {
  await mergePatch(admin, node(host), { spec: { unschedulable: null } });
}

export async function deleteNode(admin: KubeConfig, host: string): Promise<void> {
  await admin.makeApiClient(CoreV1Api).deleteNode({ name: host });
}

/** Replaces the taints of a node by those that `change` makes of them. */
export async function changeTaints(
  admin: KubeConfig,
  host: string,
  change: (taints: readonly V1Taint[]) => readonly V1Taint[],
): Promise<void> {
  const core = admin.makeApiClient(CoreV1Api);
  await unlessBetween(async () => {
    const { metadata, spec } = await core.readNode({ name: host });
    const { resourceVersion } = metadata ?? {};
    const taints = change(spec?.taints ?? []);
    await mergePatch(admin, node(host), { metadata: { resourceVersion }, spec: { taints } });
  });
}

/** Reports a condition of a node that is True from now on, as an agent on it does. */
export async function reportProblem(admin: KubeConfig, host: string, type: string): Promise<void> {
  const now = new Date().toISOString();
  const at = { lastHeartbeatTime: now, lastTransitionTime: now };
  const condition = { type, status: 'True', reason: 'DockerHung', message: 'task docker:7 blocked', ...at };
  await admin
    .makeApiClient(CoreV1Api)
    .patchNodeStatus(
      { name: host, body: { status: { conditions: [condition] } } },
      setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch),
    );
}

/** Places a request on a strategy; a text is placed as it is, also an unreadable one. */
export async function request(
  admin: KubeConfig,
  strategy: Manifest,
  wish: string | { readonly id: string; readonly verb: string; readonly [field: string]: unknown },
): Promise<void> {
  const value = typeof wish === 'string' ? wish : JSON.stringify(wish);
  await mergePatch(admin, strategy, { metadata: { annotations: { [REQUEST_ANNOTATION]: value } } });
}

/** Requests an abort: an id, and after a slash the stage for an abort of one stage. */
export async function abort(admin: KubeConfig, strategy: Manifest, wish: string): Promise<void> {
  await mergePatch(admin, strategy, { metadata: { annotations: { [ABORT_ANNOTATION]: wish } } });
}

/** Empties a status, like `kubectl replace --subresource=status` with a manifest from a backup. */
export async function wipeStatus(admin: KubeConfig, target: Manifest): Promise<void> {
  await unlessBetween(async () => replaceStatus(admin, target, {}));
}

/** Repeats a guarded write until nobody else has written in between. */
async function unlessBetween(write: () => Promise<void>): Promise<void> {
  await eventually('a write that nobody comes between', async () =>
    write().then(
      () => true,
      (error: unknown) => {
        if (error instanceof AdmissionError && error.message.includes('has been modified')) return false;
        throw error;
      },
    ),
  );
}

function node(name: string): Manifest {
  return { apiVersion: 'v1', kind: 'Node', metadata: { name } };
}
