/** The fault load of a run: requests that fail or are slow, and an API server that is killed and restarted. */
import type { KubeConfig } from '@kubernetes/client-node';
import { send } from '../../../src/kube/client.ts';
import type { ControlPlane } from '../../support/controlplane/controlplane.ts';
import { eventually } from '../../support/eventually.ts';
import { HoldingProxy, statusAnswer, type Match } from '../../support/network/holding-proxy.ts';

const FAILS_ONE_IN = 100;
const SLOW_ONE_IN = 20;
const SLOW_MS = 1000;
/** The parts of the run after which the API server is killed, in percent. */
const RESTARTS_AT = [33, 66];

export class FaultLoad {
  readonly proxy: HoldingProxy;
  readonly #plane: ControlPlane;
  readonly #admin: KubeConfig;
  #restarts = 0;
  #failed = 0;

  private constructor(proxy: HoldingProxy, plane: ControlPlane, admin: KubeConfig) {
    this.proxy = proxy;
    this.#plane = plane;
    this.#admin = admin;
  }

  static async start(plane: ControlPlane, admin: KubeConfig): Promise<FaultLoad> {
    return new FaultLoad(await HoldingProxy.start(admin), plane, admin);
  }

  /**
   * From now on one request in 100 fails and one in 20 is slow. Of those that fail a quarter each is refused with 500,
   * 503 and 429, and carried out with an answer of 504.
   */
  begin(): void {
    let count = 0;
    this.proxy.notice(() => count++);
    const failsAs = (kind: number): Match => {
      const kinds = 4;
      return ({ query }) => {
        const fails =
          query.get('watch') !== 'true' &&
          count % FAILS_ONE_IN === 0 &&
          (count / FAILS_ONE_IN) % kinds === kind;
        if (fails) this.#failed++;
        return fails;
      };
    };
    this.proxy.respond(failsAs(0), statusAnswer(500, 'InternalError'), Infinity);
    this.proxy.respond(failsAs(1), statusAnswer(503, 'ServiceUnavailable'), Infinity);
    this.proxy.respond(failsAs(2), statusAnswer(429, 'TooManyRequests', 1), Infinity);
    this.proxy.misreport(failsAs(3), statusAnswer(504, 'Timeout'), Infinity);
    this.proxy.slow(() => count % SLOW_ONE_IN === SLOW_ONE_IN / 2, SLOW_MS, Infinity);
  }

  /** Kills and restarts the API server when the run has come so far. */
  async progressed(percent: number): Promise<void> {
    if (percent < (RESTARTS_AT[this.#restarts] ?? Infinity)) return;
    this.#restarts++;
    await this.#plane.command('kill apiserver');
    this.proxy.cut();
    await this.#plane.command('start apiserver');
    const isReady = async (): Promise<boolean> => {
      const { body } = await send(this.#admin, { method: 'GET', path: '/readyz' });
      await body?.cancel();
      return true;
    };
    await eventually('the API server serves', () => isReady().catch(() => false), { seconds: 120 });
  }

  get restarts(): number {
    return this.#restarts;
  }

  get failed(): number {
    return this.#failed;
  }
}
