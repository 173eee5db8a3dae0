/**
 * A whole installation for pools of compute hosts: a real OpenStack, a real control plane, and the operator as a process of
 * its own with its own rights. Tests, the benchmark and the demonstration share it.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { HOSTS_NAMESPACE } from '../../../src/crds/names.ts';
import { Fleet } from '../../e2e/cluster.ts';
import { apply, type Manifest } from '../controlplane/apply.ts';
import { connect, startControlPlane, type ControlPlane } from '../controlplane/controlplane.ts';
import type { PatchTable } from '../hosts/host-standin.ts';
import { createNodes } from '../hosts/simulated-nodes.ts';
import { startHostStandin } from '../hosts/start-host-standin.ts';
import {
  allowJobs,
  installCareen,
  startOperator,
  writeOperatorKubeconfig,
  type RunningOperator,
} from '../operator/operator.ts';
import { firmwarePatch, strategyManifest } from '../operator/strategies.ts';
import { Admin } from './admin.ts';
import { cloudSecret, openstackRights, SECRET } from './cloud-secret.ts';
import { startOpenStack, type OpenStack, type OpenStackOptions } from './openstack.ts';

/** As an installation has it: while Nova keeps both processors busy, a renewal may be late. */
const LEASE_SECONDS = '15';

export type OperatedCloudOptions = OpenStackOptions & {
  /** The patches that the Jobs can apply, besides `firmware`. */
  readonly patches?: PatchTable;
  /** Fills the cloud before the operator starts. */
  readonly prepare?: (admin: Admin, openStack: OpenStack) => Promise<void>;
  readonly operatorEnvironment?: Readonly<Record<string, string>>;
};

/** Further fields of the objects that a test makes. */
export type FleetFields = {
  /** Of the pool's spec.provider.openstack. */
  readonly provider?: Readonly<Record<string, unknown>>;
  /** Of the pool's spec. */
  readonly pool?: Readonly<Record<string, unknown>>;
  /** Of the strategy's spec. */
  readonly strategy?: Readonly<Record<string, unknown>>;
};

export class OperatedCloud {
  readonly openStack: OpenStack;
  /** The administrator of the cloud. */
  readonly cloudAdmin: Admin;
  readonly plane: ControlPlane;
  /** The administrator of the cluster. */
  readonly admin: KubeConfig;
  operator: RunningOperator;
  #crashed = Promise.resolve();
  readonly #startOperator: () => Promise<RunningOperator>;
  readonly #stopRest: () => Promise<void>;

  private constructor(
    { openStack, cloudAdmin, plane, admin }: Surroundings,
    operator: RunningOperator,
    startAgain: () => Promise<RunningOperator>,
    stopRest: () => Promise<void>,
  ) {
    this.openStack = openStack;
    this.cloudAdmin = cloudAdmin;
    this.plane = plane;
    this.admin = admin;
    this.operator = operator;
    this.#startOperator = startAgain;
    this.#stopRest = stopRest;
  }

  static async start(options: OperatedCloudOptions = {}): Promise<OperatedCloud> {
    const closing: (() => Promise<unknown>)[] = [];
    const stopRest = async (): Promise<void> => {
      for (const close of closing.splice(0).toReversed()) await close();
    };
    try {
      const folder = await mkdtemp(join(tmpdir(), 'careen-cloud-'));
      closing.push(() => rm(folder, { recursive: true, force: true }));
      const surroundings = await startSurroundings(options, closing);
      const kubeconfig = join(folder, 'kubeconfig');
      await writeOperatorKubeconfig(surroundings.admin, kubeconfig);
      const environment = { CAREEN_LEASE_SECONDS: LEASE_SECONDS, ...options.operatorEnvironment };
      const start = async (): Promise<RunningOperator> => startOperator(kubeconfig, { environment });
      return new OperatedCloud(surroundings, await start(), start, stopRest);
    } catch (error) {
      await stopRest();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.operator.stop();
    await this.#stopRest();
  }

  /** Kills the operator like a crash, and starts it again. Several cases may call it: one crash follows another. */
  async crashOperator(): Promise<void> {
    this.#crashed = this.#crashed.then(async () => {
      await this.operator.kill();
      this.operator = await this.#startOperator();
    });
    return this.#crashed;
  }

  /** A pool of these hosts, by an aggregate of its name, and a strategy on it that is not applied yet. */
  async fleet(name: string, hosts: readonly string[], fields: FleetFields = {}): Promise<Fleet> {
    await this.cloudAdmin.createAggregate(name, hosts);
    await apply(this.admin, poolOf(name, fields));
    const spec = { patches: [firmwarePatch], ...fields.strategy };
    return new Fleet(this, name, hosts, strategyManifest(name, HOSTS_NAMESPACE, spec));
  }
}

type Surroundings = Pick<OperatedCloud, 'openStack' | 'cloudAdmin' | 'plane' | 'admin'>;

async function startSurroundings(
  options: OperatedCloudOptions,
  closing: (() => Promise<unknown>)[],
): Promise<Surroundings> {
  const untilStopped = async <T extends { stop(): Promise<void> }>(start: Promise<T>): Promise<T> => {
    const started = await start;
    closing.push(() => started.stop());
    return started;
  };
  const [openStack, plane] = await allStarted([
    untilStopped(startOpenStack(options)),
    untilStopped(startControlPlane()),
  ]);
  const admin = connect(plane.kubeconfig);
  const cloudAdmin = await Admin.logIn(openStack);
  await cloudAdmin.raiseQuota();
  const prepareCluster = async (): Promise<void> => {
    await installCareen(admin);
    await allowJobs(admin, HOSTS_NAMESPACE);
    await apply(admin, cloudSecret(openStack), ...(await openstackRights()));
    // The Jobs of compute hosts run on any node.
    await createNodes(admin, [{ name: 'runner' }]);
    const patches = { [firmwarePatch.id]: {}, ...options.patches };
    await untilStopped(startHostStandin(admin, { patches, workSeconds: 0.2 }));
  };
  await allStarted([prepareCluster(), options.prepare?.(cloudAdmin, openStack)]);
  return { openStack, cloudAdmin, plane, admin };
}

/** Like Promise.all, but waits for all before it fails: what has started can then be stopped. */
async function allStarted<T extends readonly unknown[]>(
  starts: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(starts);
  return Promise.all(starts);
}

function poolOf(name: string, { provider = {}, pool = {} }: FleetFields): Manifest {
  const openstack = {
    identityRef: { name: SECRET, cloudName: 'lab' },
    hostSelector: { [`aggregate/${name}`]: 'member' },
    ...provider,
  };
  return {
    ...{ apiVersion: 'careen.dev/v1alpha1', kind: 'HostPool', metadata: { name } },
    spec: { provider: { openstack }, maxUnavailable: 1, ...pool },
  };
}
