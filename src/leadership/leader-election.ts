/**
 * Leader election by one Lease: at most one of many processes leads. When it
 * ends for any reason, another process takes over.
 *
 * The Lease prevents two leaders at once while clocks run at about the same speed
 * and nobody edits or deletes it by hand. It guarantees no more: a suspended
 * virtual machine stops its clock, too, and requests of a deposed leader may
 * still arrive. So every write that matters carries its own precondition.
 */
import type { KubeConfig } from '@kubernetes/client-node';
import type { Log } from '../kube/log.ts';
import { Term, type Leadership } from './leadership.ts';
import { leaderVerdict, leaseTimes, standbyVerdict, validUntil, type LeaseTimes } from './lease-verdict.ts';
import { ObservedLease } from './observed-lease.ts';

export type LeaderElectionOptions = {
  /** Must not check leadership before a request. */
  readonly config: KubeConfig;
  readonly namespace: string;
  /** The name of the Lease, the same for all candidates. */
  readonly name: string;
  /** Unique to this process: an earlier process of the same pod had another. */
  readonly identity: string;
  /** How long a standby waits for a silent leader, in whole seconds. */
  readonly leaseSeconds: number;
  /** Milliseconds of a clock that nobody sets and that runs while the process is stopped, such as performance.now(). */
  readonly monotonic: () => number;
  readonly log: Log;
};

export class LeaderElection {
  readonly #options: LeaderElectionOptions;
  readonly #times: LeaseTimes;
  readonly #lease: ObservedLease;
  /** The fields of every log line. */
  readonly #who: { readonly lease: string; readonly identity: string };
  readonly #stopping = new AbortController();
  #leading: Promise<Leadership> | undefined;

  constructor(options: LeaderElectionOptions) {
    const { namespace, name, identity, leaseSeconds } = options;
    this.#options = options;
    this.#times = leaseTimes(leaseSeconds);
    this.#lease = new ObservedLease({ ...options, times: this.#times });
    this.#who = { lease: `${namespace}/${name}`, identity };
  }

  /**
   * Resolves when this process leads. Waits without limit, and retries after
   * refusals and network errors. Rejects when `signal` is aborted or the
   * election is stopped first. May be called once.
   */
  async lead(signal: AbortSignal): Promise<Leadership> {
    this.#lease.start();
    this.#leading = this.#standBy(AbortSignal.any([signal, this.#stopping.signal]));
    return this.#leading;
  }

  /** Releases the Lease, or stops waiting for it, and ends the watch. Safe to call twice. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error(`the election by Lease ${this.#who.lease} was stopped`));
    const leadership = await this.#leading?.catch(() => undefined); // the caller of lead() gets the error
    await leadership?.release();
    this.#lease.stop();
  }

  async #standBy(ended: AbortSignal): Promise<Leadership> {
    const { identity, monotonic, log } = this.#options;
    let reported: string | undefined;
    for (;;) {
      if (ended.aborted) await this.#lease.giveUp(); // a write may have succeeded meanwhile
      ended.throwIfAborted();
      const { sighting } = this.#lease;
      const verdict = standbyVerdict(identity, sighting, this.#times, monotonic());
      const holder = sighting?.lease?.holder;
      if (verdict.kind === 'wait' && holder !== reported) {
        reported = holder;
        log.info({ ...this.#who, holder }, 'another process leads, standing by');
      }
      const startedAt = await this.#lease.carryOut(verdict, ended);
      if (startedAt === undefined || ended.aborted) continue;
      if (monotonic() < validUntil(startedAt, this.#times)) return this.#begin(startedAt);
    }
  }

  #begin(startedAt: number): Leadership {
    const { monotonic, log } = this.#options;
    const releasing = new AbortController();
    const giveUp = async (): Promise<void> => {
      releasing.abort();
      await held;
      if (await this.#lease.giveUp()) log.info(this.#who, 'leadership released');
      else log.warn(this.#who, 'Lease not released, the others wait until it lapses');
    };
    const term = new Term({ ...this.#who, times: this.#times, monotonic, giveUp }, startedAt);
    term.lost.addEventListener('abort', () =>
      log.warn({ ...this.#who, err: term.lost.reason }, 'leadership lost'),
    );
    log.info({ ...this.#who, transitions: this.#lease.sighting?.lease?.transitions }, 'leading');
    const held = this.#hold(term, releasing.signal);
    return term;
  }

  /** Renews the Lease until the term is over. */
  async #hold(term: Term, releasing: AbortSignal): Promise<void> {
    const { identity, monotonic } = this.#options;
    while (!term.isOver) {
      const { sighting } = this.#lease;
      const verdict = leaderVerdict(identity, sighting, term.renewedAt, this.#times, monotonic());
      if (verdict.kind === 'lost') {
        term.lose(verdict.why);
        return;
      }
      const startedAt = await this.#lease.carryOut(verdict, releasing);
      if (startedAt !== undefined) term.renewed(startedAt);
    }
  }
}
