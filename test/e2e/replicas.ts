/** Replicas of the operator, each behind a proxy of its own that can hold its requests. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '../support/controlplane/controlplane.ts';
import { HoldingProxy } from '../support/network/holding-proxy.ts';
import { spawnOperator, type RunningOperator } from '../support/operator/operator.ts';
import { writeProxiedKubeconfig } from '../support/network/proxied.ts';

/** Short, so that a test need not wait long for a resync. */
export const RESYNC_SECONDS = 2;

export type Replica = { readonly operator: RunningOperator; readonly proxy: HoldingProxy };

export class Replicas {
  readonly #kubeconfig: string;
  readonly #folder: string;
  readonly #all: Replica[] = [];
  /** The replicas that have not ended, in the order in which they lead. */
  #running: Replica[] = [];
  readonly #frozen = new Set<Replica>();

  private constructor(kubeconfig: string, folder: string) {
    this.#kubeconfig = kubeconfig;
    this.#folder = folder;
  }

  /** Uses the operator's kubeconfig. */
  static async make(kubeconfig: string): Promise<Replicas> {
    return new Replicas(kubeconfig, await mkdtemp(join(tmpdir(), 'careen-replicas-')));
  }

  /** A leader and a standby: running replicas, and new ones for those that ended. */
  async pair(): Promise<{ readonly first: Replica; readonly second: Replica }> {
    for (const { operator } of this.#running.filter((each) => this.#frozen.has(each))) await operator.kill();
    const first = this.#running[0] ?? (await this.#add());
    await first.operator.leads;
    return { first, second: await this.other(first) };
  }

  /** The replica that leads after this one: one that runs, or a new one. */
  async other(replica: Replica): Promise<Replica> {
    return this.#running.find((each) => each !== replica) ?? this.#add();
  }

  /** Stops the process: when it continues, it believes that no time has passed. */
  freeze(replica: Replica): void {
    replica.operator.signal('SIGSTOP');
    this.#frozen.add(replica);
  }

  /** Continues a frozen process. */
  thaw(replica: Replica): void {
    replica.operator.signal('SIGCONT');
    this.#frozen.delete(replica);
  }

  /** Ends all of them, including frozen ones. */
  async close(): Promise<void> {
    for (const { operator, proxy } of this.#all) {
      await operator.kill();
      await proxy.close();
    }
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #add(): Promise<Replica> {
    const name = `careen-${String(this.#all.length + 1)}`;
    const config = connect(this.#kubeconfig);
    const proxy = await HoldingProxy.start(config);
    const file = join(this.#folder, name);
    await writeProxiedKubeconfig(config, proxy.url, file);
    const environment = { POD_NAME: name, CAREEN_RESYNC_SECONDS: String(RESYNC_SECONDS) };
    const replica = { operator: spawnOperator(file, { environment }), proxy };
    this.#all.push(replica);
    this.#running.push(replica);
    void replica.operator.ended.then(() => {
      this.#running = this.#running.filter((each) => each !== replica);
    });
    return replica;
  }
}
