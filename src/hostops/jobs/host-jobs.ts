/**
 * The Jobs that work on hosts, for every adapter of the port: a pod in this cluster does the work, for any kind of
 * host. Each namespace has its own watch, because rights are granted by namespace.
 */
import type { OwnerRef } from '../../crds/owner-ref.ts';
import type { Effect, Outcome } from '../../engine/effect.ts';
import type { Claim, EffectFacts, EffectKey, JobAtWork } from '../../engine/view.ts';
import type { Writer } from '../../kube/writes.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import type { Fence, IdleJob } from '../port.ts';
import { adoptJobs } from './adopt-jobs.ts';
import { ACCEPTED } from '../outcomes.ts';
import { JobRemovals } from './job-removals.ts';
import type { RemoteHost } from './job.ts';
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
  readonly #removals: JobRemovals;

  constructor(options: JobIndexOptions) {
    this.#index = new JobIndex(options);
    this.#writer = options;
    this.#removals = new JobRemovals(options, options.log);
  }

  /** Calls the listener with each host of which a Job changes. It must not throw. */
  listen(changed: (host: HostName) => void): void {
    this.#index.listen(changed);
  }

  stop(): void {
    this.#index.stop();
  }

  /** Watches the Jobs of a namespace. Resolves with undefined once they are known, otherwise with the reason. */
  async prepare(namespace: string): Promise<string | undefined> {
    return this.#index.prepare(namespace);
  }

  /** The Job of this owner with this uid. */
  job(uid: string, owner: OwnerRef): EffectFacts | undefined {
    return this.#index.job(uid, owner);
  }

  /** The Jobs of the owner that were started on the host and have neither ended nor left it. */
  jobsOn(host: HostName, owner: OwnerRef): readonly JobAtWork[] {
    return this.#index.jobsOn(host, owner);
  }

  /** Whether a Job of this uid is ours, of any owner, or was until it was removed: its pod may outlast it. */
  isOurs(uid: string): boolean {
    return this.#index.isOurs(uid);
  }

  /** Lists all Jobs anew. Resolves when they are listed. */
  async listAgain(): Promise<void> {
    await this.#index.listAgain();
  }

  /** Whether a Job of the run of a claim was started on the host. It may have ended since. */
  hasBegun(host: HostName, claim: Claim): boolean {
    return this.#index.hasBegun(host, claim);
  }

  /** The Jobs of an owner that are suspended or have succeeded. */
  idle(owner: OwnerRef): readonly IdleJob[] {
    return this.#index.idle(owner);
  }

  /** The Job of an effect of this owner. A failed Job counts as running until the reason is known. */
  effect(key: EffectKey, owner: OwnerRef): EffectFacts | undefined {
    return this.#index.effect(key, owner);
  }

  /** Stamps the epoch of the fence on the open Jobs of its run. Throws when it cannot. */
  async adopt(recorded: readonly MendJob[], fence: Fence, signal: AbortSignal): Promise<void> {
    const adopted = await adoptJobs(this.#writer, recorded, fence, signal);
    for (const { job, known } of adopted) this.#index.adopt(job, known);
  }

  /** @param remote where the host is no node of this cluster */
  async perform(effect: JobEffect, fence: Fence, signal: AbortSignal, remote?: RemoteHost): Promise<Outcome> {
    switch (effect.kind) {
      case 'delete-job':
        return this.#delete(effect, fence, signal);
      case 'create-job': {
        const { outcome, object } = await createJob(this.#writer, effect, fence, signal, remote);
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
        if (object) this.#index.mended(object);
        return outcome;
      }
      case 'withdraw-job': {
        const { outcome, object } = await withdrawJob(this.#writer, effect, fence, signal);
        if (object) this.#index.upsert(object);
        await this.#readAfter(outcome, effect.name, fence, signal);
        return outcome;
      }
    }
  }

  async #delete(
    effect: Extract<JobEffect, { kind: 'delete-job' }>,
    fence: Fence,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const known = this.#index.get(fence.owner.namespace, effect.name);
    const isRemovable = known?.uid === effect.uid && known.state === 'succeeded' && known.isLabelled;
    const outcome =
      isRemovable && (await this.#removals.remove(known, signal))
        ? ACCEPTED
        : await deleteJob(this.#writer, effect, fence, signal);
    if (outcome.kind === 'accepted' || outcome.kind === 'already') this.#index.giveUp(effect);
    if (outcome.kind === 'already') await this.#index.gone(fence.owner.namespace, effect);
    await this.#readAfter(outcome, effect.name, fence, signal);
    return outcome;
  }

  /** Reads a Job again when it is not what the effect was decided on, or may not be any more. */
  async #readAfter({ kind }: Outcome, name: string, { owner }: Fence, signal: AbortSignal): Promise<void> {
    if (kind === 'stale' || kind === 'unknown') await this.#index.refresh(owner.namespace, name, signal);
  }
}
