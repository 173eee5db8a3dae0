import { setTimeout as delay } from 'node:timers/promises';

/** Does something again and again. Each time says how long the pause after it is, in milliseconds. */
export class Repeated {
  readonly #act: () => Promise<number>;
  #isWoken = false;
  #wake: () => void = () => undefined;

  /** @param act must not throw */
  constructor(act: () => Promise<number>) {
    this.#act = act;
  }

  /** Resolves when the signal is aborted, and the last act has ended. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#isWoken = false;
      await this.#pause(await this.#act(), signal);
    }
  }

  /** Ends the pause; during an act, that act is repeated without one. */
  wake(): void {
    this.#isWoken = true;
    this.#wake();
  }

  async #pause(milliseconds: number, signal: AbortSignal): Promise<void> {
    if (this.#isWoken) return;
    const { promise: woken, resolve } = Promise.withResolvers<undefined>();
    this.#wake = () => resolve(undefined);
    const waited = delay(milliseconds, undefined, { signal, ref: false }).catch(() => undefined); // stopped
    await Promise.race([waited, woken]);
  }
}
