/** An installation for disturbed runs: the operator behind a proxy, restarted whenever it ends. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { send } from '../../src/kube/client.ts';
import { remove, type Manifest } from '../support/controlplane/apply.ts';
import { auditIn } from '../support/audit/audit.ts';
import { connect } from '../support/controlplane/controlplane.ts';
import { eventually } from '../support/eventually.ts';
import { HoldingProxy, type Match } from '../support/network/holding-proxy.ts';
import { keepOperator, type KeptOperator } from '../support/operator/kept-operator.ts';
import { writeProxiedKubeconfig } from '../support/network/proxied.ts';
import { writeClass, type Unlisted, type WriteClass } from '../support/audit/write-class.ts';
import { Cluster } from '../e2e/cluster.ts';
import { DisturbedRun, type Ending } from './disturbed-run.ts';

const LEASE: Manifest = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name: 'careen', namespace: 'careen-system' },
};
const RESYNC_SECONDS = 2;

/** For a disturbance by the very last write: the run may end before it. */
const GRACE_MS = 5_000;

type Fields = Readonly<Record<string, unknown>>;
export type Disturbance = (run: DisturbedRun) => Promise<void>;
export type KillPoint = {
  readonly write: WriteClass;
  /** Which one of its class, from 1. */
  readonly nth?: number;
  /** Whether the operator receives the answer to the write. */
  readonly heard?: boolean;
};

type Parts = {
  readonly proxy: HoldingProxy;
  readonly operator: KeptOperator;
};

export class FaultScene {
  readonly cluster: Cluster;
  readonly proxy: HoldingProxy;
  readonly operator: KeptOperator;
  /** The operator's requests to the API server. */
  readonly auditLog: string;
  readonly #folder: string;
  #runs = 0;

  private constructor(cluster: Cluster, { proxy, operator }: Parts, auditLog: string, folder: string) {
    this.cluster = cluster;
    this.proxy = proxy;
    this.operator = operator;
    this.auditLog = auditLog;
    this.#folder = folder;
  }

  /** `leaseSeconds`: a leader that cannot renew its Lease ends after two thirds of it. */
  static async start(leaseSeconds: number): Promise<FaultScene> {
    const folder = await mkdtemp(join(tmpdir(), 'careen-faults-'));
    const { args, logFile } = await auditIn(process.env['CAREEN_AUDIT_DIR'] ?? folder);
    const made = Promise.withResolvers<Parts>();
    const cluster = await Cluster.start(async (kubeconfig) => {
      const admin = connect(kubeconfig);
      const proxy = await HoldingProxy.start(admin);
      const file = join(folder, 'operator.kubeconfig');
      await writeProxiedKubeconfig(admin, proxy.url, file);
      const environment = {
        CAREEN_LEASE_SECONDS: String(leaseSeconds),
        CAREEN_RESYNC_SECONDS: String(RESYNC_SECONDS),
      };
      const operator = keepOperator(file, { environment, beforeRestart: async () => scene.#vacate() });
      made.resolve({ proxy, operator });
      await operator.leads;
      return operator;
    }, args);
    const scene = new FaultScene(cluster, await made.promise, logFile, folder);
    return scene; // also to the operator's keeper, above
  }

  async stop(): Promise<void> {
    await this.cluster.stop();
    await this.proxy.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Completes a run undisturbed: returns its end and its writes. */
  async reference(): Promise<Ending & { readonly writes: readonly (WriteClass | Unlisted)[] }> {
    const writes: (WriteClass | Unlisted)[] = [];
    this.proxy.notice((request) => {
      const write = writeClass(request);
      if (write !== undefined) writes.push(write);
    });
    return { ...(await this.run()), writes };
  }

  /** Completes a run of `spec`, disturbed by `disturb`. */
  async run(disturb: Disturbance = async () => Promise.resolve(), spec: Fields = {}): Promise<Ending> {
    this.#runs++;
    const run = await DisturbedRun.prepare(this, `run-${String(this.#runs).padStart(3, '0')}`);
    try {
      const ending = await this.#toTheEnd(run, disturb, spec);
      this.proxy.reset();
      await run.remove();
      return ending;
    } catch (error) {
      this.proxy.reset();
      await run.remove().catch(() => undefined); // the first error counts
      throw error;
    }
  }

  /** Resolves when the nth write of a class from now on was carried out, before the operator receives the answer. */
  async carriedOut(write: WriteClass, nth = 1): Promise<{ deliver: () => void }> {
    let seen = 0;
    // Counted on arrival: others may pass while one is held.
    const isNth: Match = (request) => writeClass(request) === write && ++seen >= nth;
    for (;;) {
      const held = await this.proxy.hold(isNth);
      const answer = await held.carryOut();
      if (answer.status < 300) return answer;
      answer.deliver(); // the operator repeats the write
    }
  }

  /** Kills the operator right after the API server has carried out a write. */
  async killAfter({ write, nth, heard = false }: KillPoint): Promise<void> {
    const { deliver } = await this.carriedOut(write, nth);
    if (heard) deliver();
    await this.operator.kill();
  }

  /** Kills the API server, and with it all connections, and waits until it serves again. */
  async restartApiServer(): Promise<void> {
    const { plane, admin } = this.cluster;
    await plane.command('kill apiserver');
    this.proxy.cut();
    await plane.command('start apiserver');
    const isReady = async (): Promise<boolean> => {
      const { body } = await send(admin, { method: 'GET', path: '/readyz' });
      await body?.cancel();
      return true;
    };
    await eventually('the API server serves', async () => isReady().catch(() => false));
  }

  async #toTheEnd(run: DisturbedRun, disturb: Disturbance, spec: Fields): Promise<Ending> {
    const over = Promise.withResolvers<undefined>();
    this.proxy.notice((request) => {
      if (writeClass(request) === 'strategy: applied') over.resolve(undefined);
    });
    const disturbed = disturb(run).then(() => true);
    await run.begin(spec);
    // The API server may be away until then, so the end of the run is not read from it.
    const inVain = over.promise.then(async () => delay(GRACE_MS, false));
    const wasDisturbed = await Promise.race([disturbed, inVain]);
    return { ...(await run.end()), wasDisturbed };
  }

  /** The process is dead, so no test need wait for the end of its Lease; other tests do that. */
  async #vacate(): Promise<void> {
    await remove(this.cluster.admin, LEASE).catch(() => undefined); // the API server is away: it lapses after all
  }
}
