/**
 * The Jobs that work on hosts, for every adapter of the port: a pod in this cluster does the work, for any kind of
 * host. Each namespace has its own watch, because rights are granted by namespace.
 */
import type { OwnerRef } from '../../crds/owner-ref.ts';
import type { Effect, Outcome } from '../../engine/effect.ts';
import type { EffectFacts, EffectKey } from '../../engine/view.ts';
import type { Writer } from '../../kube/writes.ts';
import type { HostName } from '../../planner/facts.ts';
import type { Fence, IdleJob } from '../port.ts';
import { adoptJobs } from './adopt-jobs.ts';
import { JobIndex, type JobIndexOptions } from './job-index.ts';
import { createJob, deleteJob, startJob, withdrawJob } from './job-writes.ts';
import { mendJob, type MendJob } from './mend-job.ts';

export type JobEffect = Extract<
  Effect,
  { kind: 'create-job' | 'start-job' | 'mend-job' | 'withdraw-job' | 'delete-job' }
>;

export class HostJobs {
  readonly #index: JobIndex;
  readonly #writer: Writer;

  constructor(options: JobIndexOptions) {
    this.#index = new JobIndex(options);
    this.#writer = options;
  }

  stop(): void {
    this.#index.stop();
  }

  /** Watches the Jobs of a namespace. Resolves with undefined once they are known, otherwise with the reason. */
  async prepare(namespace: string): Promise<string | undefined> {
    return this.#index.prepare(namespace);
  }

  /** The name of a Job that was started on the host and has neither ended nor left it, if there is one. */
  runningOn(host: HostName): string | undefined {
    return this.#index.runningOn(host);
  }

  /** Lists all Jobs anew. Resolves when they are listed. */
  async listAgain(): Promise<void> {
    await this.#index.listAgain();
  }

  /** Whether a Job of the run was started on the host. It may have ended since. */
  hasBegun(host: HostName, run: string): boolean {
    return this.#index.hasBegun(host, run);
  }

  /** The Jobs of an owner that are suspended or have succeeded. */
  idle(owner: OwnerRef): readonly IdleJob[] {
    return this.#index.idle(owner);
  }

  /** The Job of an effect. A failed Job counts as running until the reason is known. */
  effect(key: EffectKey): EffectFacts | undefined {
    return this.#index.effect(key);
  }

  /** Stamps the epoch of the fence on the open Jobs of its run. Throws when it cannot. */
  async adopt(recorded: readonly MendJob[], fence: Fence, signal: AbortSignal): Promise<void> {
    for (const job of await adoptJobs(this.#writer, recorded, fence, signal)) this.#index.upsert(job);
  }

  async perform(effect: JobEffect, fence: Fence, signal: AbortSignal): Promise<Outcome> {
    switch (effect.kind) {
      case 'delete-job':
        return deleteJob(this.#writer, effect, fence, signal);
      case 'create-job': {
        const { outcome, object } = await createJob(this.#writer, effect, fence, signal);
        if (object) this.#index.upsert(object);
        return outcome;
      }
      case 'start-job': {
        const known = this.#index.get(fence.owner.namespace, effect.name);
        const { outcome, object } = await startJob(this.#writer, effect, fence, known, signal);
        if (object) this.#index.upsert(object);
        await this.#readAfter(outcome, effect.name, fence, signal);
        return outcome;
      }
      case 'mend-job': {
        const { outcome, object } = await mendJob(this.#writer, effect, fence, signal);
        if (object) this.#index.upsert(object);
        return outcome;
      }
      case 'withdraw-job': {
        const { outcome, object } = await withdrawJob(this.#writer, effect, fence, signal);
        // Without an answer it may be suspended, too.
        if (object || outcome.kind === 'unknown') this.#index.withdraw(effect);
        if (object) this.#index.upsert(object);
        await this.#readAfter(outcome, effect.name, fence, signal);
        return outcome;
      }
    }
  }

  /** Reads a Job again when it is not what the effect was decided on, or may not be any more. */
  async #readAfter({ kind }: Outcome, name: string, { owner }: Fence, signal: AbortSignal): Promise<void> {
    if (kind === 'stale' || kind === 'unknown') await this.#index.refresh(owner.namespace, name, signal);
  }
}
