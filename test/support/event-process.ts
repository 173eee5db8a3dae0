/** A child process that talks in JSON lines. */
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { z } from 'zod';

const TAIL_LINES = 40;
const STOP_SECONDS = 10;

const eventSchema = z.looseObject({ event: z.string() });

/** One JSON line of a child process; `event` names its kind. */
export type ProcessEvent = z.infer<typeof eventSchema>;

/**
 * A child process that reports events in JSON lines on standard output and ends
 * when its standard input does, so that it dies with this process in any case.
 */
export class EventProcess {
  readonly #name: string;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #ended: Promise<string>;
  readonly #tail: string[] = [];
  readonly #waiters = new Set<(event: ProcessEvent) => void>();

  constructor(file: string, args: readonly string[], environment = process.env) {
    this.#name = [file, ...args].join(' ');
    this.#child = spawn(file, args, { env: environment, stdio: ['pipe', 'pipe', 'pipe'] });
    const { promise, resolve } = Promise.withResolvers<string>();
    this.#ended = promise;
    this.#child.once('error', (error) => resolve(error.message));
    this.#child.once('close', (code, signal) => resolve(`ended with ${signal ?? `code ${String(code)}`}`));
    this.#child.stdin.on('error', () => undefined); // it has just ended; #ended reports that
    createInterface(this.#child.stdout).on('line', (line) => this.#read(line));
    createInterface(this.#child.stderr).on('line', (line) => this.#remember(line));
  }

  /** The next event that fits; fails with the tail of the output when the process ends before. */
  async event(fits: (event: ProcessEvent) => boolean): Promise<ProcessEvent> {
    const { promise, resolve } = Promise.withResolvers<ProcessEvent>();
    const waiter = (event: ProcessEvent): void => {
      if (fits(event)) resolve(event);
    };
    this.#waiters.add(waiter);
    try {
      return await Promise.race([promise, this.#ended.then((how) => this.#fail(how))]);
    } finally {
      this.#waiters.delete(waiter);
    }
  }

  /** Writes a line to its standard input. */
  send(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** Ends the process and waits until it has. Safe to call twice. */
  async stop(): Promise<void> {
    this.#child.stdin.end();
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_SECONDS * 1000);
    await this.#ended;
    clearTimeout(killer);
  }

  #fail(how: string): never {
    throw new Error(`${this.#name}: ${how}; its last output:\n${this.#tail.join('\n')}`);
  }

  #read(line: string): void {
    this.#remember(line);
    if (!line.startsWith('{')) return;
    const event = eventSchema.parse(JSON.parse(line));
    for (const waiter of this.#waiters) waiter(event);
  }

  #remember(line: string): void {
    if (this.#tail.push(line) > TAIL_LINES) this.#tail.shift();
  }
}
