import type { KubernetesObject } from '@kubernetes/client-node';
import { setTimeout as delay } from 'node:timers/promises';
import { ConflictError, explain } from '../kube/errors.ts';
import type { Log } from '../kube/log.ts';
import { SupervisedInformer } from '../kube/informer.ts';
import { LeaseApi, leaseFacts, type LeaseApiOptions } from './lease-api.ts';
import {
  pauseAfter,
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

/** The Lease as this process knows it, by a watch and by what it reads and writes itself. */
export class ObservedLease {
  readonly #options: ObservedLeaseOptions;
  readonly #api: LeaseApi;
  readonly #informer: SupervisedInformer<KubernetesObject, LeaseFacts>;
  #sighting: Sighting | undefined;
  /** Aborted, and made anew, when the Lease is seen to have changed. */
  #change = new AbortController();
  #failures = 0;

  constructor(options: ObservedLeaseOptions) {
    const { config, name, monotonic, log } = options;
    this.#options = options;
    this.#api = new LeaseApi(options);
    this.#informer = new SupervisedInformer<KubernetesObject, LeaseFacts>({
      config,
      path: this.#api.collection,
      selection: { fieldSelector: `metadata.name=${name}` }, // so that a right to this one Lease is enough
      project: leaseFacts,
      changed: (before, after) => {
        if (after) this.#know(seen(this.#sighting, after, monotonic()));
        else if (before) this.#know(seenGone(this.#sighting, before.uid, monotonic()));
      },
      now: monotonic,
      log,
    });
  }

  /** Begins to watch. */
  start(): void {
    this.#informer.start();
  }

  /** Ends the watch. Safe to call twice. */
  stop(): void {
    this.#informer.stop();
  }

  /** Undefined: it was not looked at yet. */
  get sighting(): Sighting | undefined {
    return this.#sighting;
  }

  /**
   * Does what a verdict says; a wait ends early when the Lease changes. Returns
   * when the request began that made or kept us the holder, undefined when none
   * did. Never throws: what fails is followed by a pause.
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

  /** Gives the Lease up if it is ours; tries again for as long as a request may take. Says whether others may have it now. */
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
   * Makes a request and says whether it succeeded; pauses when it did not, unless
   * the Lease has changed meanwhile. What was sent is awaited, within its own
   * limit, also when it has `ended`: only so it is known whether we hold the Lease.
   */
  async #attempt(request: (limit: AbortSignal) => Promise<void>, ended: AbortSignal): Promise<boolean> {
    const { times, log, namespace, name } = this.#options;
    const before = this.#sighting;
    try {
      await request(this.#limit());
      this.#failures = 0;
      return true;
    } catch (error) {
      // When this look fails, too, the next conflict leads to another.
      if (error instanceof ConflictError) await this.#look(this.#limit()).catch(() => undefined);
      if (this.#sighting !== before) return false;
      this.#failures += 1;
      if (this.#failures === 1)
        log.warn(
          { lease: `${namespace}/${name}`, error: explain(error) },
          'Lease not written or read, trying on',
        );
      await this.#pause(pauseAfter(this.#failures, times, Math.random()), ended);
      return false;
    }
  }

  #limit(): AbortSignal {
    return AbortSignal.timeout(this.#options.times.requestMs);
  }

  async #look(limit: AbortSignal): Promise<void> {
    const uid = this.#sighting?.lease?.uid;
    const lease = await this.#api.read(limit);
    const now = this.#options.monotonic();
    this.#know(lease ? seen(this.#sighting, lease, now) : seenGone(this.#sighting, uid, now));
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

  /** One lease time at the most: the Lease may ask for more than a timer can count. Not at all when the time has come already. */
  async #pause(milliseconds: number, ended: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([ended, this.#change.signal]);
    const pause = Math.max(0, Math.min(milliseconds, this.#options.times.leaseMs));
    await delay(pause, undefined, { signal }).catch(() => undefined);
  }
}
