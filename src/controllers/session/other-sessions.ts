/**
 * What the other sessions affect, for sessions whose groups of instances they share (docs/decisions/0037-groups-over-sessions.md).
 * A pass decides on the statuses of the others. When its decision asks about an instance, it is stored in turn with those of
 * other sessions, and only while the others affect what it has decided on.
 */
import { isDeepStrictEqual } from 'node:util';
import { ownerOfKey } from '../../crds/owner-ref.ts';
import type { RunState } from '../../engine/run/run-state.ts';
import {
  affectedIn,
  affectsNothing,
  type Elsewhere,
  type SessionTraces,
} from '../../engine/session/constraints/elsewhere.ts';
import type { Instant } from '../../engine/view.ts';
import { ConflictError } from '../../kube/errors.ts';
import type { CareenApi } from '../../resources/careen-api.ts';
import { strategyKey } from '../../resources/paths.ts';
import type { Strategy } from '../../resources/stored-strategy.ts';
import type { PassWithRun } from '../strategy/strategy-pass.ts';

/**
 * How long a session waits for the take-over of another one, after which no write of an earlier leader can arrive.
 * A pass takes over each session with a run before all else, also one that is suspended or has failed, and without its
 * pool. Where no pass can, as in a namespace that no pool allows any more, nobody is held up for ever.
 */
const TAKEN_OVER_MS = 300_000;

/** A run that this process has taken over or begun. */
type Adopted = { readonly run: string };

export type OtherSessionsDeps = {
  readonly api: Pick<CareenApi, 'strategy'>;
  /** By the key of a session. */
  readonly adopted: Pick<ReadonlyMap<string, Adopted>, 'get'>;
  readonly clock: () => Instant;
};

/** A decision that may have been stored, as long as the session has this version. */
type Unsure = {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly traces: SessionTraces;
};

type Pass = Pick<PassWithRun, 'key' | 'attachment' | 'strategy' | 'stored'>;

export class OtherSessions {
  readonly #deps: OtherSessionsDeps;
  readonly #keys = new Set<string>();
  #areAllShown = false;
  /** By key: the take-over since which a session affects nothing. Only `store` changes that. */
  readonly #idle = new Map<string, Adopted>();
  /** By key: the last decision, where nobody knows whether its write has arrived, or will. */
  readonly #unsure = new Map<string, Unsure>();
  /** By key: since when a session waits to be taken over. */
  readonly #waitingSince = new Map<string, Instant>();
  /** By key and instance: when this process saw first that it was gone. */
  readonly #leftAt = new Map<string, Map<string, Instant>>();
  #turn: Promise<unknown> = Promise.resolve();
  /** How many decisions `store` has ended with. */
  #stores = 0;

  constructor(deps: OtherSessionsDeps) {
    this.#deps = deps;
  }

