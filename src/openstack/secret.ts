/** A text that is not shown: not as JSON, not as text, and not by `util.inspect`, which a logger or a test may call. */
const HIDDEN = '***';

export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** For the one request that needs it. */
  reveal(): string {
    return this.#value;
  }

  /** Replaces the text wherever a server repeats it. */
  hideIn(text: string): string {
    return this.#value === '' ? text : text.replaceAll(this.#value, HIDDEN);
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): string {
    return HIDDEN;
  }
}
