import type { Logger } from 'pino';
import type { Instant } from '../../engine/view.ts';
import { OutdatedKindError, type OutdatedKinds } from '../../resources/outdated-kind-error.ts';
import type { Reconcile } from './reconcile-result.ts';

/** A refused write is tried again this often, if no watch says when the CRDs are right. */
const RETRY_MILLISECONDS = 10_000;

/** The CRDs that the API server serves, as far as passes depend on them. */
export type Kinds = {
  /** Why this version cannot work with them; undefined when it can. */
  readonly outdated: OutdatedKinds | undefined;
  /** Called when they have changed. */
  changed: () => void;
};

export type KindsGateOptions = {
  readonly kinds: Kinds;
  readonly log: Logger;
  readonly clock: () => Instant;
};

/** Lets passes be made only while the API server stores all that they write. */
export class KindsGate {
  readonly #options: KindsGateOptions;
  /** The message by the object that it keeps from a pass. */
  readonly #waiting = new Map<string, string>();
  /** When an object may be tried again whose writes are not stored whole. Its own status must not wake it earlier. */
  readonly #retryAt = new Map<string, Instant>();

  constructor(options: KindsGateOptions) {
    this.#options = options;
  }

  get isClosed(): boolean {
    return this.#options.kinds.outdated !== undefined || this.#waiting.size > 0;
  }

  /** @param suspend says on the object that no pass is made, and why */
  guard(
    kind: string,
    reconcile: Reconcile,
    suspend: (key: string, why: OutdatedKinds) => Promise<void>,
  ): Reconcile {
    const { kinds, clock } = this.#options;
    const stop = async (key: string, why: OutdatedKinds): Promise<void> => {
      this.#wait(kind, key, why);
      await suspend(key, why);
    };
    return async (key, signal) => {
      const { outdated } = kinds;
      if (outdated) {
        await stop(key, outdated);
        return {};
      }
      const name = `${kind} ${key}`;
      const retryAt = this.#retryAt.get(name);
      if (retryAt !== undefined && clock() < retryAt) return { requeueAt: retryAt };
      this.#retryAt.delete(name);
      try {
        const result = await reconcile(key, signal);
        this.#waiting.delete(name);
        return result;
      } catch (error) {
        if (!(error instanceof OutdatedKindError)) throw error;
        const requeueAt = clock() + RETRY_MILLISECONDS;
        this.#retryAt.set(name, requeueAt);
        await stop(key, { message: error.message, plurals: [error.plural] });
        return { requeueAt };
      }
    };
  }

  #wait(kind: string, key: string, { message }: OutdatedKinds): void {
    const name = `${kind} ${key}`;
    if (this.#waiting.get(name) === message) return;
    this.#waiting.set(name, message);
    this.#options.log.error({ [kind]: key, problem: message }, 'no pass is made: the CRDs are outdated');
  }
}
