import k8sOperator from '@dot-i/k8s-operator';
import type { ResourceEvent } from '@dot-i/k8s-operator';
import type { Logger } from 'pino';
import { z } from 'zod';
import { GROUP, VERSION } from '../crds/names.ts';
import type { HostOps } from '../hostops/port.ts';
import { CareenApi, ConflictError } from './careen-api.ts';
import { patchStrategyReconciler } from './reconcile-patch-strategy.ts';
import { OperatorShell, type ShellDeps } from './shell.ts';
import { WorkQueue } from './work-queue.ts';

const STRATEGIES_AT_ONCE = 4;

export type OperatorDeps = ShellDeps & {
  readonly hosts: HostOps;
  readonly log: Logger;
  readonly newId: () => string;
};

const poolRef = z.looseObject({ spec: z.looseObject({ poolRef: z.string() }) });

/** Wires the watches of our resources to the queue, and the queue to the reconciler. */
export class CareenOperator extends OperatorShell {
  readonly #queue: WorkQueue;
  /** The pool of each strategy, so that a pool's change wakes those that wait for it. */
  readonly #poolOf = new Map<string, string>();

  constructor({ config, hosts, log, clock, newId }: OperatorDeps) {
    super({ config, log, clock });
    const again = (key: string, afterMilliseconds?: number): void => {
      if (afterMilliseconds === undefined) this.#queue.add(key);
      else this.#queue.addAfter(key, afterMilliseconds);
    };
    const reconcile = patchStrategyReconciler({
      api: new CareenApi(config),
      hosts,
      log,
      clock,
      newId,
      again,
    });
    this.#queue = new WorkQueue({
      work: reconcile,
      atOnce: STRATEGIES_AT_ONCE,
      failed: (strategy, error, retryInMilliseconds) => {
        if (error instanceof ConflictError) log.debug({ strategy, retryInMilliseconds }, error.message);
        else log.error({ strategy, retryInMilliseconds, err: error }, 'pass failed');
      },
    });
  }

  protected override async init(): Promise<void> {
    await this.watchResource(GROUP, VERSION, 'hostpools', (event) => this.#poolChanged(event));
    await this.watchResource(GROUP, VERSION, 'patchstrategies', (event) => this.#strategyChanged(event));
  }

  /** Takes no more work and waits for the passes that run. Safe to call twice. */
  async close(): Promise<void> {
    this.stop();
    await this.#queue.stop();
  }

  async #strategyChanged({ meta, object, type }: ResourceEvent): Promise<void> {
    const key = `${meta.namespace ?? ''}/${meta.name}`;
    const parsed = poolRef.safeParse(object);
    if (type !== k8sOperator.ResourceEventType.Deleted && parsed.success)
      this.#poolOf.set(key, parsed.data.spec.poolRef);
    else this.#poolOf.delete(key);
    this.#queue.add(key);
    return Promise.resolve();
  }

  async #poolChanged({ meta }: ResourceEvent): Promise<void> {
    for (const [key, pool] of this.#poolOf) if (pool === meta.name) this.#queue.add(key);
    return Promise.resolve();
  }
}
