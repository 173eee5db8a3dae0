/** The kubectl commands of people while Careen works. */
import { CoreV1Api, type KubeConfig } from '@kubernetes/client-node';
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
  await eventually('a write that nobody comes between', async () =>
    replaceStatus(admin, target, {}).then(
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
