/** The two processes of the operator, as a Deployment keeps them: another process replaces one that ends. */
import { operatorMetrics } from '../../src/controllers/runtime/operator-metrics.ts';
import type { ConnectionOptions } from './world/connection.ts';
import { OperatorProcess, type ProcessOptions } from './world/operator-process.ts';
import type { Random } from './world/random.ts';
import type { Owner } from './world/scheduler.ts';
import type { Timeline } from './timeline.ts';

const PREFIX = 'op-';
const LEASE_SECONDS = 60;
const RESYNC_SECONDS = 60;
/** By then a process that was stopped is up to date again. */
const WOKEN_MS = 15_000;
/** All processes share it: it has many counters, and nothing depends on them. */
const metrics = operatorMetrics(() => Date.now());

export type ReplicasOptions = ConnectionOptions &
  Pick<ProcessOptions, 'partLimits' | 'toCloud'> & { readonly random: Random; readonly timeline: Timeline };

export class Replicas {
  readonly #options: ReplicasOptions;
  readonly #processes = new Map<string, OperatorProcess>();
  #serial = 0;

  constructor(options: ReplicasOptions) {
    this.#options = options;
  }

  /** Whether one of them wrote an object. */
  static wrote(by: string): boolean {
    return by.startsWith(PREFIX);
  }

  get leader(): OperatorProcess | undefined {
    return [...this.#processes.values()].find(({ leads }) => leads);
  }

  get any(): OperatorProcess {
    return this.#options.random.pick([...this.#processes.values()]);
  }

  async start(): Promise<void> {
    for (const replica of ['a', 'b']) await this.#boot(replica);
  }

  /** Kills a process; another soon replaces it. */
  kill(owner: Owner): void {
    for (const [replica, process] of this.#processes) {
      if (process !== owner) continue;
      process.kill();
      this.#restart(replica);
    }
  }

  /** Stops a process for a while; this never shortens a stop in progress. */
  stall(owner: Owner, milliseconds: number): void {
    for (const process of this.#processes.values())
      if (process === owner)
        process.stoppedUntil = Math.max(process.stoppedUntil, this.#options.scheduler.now + milliseconds);
  }

  /** By how much the clock of a process differs from the time, at most. */
  get clockErrorMs(): number {
    return Math.max(0, ...[...this.#processes.values()].map(({ clockErrorMs }) => Math.abs(clockErrorMs)));
  }

  /** When the last stopped process continues. */
  get stalledUntil(): number {
    return Math.max(...[...this.#processes.values()].map(({ stoppedUntil }) => stoppedUntil));
  }

  /** Whether no process has just continued that was stopped. */
  get areAwake(): boolean {
    return this.#options.scheduler.now - this.stalledUntil > WOKEN_MS;
  }

  end(): void {
    for (const process of this.#processes.values()) process.kill();
  }

  async #boot(replica: string): Promise<void> {
    this.#serial += 1;
    const { timeline, random } = this.#options;
    const name = `${PREFIX}${replica}${String(this.#serial)}`;
    const process = new OperatorProcess({
      ...{ ...this.#options, name, metrics, log: timeline.logger(name), random: random.fork() },
      ...{ leaseSeconds: LEASE_SECONDS, resyncSeconds: RESYNC_SECONDS },
      ended: (why) => {
        timeline.note(name, `ends: ${why}`);
        this.#restart(replica);
      },
    });
    this.#processes.set(replica, process);
    timeline.note(name, 'starts');
    await process.start();
  }

  #restart(replica: string): void {
    const { scheduler, random } = this.#options;
    scheduler.after(random.int(500, 8_000), () => void this.#boot(replica));
  }
}
