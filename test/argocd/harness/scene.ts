/** A cluster with simulated hosts, a running Argo CD, and a git repository with the examples. Argo CD installs Careen. */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CoreV1Api, type KubeConfig, type V1Node } from '@kubernetes/client-node';
import { z } from 'zod';
import { HOSTS_NAMESPACE } from '../../../src/crds/names.ts';
import { strategyStatus } from '../../../src/crds/observed/strategy-status.ts';
import { apply, parseManifests, read, type Manifest } from '../../support/controlplane/apply.ts';
import { connect, startControlPlane } from '../../support/controlplane/controlplane.ts';
import { DEPLOY } from '../../support/controlplane/installation.ts';
import { eventually } from '../../support/eventually.ts';
import { createNodes } from '../../support/hosts/simulated-nodes.ts';
import { startHostStandin } from '../../support/hosts/start-host-standin.ts';
import { startOperator, writeOperatorKubeconfig } from '../../support/operator/operator.ts';
import { applySettings } from '../../gitops/settings.ts';
import { installArgoCd, startArgoCd } from './argo-cd.ts';
import { Repository, startGitServer } from './git-server.ts';

const ROOT = join(DEPLOY, '..');
const ADDRESS = /https:\/\/github\.com\/careen-dev\/careen/g;
export const OLD_KERNEL = '6.12.41';

const healthSchema = z.looseObject({
  status: z.string().default('Unknown'),
  message: z.string().default(''),
  lastTransitionTime: z.string().default(''),
});
const applicationSchema = z.looseObject({
  metadata: z.looseObject({
    creationTimestamp: z.string(),
    deletionTimestamp: z.string().optional(),
  }),
  spec: z.looseObject({ source: z.looseObject({ targetRevision: z.string() }) }),
  status: z
    .looseObject({
      health: healthSchema.prefault({}),
      sync: z
        .looseObject({
          status: z.string().default('Unknown'),
          comparedTo: z
            .looseObject({ source: z.looseObject({ targetRevision: z.string().default('') }).prefault({}) })
            .prefault({}),
        })
        .prefault({}),
      operationState: z.looseObject({ phase: z.string(), message: z.string().default('') }).optional(),
      conditions: z.array(z.looseObject({ type: z.string(), message: z.string() })).default([]),
      history: z.array(z.looseObject({ id: z.int().default(0) })).default([]),
      resources: z
        .array(
          z.looseObject({
            kind: z.string(),
            name: z.string(),
            status: z.string().optional(),
            health: healthSchema.optional(),
          }),
        )
        .default([]),
    })
    .prefault({}),
});
export type Application = z.infer<typeof applicationSchema>;

