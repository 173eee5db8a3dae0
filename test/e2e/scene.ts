/** An installation with replicas of the operator, and a witness of all their writes. */
import { eventually } from '../support/eventually.ts';
import { Cluster, type Fleet } from './cluster.ts';
import { leftovers } from './invariants.ts';
import { Replicas, RESYNC_SECONDS } from './replicas.ts';
import { Witness } from './witness.ts';

export class Scene {
  readonly cluster: Cluster;
  readonly replicas: Replicas;
  readonly witness: Witness;

  private constructor(cluster: Cluster, replicas: Replicas, witness: Witness) {
    this.cluster = cluster;
    this.replicas = replicas;
    this.witness = witness;
  }

  static async start(): Promise<Scene> {
    const made = Promise.withResolvers<Replicas>();
    const cluster = await Cluster.start(async (kubeconfig) => {
      const replicas = await Replicas.make(kubeconfig);
      made.resolve(replicas);
      return (await replicas.pair()).first.operator;
    });
    return new Scene(cluster, await made.promise, await Witness.start(cluster.admin));
  }

  async stop(): Promise<void> {
    this.witness.stop();
    await this.replicas.close();
    await this.cluster.stop();
  }
}

/** Waits until everything is as after a run, for one resync at most. */
export async function untilSwept(fleet: Fleet): Promise<void> {
  let seen: readonly string[] = [];
  const isSwept = async (): Promise<boolean> => {
    seen = leftovers(await fleet.nodes(), await fleet.poolStatus(), await fleet.jobs());
    return seen.length === 0;
  };
  const options = { seconds: RESYNC_SECONDS + MARGIN_SECONDS, describe: () => seen };
  await eventually('nothing is left of the run', isSwept, options);
}

/** For a busy machine. */
const MARGIN_SECONDS = 8;
