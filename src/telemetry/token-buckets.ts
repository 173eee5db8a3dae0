/**
 * Limits how often something may happen for each key: `burst` times at once, and
 * then `perSecond` times a second on average.
 */
export class TokenBuckets {
  readonly #burst: number;
  readonly #perSecond: number;
  readonly #buckets = new Map<string, { readonly tokens: number; readonly at: number }>();

  constructor(burst: number, perSecond: number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
  }

  /** Takes a token of the key; returns false when there is none. `now` is in milliseconds. */
  take(key: string, now: number): boolean {
    const tokens = this.#tokens(key, now);
    if (tokens < 1) return false;
    this.#buckets.set(key, { tokens: tokens - 1, at: now });
    return true;
  }

  /** Forgets the keys that have all their tokens; they are like new keys. */
  forgetFull(now: number): void {
    for (const key of this.#buckets.keys())
      if (this.#tokens(key, now) >= this.#burst) this.#buckets.delete(key);
  }

  #tokens(key: string, now: number): number {
    const bucket = this.#buckets.get(key);
    if (!bucket) return this.#burst;
    const seconds = Math.max(0, now - bucket.at) / 1000;
    return Math.min(this.#burst, bucket.tokens + seconds * this.#perSecond);
  }
}