  /** The watch shows the session with this key, or that it is gone. */
  shows(key: string, isThere: boolean): void {
    if (isThere) this.#keys.add(key);
    else
      for (const known of [this.#keys, this.#idle, this.#unsure, this.#waitingSince, this.#leftAt])
        known.delete(key);
  }

  /** The watch has shown all sessions that exist. One that is made later is first worked on by this process. */
  areAllShown(): void {
    this.#areAllShown = true;
  }

  /** What the sessions besides this one affect. Throws when one cannot be read. */
  async besides({ key: own, attachment }: Pick<Pass, 'key' | 'attachment'>): Promise<Elsewhere> {
    const found: Elsewhere[] = [];
    const view = attachment.view();
    for (const key of this.#keys) {
      if (key === own || this.#isIdle(key)) continue;
      const stores = this.#stores;
      const strategy = await this.#deps.api.strategy(strategyKey(ownerOfKey(key)));
      if (!strategy) continue;
      const { namespace, name } = strategy.metadata;
      const words = `MaintenanceSession ${namespace}/${name}`;
      const uncertain = this.#isTakenOver(key, strategy) ? [] : [words];
      const unsure = this.#unsureOf(key, strategy);
      const all: readonly SessionTraces[] = [strategy.status, ...(unsure ? [unsure] : [])];
      if (stores === this.#stores && uncertain.length === 0 && all.every(affectsNothing)) this.#rests(key);
      found.push(
        ...all.map((traces) => ({ ...affectedIn(words, traces, view, this.#leftIn(key)), uncertain })),
      );
    }
    return {
      affected: found.flatMap(({ affected }) => affected),
      uncertain: [
        ...(this.#areAllShown ? [] : ['each MaintenanceSession']),
        ...found.flatMap(({ uncertain }) => uncertain),
      ],
      hosts: found.flatMap(({ hosts }) => hosts),
    };
  }

  /**
   * Stores a decision that rests on what other sessions affect. Throws ConflictError when it asks about an instance, and
   * they affect something else by now.
   * @param rests undefined: the session looks at no groups
   */
  async store<T>(
    pass: Pass,
    { rests, next }: { readonly rests: Elsewhere | undefined; readonly next: RunState },
    save: () => Promise<T>,
  ): Promise<T> {
    if (!rests || !asksMore(pass.stored.run, next)) return save();
    return this.#inTurn(async () => {
      if (!isDeepStrictEqual(await this.besides(pass), rests))
        throw new ConflictError('other sessions affect other instances than before');
      return this.#saved(pass, next, save);
    });
  }

  async #saved<T>({ key, strategy }: Pass, next: RunState, save: () => Promise<T>): Promise<T> {
    try {
      return await save();
    } catch (error) {
      const { uid, resourceVersion } = strategy.metadata;
      const { state, apply: applyPhase, session } = next;
      if (!(error instanceof ConflictError))
        this.#unsure.set(key, { uid, resourceVersion, traces: { state, applyPhase, session } });
      throw error;
    } finally {
      this.#idle.delete(key);
      this.#stores += 1;
    }
  }

  /** One after another. Nothing else is waited for within a turn, and no turn begins within another. */
  async #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(act);
    this.#turn = turn.catch(() => undefined); // the caller gets the error; the next turn begins all the same
    return turn;
  }

  #leftIn(key: string): (instance: string) => Instant {
    return (instance) => {
      const known = this.#leftAt.get(key) ?? new Map<string, Instant>();
      const at = known.get(instance) ?? this.#deps.clock();
      this.#leftAt.set(key, known.set(instance, at));
      return at;
    };
  }

  #isIdle(key: string): boolean {
    const since = this.#idle.get(key);
    return since !== undefined && since === this.#deps.adopted.get(key);
  }

  #rests(key: string): void {
    const since = this.#deps.adopted.get(key);
    if (since) this.#idle.set(key, since);
  }

  /**
   * Whether no write of an earlier leader can change what a session affects: this process has stamped its run. One without
   * a run needs several writes before it asks anybody.
   */
  #isTakenOver(key: string, { status: { run } }: Strategy): boolean {
    if (!run || this.#deps.adopted.get(key)?.run === run.id) {
      this.#waitingSince.delete(key);
      return true;
    }
    const now = this.#deps.clock();
    const since = this.#waitingSince.get(key) ?? now;
    this.#waitingSince.set(key, since);
    return now - since > TAKEN_OVER_MS;
  }

  /** The guard of a write is the version: it has arrived, or never will, once there is another one. */
  #unsureOf(key: string, { metadata }: Strategy): SessionTraces | undefined {
    const unsure = this.#unsure.get(key);
    if (unsure?.uid === metadata.uid && unsure.resourceVersion === metadata.resourceVersion)
      return unsure.traces;
    this.#unsure.delete(key);
    return undefined;
  }
}

/** Whether a decision asks about an instance. */
function asksMore({ session: before }: RunState, { session }: RunState): boolean {
  const asked = new Set(before?.questions.map(({ instance, askedAt }) => `${instance}/${askedAt}`));
  return session?.questions.some(({ instance, askedAt }) => !asked.has(`${instance}/${askedAt}`)) === true;
}
