import type { KubernetesObject } from '@kubernetes/client-node';
import { setTimeout as delay } from 'node:timers/promises';
import { ConflictError, explain } from '../kube/errors.ts';
import { SupervisedInformer } from '../kube/informer.ts';
import type { Log } from '../kube/log.ts';
import { LeaseApi, leaseFacts, type LeaseApiOptions } from './lease-api.ts';
import {
  pauseAfter,
  read,
  seen,
  seenGone,
  type LeaseFacts,
  type LeaseTimes,
  type Look,
  type Sighting,
  type Wait,
  type Write,
} from './lease-verdict.ts';

export type ObservedLeaseOptions = LeaseApiOptions & {
  readonly times: LeaseTimes;
  readonly monotonic: () => number;
  readonly log: Log;
};

/** The Lease as this process knows it, from a watch and from its own reads and writes. */
export class ObservedLease {
  readonly #options: ObservedLeaseOptions;
  readonly #api: LeaseApi;
  readonly #informer: SupervisedInformer<KubernetesObject, LeaseFacts>;
  #sighting: Sighting | undefined;
  /** Aborted and replaced on every change of the Lease. */
  #change = new AbortController();
  #failures = 0;

  constructor(options: ObservedLeaseOptions) {
    const { config, name, monotonic, log } = options;
    this.#options = options;
    this.#api = new LeaseApi(options);
    this.#informer = new SupervisedInformer<KubernetesObject, LeaseFacts>({
      config,
      path: this.#api.collection,
      selection: { fieldSelector: `metadata.name=${name}` }, // needs a right to this one Lease only
      project: leaseFacts,
      changed: (before, after) => {
        if (after) this.#know(seen(this.#sighting, after, monotonic()));
        else if (before) this.#know(seenGone(this.#sighting, before.uid, monotonic()));
      },
      now: monotonic,
      log,
    });
  }

  /** Starts the watch. */
  start(): void {
    this.#informer.start();
  }

  /** Ends the watch. Safe to call twice. */
  stop(): void {
    this.#informer.stop();
  }

  /** The last known state of the Lease; undefined before the first. */
  get sighting(): Sighting | undefined {
    return this.#sighting;
  }

  /**
   * Carries out a verdict; a wait ends early when the Lease changes. Resolves
   * with the start of the request that made or kept us the holder, undefined when
   * there was none. Never rejects: a pause follows a failed request.
   */
  async carryOut(verdict: Look | Wait | Write, ended: AbortSignal): Promise<number | undefined> {
    const startedAt = this.#options.monotonic();
    switch (verdict.kind) {
      case 'wait':
        await this.#pause(verdict.until - startedAt, ended);
        return undefined;
      case 'look':
        await this.#attempt((limit) => this.#look(limit), ended);
        return undefined;
      default: {
        const write = (limit: AbortSignal): Promise<void> => this.#write(this.#api.write(verdict, limit));
        return (await this.#attempt(write, ended)) ? startedAt : undefined;
      }
    }
  }

  /** Releases the Lease if it is ours; retries for `requestMs`. Resolves with whether others may take it now. */
  async giveUp(): Promise<boolean> {
    const { identity, times } = this.#options;
    const ended = AbortSignal.timeout(times.requestMs);
    for (;;) {
      const lease = this.#sighting?.lease;
      if (lease?.holder !== identity) return true;
      if (ended.aborted) return false;
      await this.#attempt((limit) => this.#write(this.#api.release(lease, limit)), ended);
    }
  }

  /**
   * Makes a request and resolves with whether it succeeded. Pauses after a failure,
   * unless the Lease has changed meanwhile. A request that was sent is awaited, up
   * to its own limit, even if `ended`: its answer says whether we hold the Lease.
   */
  async #attempt(request: (limit: AbortSignal) => Promise<void>, ended: AbortSignal): Promise<boolean> {
    const { times, log, namespace, name } = this.#options;
    const before = this.#sighting;
    try {
      await request(this.#limit());
      this.#failures = 0;
      return true;
    } catch (error) {
      // If this read fails, too, the next conflict leads to another.
      if (error instanceof ConflictError) await this.#look(this.#limit()).catch(() => undefined);
      if (this.#sighting !== before) return false;
      this.#failures += 1;
      if (this.#failures === 1)
        log.warn(
          { lease: `${namespace}/${name}`, error: explain(error) },
          'Lease not written or read, retrying',
        );
      await this.#pause(pauseAfter(this.#failures, times, Math.random()), ended);
      return false;
    }
  }

  #limit(): AbortSignal {
    return AbortSignal.timeout(this.#options.times.requestMs);
  }

  async #look(limit: AbortSignal): Promise<void> {
    const known = this.#sighting;
    const lease = await this.#api.read(limit);
    const now = this.#options.monotonic();
    const gone = (): Sighting => seenGone(this.#sighting, known?.lease?.uid, now);
    this.#know(lease ? read(this.#sighting, known, lease, now) : gone());
  }

  async #write(written: Promise<LeaseFacts>): Promise<void> {
    const lease = await written;
    this.#know(seen(this.#sighting, lease, this.#options.monotonic()));
  }

  #know(sighting: Sighting): void {
    if (sighting === this.#sighting) return;
    this.#sighting = sighting;
    this.#change.abort();
    this.#change = new AbortController();
  }

  /** Waits one lease time at most: the Lease may ask for more than a timer can count. Zero or less does not wait. */
  async #pause(milliseconds: number, ended: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([ended, this.#change.signal]);
    const pause = Math.max(0, Math.min(milliseconds, this.#options.times.leaseMs));
    await delay(pause, undefined, { signal }).catch(() => undefined);
  }
}
