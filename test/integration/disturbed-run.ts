/** One run on three hosts, with a pod on each, that a test disturbs. */
import { readFile } from 'node:fs/promises';
import { read, remove, type Manifest } from '../support/controlplane/apply.ts';
import { accountOf, type Account } from '../support/audit/audited-writes.ts';
import { eventually } from '../support/eventually.ts';
import { deleteNodes } from '../support/hosts/simulated-nodes.ts';
import type { Cluster, Fleet } from '../e2e/cluster.ts';
import { leftovers } from '../e2e/invariants.ts';
import { StatefulPod } from '../e2e/workload.ts';
import { endState, type EndState } from './end-state.ts';
import type { FaultScene } from './fault-scene.ts';

/** Two of three hosts at once: so there are two hosts side by side, and a second stage after a first. */
const HOSTS = 3;
const AT_ONCE = 2;
const SPEC = {
  workerApplyType: 'parallel',
  maxParallelWorkerHosts: AT_ONCE,
  execution: { mode: 'Run' },
};
const END_SECONDS = 90;
/** The pool's counts of its hosts follow within a second, the removal of leftovers within a resync. */
const SETTLED_SECONDS = 20;

/** The end of a run, and the requests to the API server for it. */
export type Ending = {
  readonly state: EndState;
  readonly account: Account;
  /** Whether the disturbance came before the end of the run. */
  readonly wasDisturbed: boolean;
};

export class DisturbedRun {
  readonly fleet: Fleet;
  readonly #scene: FaultScene;

  private constructor(scene: FaultScene, fleet: Fleet) {
    this.#scene = scene;
    this.fleet = fleet;
  }

  /** Creates the hosts and their pods, without any work for the operator yet. */
  static async prepare(scene: FaultScene, name: string): Promise<DisturbedRun> {
    const fleet = await scene.cluster.fleet(name, HOSTS, AT_ONCE);
    await Promise.all(fleet.hosts.map((host) => StatefulPod.start(scene.cluster.admin, host, host)));
    return new DisturbedRun(scene, fleet);
  }

  async begin(spec: Readonly<Record<string, unknown>> = {}): Promise<void> {
    await this.fleet.apply({ ...SPEC, ...spec });
  }

  /** Waits for the end, and until nothing is left to do after it. */
  async end(): Promise<Omit<Ending, 'wasDisturbed'>> {
    await this.fleet.untilState('applied', END_SECONDS);
    let seen: unknown;
    const isSettled = async (): Promise<boolean> => {
      const { fleet } = this;
      const [pool, nodes] = [await fleet.poolStatus(), await fleet.nodes()];
      const jobs = await fleet.jobs();
      const left = [...leftovers(nodes, pool, jobs), ...jobs.map(({ metadata }) => metadata?.name)];
      // Kubernetes has its own taints on hosts that are not Ready, and removes them a little later.
      const taints = nodes.flatMap(({ spec }) => spec?.taints?.map(({ key }) => key) ?? []);
      seen = { left, taints, outOfService: pool.outOfService };
      return left.length === 0 && taints.length === 0 && pool.outOfService?.count === 0;
    };
    const options = { seconds: SETTLED_SECONDS, describe: () => seen };
    await eventually('nothing is left of the run', isSettled, options);
    return { state: await endState(this.#cluster.admin, this.fleet), account: await this.#wholeAccount() };
  }

  /** Removes everything made for the run, so that the next run is alone. */
  async remove(): Promise<void> {
    const { admin } = this.#cluster;
    const isGone = async (): Promise<boolean> => (await read(admin, this.fleet.strategy)) === undefined;
    await remove(admin, this.fleet.strategy);
    await eventually('the strategy is gone', isGone);
    await remove(admin, this.fleet.poolObject);
    for (const host of this.fleet.hosts) await remove(admin, statefulSet(host));
    await deleteNodes(admin, this.fleet.hosts);
  }

  get #cluster(): Cluster {
    return this.#scene.cluster;
  }

  /** The requests to the API server for the run, as far as the audit log has them. */
  async account(): Promise<Account> {
    const log = await readFile(this.#scene.auditLog, 'utf8');
    const { poolName: pool, hosts } = this.fleet;
    const pods = hosts.map((host) => `${host}-0`);
    const whole = log.split('\n').filter((line) => line.endsWith('}'));
    return accountOf(whole, { pool, hosts }, pods);
  }

  /** The log has a write a moment after its answer was sent, so it is read until it has the last write. */
  async #wholeAccount(): Promise<Account> {
    let account: Account | undefined;
    return eventually(
      'the audit log is complete',
      async () => {
        account = await this.account();
        return account.claims >= HOSTS && account.evictions >= HOSTS && account;
      },
      { describe: () => account },
    );
  }
}

function statefulSet(name: string): Manifest {
  return { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name, namespace: 'default' } };
}
