/** Minimal manifests of strategies and pools for tests. */
import type { Manifest } from '../controlplane/apply.ts';

type Fields = Readonly<Record<string, unknown>>;

const job = {
  template: { spec: { containers: [{ name: 'apply', image: 'registry.example.com/patch:1' }] } },
};

/** A patch that installs a kernel and requires a reboot. */
export const kernelPatch = {
  id: 'kernel-6.12.48',
  rebootRequired: true,
  current: [{ fact: 'nodeInfo.kernelVersion', operator: 'AtLeast', values: ['6.12.48'] }],
  action: { job },
};

/** A patch that takes effect at once. */
export const kubeletPatch = {
  id: 'kubelet-1.36.4',
  current: [{ fact: 'nodeInfo.kubeletVersion', operator: 'AtLeast', values: ['v1.36.4'] }],
  action: { job },
};

/** A patch that no fact shows, as on compute hosts: each run applies it once. */
export const firmwarePatch = { id: 'firmware', rebootRequired: true, action: { job } };

export const QUICK = { settleSeconds: 0, stabilizeSeconds: 0 };

/** A valid strategy; `spec` replaces fields of it. */
export function strategyManifest(name: string, namespace: string, spec: Fields = {}): Manifest {
  return {
    apiVersion: 'careen.dev/v1alpha1',
    kind: 'PatchStrategy',
    metadata: { name, namespace },
    spec: { patches: [kernelPatch], reboot: { job }, timing: QUICK, ...spec },
  };
}

/** An upgrade of the kubelets of all hosts, with staging and hooks; `spec` replaces fields of it. */
export function upgradeManifest(
  name: string,
  namespace: string,
  spec: Fields = {},
): Manifest & { readonly spec: Fields } {
  const each = { action: { job }, stage: { job } };
  return {
    apiVersion: 'careen.dev/v1alpha1',
    kind: 'UpgradeStrategy',
    metadata: { name, namespace },
    spec: {
      release: { version: 'v1.36.4' },
      hosts: { controller: each, worker: each },
      ...{ start: { job }, activate: { job }, complete: { job } },
      timing: QUICK,
      ...spec,
    },
  };
}

/** A session with one action, on all hosts of its pool; `spec` replaces fields of it. */
export function sessionManifest(name: string, spec: Fields = {}): Manifest {
  return {
    apiVersion: 'careen.dev/v1alpha1',
    kind: 'MaintenanceSession',
    metadata: { name, namespace: 'careen-hosts' },
    spec: { actions: [{ plugin: 'maintain', type: 'host', job }], timing: QUICK, ...spec },
  };
}

/** A pool of the nodes with the label `pool: NAME`. */
export function poolManifest(name: string, maxUnavailable: unknown, spec: Fields = {}): Manifest {
  return {
    apiVersion: 'careen.dev/v1alpha1',
    kind: 'HostPool',
    metadata: { name },
    spec: { provider: { kubernetes: { nodeSelector: { pool: name } } }, maxUnavailable, ...spec },
  };
}
