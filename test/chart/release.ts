/** Releases of the charts in a cluster, by a real helm. */
import { globSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { OPERATOR_NAMESPACE } from '../../src/crds/names.ts';
import { apply, type Manifest } from '../support/controlplane/apply.ts';
import { CHART, CRDS_CHART, run } from '../support/controlplane/tools.ts';

/** Long enough for a busy machine. */
const WAIT = ['--wait', '--timeout', '3m'];

/** The charts of this repository. */
export const CURRENT = { crds: CRDS_CHART, careen: CHART };
/** The charts of the previous version (previous/README.md). */
export const PREVIOUS = { crds: packaged('careen-crds-*.tgz'), careen: packaged('careen-[0-9]*.tgz') };

function packaged(pattern: string): string {
  const folder = join(import.meta.dirname, 'previous');
  const [file, ...others] = globSync(pattern, { cwd: folder });
  if (file === undefined || others.length > 0)
    throw new Error(`${folder} must have one file ${pattern}, the chart of the last release`);
  return join(folder, file);
}

export class Helm {
  readonly #kubeconfig: string;

  constructor(kubeconfig: string) {
    this.#kubeconfig = kubeconfig;
  }

  /** Installs or upgrades a release, and waits until it is ready. */
  async upgrade(release: string, chart: string, ...further: string[]): Promise<string> {
    return this.#run(['upgrade', '--install', release, chart, ...WAIT, ...further]);
  }

  /** Goes back to an earlier revision of a release. */
  async rollback(release: string, revision: number): Promise<string> {
    return this.#run(['rollback', release, String(revision), ...WAIT]);
  }

  async uninstall(release: string): Promise<string> {
    return this.#run(['uninstall', release, ...WAIT]);
  }

  async #run(args: readonly string[]): Promise<string> {
    return run('helm', [...args, '--namespace', OPERATOR_NAMESPACE, '--kubeconfig', this.#kubeconfig]);
  }
}

/** Makes a namespace where only restricted pods run, as the guide requires before an installation. */
export async function makeNamespace(admin: KubeConfig): Promise<void> {
  const levels = ['enforce', 'warn', 'audit'].map((mode) => [
    `pod-security.kubernetes.io/${mode}`,
    'restricted',
  ]);
  const namespace: Manifest = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: OPERATOR_NAMESPACE, labels: Object.fromEntries(levels) },
  };
  await apply(admin, namespace);
}