const strategySchema = z.looseObject({
  metadata: z.looseObject({
    generation: z.int(),
    deletionTimestamp: z.string().optional(),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
  spec: z.looseObject({ execution: z.looseObject({ mode: z.string() }) }),
  status: strategyStatus.default({}),
});
export type Strategy = z.infer<typeof strategySchema>;

export class ArgoScene {
  readonly admin: KubeConfig;
  readonly repository: Repository;
  readonly #closing: (() => Promise<unknown>)[];

  private constructor(admin: KubeConfig, repository: Repository, closing: (() => Promise<unknown>)[]) {
    this.admin = admin;
    this.repository = repository;
    this.#closing = closing;
  }

  /** Everything but the root Application. Two hosts are canaries, two are not. */
  static async start(): Promise<ArgoScene> {
    const closing: (() => Promise<unknown>)[] = [];
    const folder = await mkdtemp(join(tmpdir(), 'careen-argocd-'));
    if (!process.env['CAREEN_KEEP_LOGS']) closing.push(() => rm(folder, { recursive: true, force: true }));
    const plane = await startControlPlane();
    closing.push(() => plane.stop());
    const admin = connect(plane.kubeconfig);
    const named = (name: string, labels: Record<string, string>) =>
      [0, 1].map((i) => ({
        name: `${name}-${String(i)}`,
        labels,
        kernelVersion: OLD_KERNEL,
        kubeletVersion: 'v1.36.3',
      }));
    await createNodes(admin, [...named('canary', { pool: 'canary' }), ...named('worker', {})]);
    const standin = await startHostStandin(admin, { workSeconds: 1, bootDelay: '500ms' });
    closing.push(() => standin.stop());

    const git = await startGitServer(folder);
    closing.push(() => git.stop());
    const repository = await Repository.create(git, folder, ROOT, ['deploy', 'examples/argocd']);
    await installArgoCd(admin);
    await applySettings(admin);
    const state = join(folder, 'argocd');
    await mkdir(state);
    const argo = await startArgoCd(plane.kubeconfig, state);
    closing.push(() => argo.stop());
    const scene = new ArgoScene(admin, repository, closing);
    await scene.#adoptAddresses();
    void scene.#operatorOnceInstalled(join(folder, 'operator.kubeconfig'));
    return scene;
  }

  /** As the guide says: the address of one's own repository in root.yaml and apps/. */
  async #adoptAddresses(): Promise<void> {
    for (const file of ['root.yaml', ...APPS.map((app) => `apps/${app}.yaml`)])
      await this.repository.edit(`examples/argocd/${file}`, (text) =>
        text.replaceAll(ADDRESS, this.repository.url),
      );
    await this.repository.edit('examples/argocd/root.yaml', (text) =>
      text.replace(/targetRevision: .*/, 'targetRevision: main'),
    );
    // Hosts need no time to settle here.
    await this.repository.edit(
      'examples/argocd/strategies/base/patch-strategy.yaml',
      (text) => `${text}  timing: { settleSeconds: 0, stabilizeSeconds: 0 }\n`,
    );
  }

  async #operatorOnceInstalled(kubeconfig: string): Promise<void> {
    await eventually('Argo CD has installed the operator', async () => this.#isSynced('careen'), {
      seconds: 120,
    });
    await writeOperatorKubeconfig(this.admin, kubeconfig);
    // No other replica takes over here: a busy machine must not end the only one.
    const operator = await startOperator(kubeconfig, { environment: { CAREEN_LEASE_SECONDS: '60' } });
    this.#closing.push(() => operator.stop());
  }

  async #isSynced(name: string): Promise<boolean> {
    return (await this.application(name))?.status.sync.status === 'Synced';
  }

  async stop(): Promise<void> {
    for (const close of this.#closing.toReversed()) await close();
  }

  /** Applies the root Application: all that a person does by hand. */
  async applyRoot(): Promise<void> {
    const text = await readFile(join(this.repository.tree, 'examples', 'argocd', 'root.yaml'), 'utf8');
    await apply(this.admin, ...parseManifests(text));
  }

  async application(name: string): Promise<Application | undefined> {
    const object = await read(this.admin, applicationNamed(name));
    return object === undefined ? undefined : applicationSchema.parse(object);
  }

  async strategy(name: string): Promise<Strategy | undefined> {
    const object = await read(this.admin, strategyNamed(name));
    return object === undefined ? undefined : strategySchema.parse(object);
  }

  /** Waits until the Application fits; fails with its last state. */
  async until(
    name: string,
    what: string,
    fits: (application: Application) => boolean,
    seconds = 90,
  ): Promise<Application> {
    let seen: Application | undefined;
    const look = async (): Promise<Application | false> => {
      seen = await this.application(name);
      return seen !== undefined && fits(seen) && seen;
    };
    return eventually(`${name}: ${what}`, look, { seconds, describe: () => brief(seen) });
  }

  async nodes(prefix: string): Promise<V1Node[]> {
    const { items } = await this.admin.makeApiClient(CoreV1Api).listNode();
    return items.filter(({ metadata }) => metadata?.name?.startsWith(prefix));
  }

  async kernels(prefix: string): Promise<unknown[]> {
    return (await this.nodes(prefix)).map(({ status }) => status?.nodeInfo?.kernelVersion);
  }
}

/** The Applications that the root makes, by the names of their files. */
export const APPS = ['0-crds', '1-operator', '2-pools', '3-canary', '4-workers'] as const;

export function applicationNamed(name: string): Manifest {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name, namespace: 'argocd' },
  };
}

export function strategyNamed(name: string): Manifest {
  return {
    apiVersion: 'careen.dev/v1alpha1',
    kind: 'PatchStrategy',
    metadata: { name, namespace: HOSTS_NAMESPACE },
  };
}

/** The health that Argo CD shows for the one strategy of an Application. */
export function shownHealth({
  status,
}: Application): { readonly status: string; readonly message: string } | undefined {
  return status.resources.find(({ kind }) => kind === 'PatchStrategy')?.health;
}

function brief(application: Application | undefined): unknown {
  if (!application) return 'it does not exist';
  const { health, sync, operationState, conditions, resources } = application.status;
  const unwell = resources.filter((each) => each.status !== 'Synced' || each.health?.status !== 'Healthy');
  return { health, sync: sync.status, operation: operationState?.message, conditions, unwell };
}
