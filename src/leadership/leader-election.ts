/**
 * Leader election by one Lease: of many processes at most one leads, and when
 * it ends, however that happens, another takes its place.
 *
 * The Lease keeps two processes from believing at once that they lead, as long
 * as their clocks run about equally fast and nobody edits or deletes it by hand.
 * A virtual machine that is suspended stops its clock as well, and what a leader
 * had sent before it was deposed arrives all the same: so every write that
 * matters carries a precondition of its own.
 */
import type { KubeConfig } from '@kubernetes/client-node';
import type { Log } from '../kube/log.ts';
import { Term, type Leadership } from './leadership.ts';
import { leaderVerdict, leaseTimes, standbyVerdict, validUntil, type LeaseTimes } from './lease-verdict.ts';
import { ObservedLease } from './observed-lease.ts';

export type LeaderElectionOptions = {
  /** Not one that asks for leadership before it sends a request. */
  readonly config: KubeConfig;
  readonly namespace: string;
  /** The Lease's name, the same for all that compete. */
  readonly name: string;
  /** Of no other process, not even of one before it in the same pod. */
  readonly identity: string;
  /** For how long a leader that fell silent is waited for; whole seconds. */
  readonly leaseSeconds: number;
  /** Milliseconds of a clock that nobody sets and that goes on while the process is stopped, such as performance.now(). */
  readonly monotonic: () => number;
  readonly log: Log;
};

export class LeaderElection {
  readonly #options: LeaderElectionOptions;
  readonly #times: LeaseTimes;
  readonly #lease: ObservedLease;
  /** What each line of the log names. */
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
   * Resolves when this process leads; waits for that as long as it takes,
   * through refusals and network trouble. Rejects when `signal` is aborted or
   * the election is stopped before. To be called once.
   */
  async lead(signal: AbortSignal): Promise<Leadership> {
    this.#lease.start();
    this.#leading = this.#standBy(AbortSignal.any([signal, this.#stopping.signal]));
    return this.#leading;
  }

  /** Gives up what is held or waited for, and ends the watch. Safe to call twice. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error(`the election by Lease ${this.#who.lease} was stopped`));
    const leadership = await this.#leading?.catch(() => undefined); // who called lead() is told
    await leadership?.release();
    this.#lease.stop();
  }

  async #standBy(ended: AbortSignal): Promise<Leadership> {
    const { identity, monotonic, log } = this.#options;
    let told: string | undefined;
    for (;;) {
      if (ended.aborted) await this.#lease.giveUp(); // should a write have succeeded meanwhile
      ended.throwIfAborted();
      const { sighting } = this.#lease;
      const verdict = standbyVerdict(identity, sighting, this.#times, monotonic());
      const holder = sighting?.lease?.holder;
      if (verdict.kind === 'wait' && holder !== told) {
        told = holder;
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
      if (await this.#lease.giveUp()) log.info(this.#who, 'leadership given up');
      else log.warn(this.#who, 'Lease not given up, the others wait until it lapses');
    };
    const term = new Term({ ...this.#who, times: this.#times, monotonic, giveUp }, startedAt);
    term.lost.addEventListener('abort', () =>
      log.warn({ ...this.#who, err: term.lost.reason }, 'leadership lost'),
    );
    log.info({ ...this.#who, transitions: this.#lease.sighting?.lease?.transitions }, 'leading');
    const held = this.#hold(term, releasing.signal);
    return term;
  }

  /** Renews until leadership is over. */
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
