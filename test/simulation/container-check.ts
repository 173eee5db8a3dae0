/** Judges the containers of Jobs, and the work of persons: what may have been done on a host, and that nothing runs twice (invariant 5). */
import type { ApiObject } from './world/objects.ts';

const HOST = 'careen.dev/host';
const RUN_LABEL = 'careen.dev/run';

export class ContainerCheck {
  readonly #failed: (complaint: string) => void;
  /** The uids of the Jobs. */
  readonly #started = new Set<string>();
  /** By run and host. */
  readonly #startedOn = new Set<string>();
  readonly #withdrawnBy = new Map<string, string>();
  /** By run and host: a Job of which no container had started ended at its own deadline. */
  readonly #expiredOn = new Set<string>();

  constructor(failed: (complaint: string) => void) {
    this.#failed = failed;
  }

  started({ metadata: { name, uid, labels = {}, annotations = {} } }: ApiObject): void {
    const host = annotations[HOST] ?? '';
    if (this.#started.has(uid)) this.#failed(`(5) the Job ${name} ran on ${host} a second time`);
    this.#started.add(uid);
    this.#startedOn.add(`${labels[RUN_LABEL] ?? ''}/${host}`);
  }

  /** A person was asked to work on the host: nobody can tell how far they are. */
  asked(run: string, host: string): void {
    this.#startedOn.add(`${run}/${host}`);
  }

  /** A process of the operator suspended a Job again, since no container of it had started. */
  withdrawn(run: string, host: string, by: string): void {
    this.#withdrawnBy.set(`${run}/${host}`, by);
  }

  /**
   * A Job has ended. At its own deadline, some seconds after that of its step, its pod is removed: an operator that was
   * late cannot tell whether a container of it had started.
   */
  ended({ metadata: { uid, labels = {}, annotations = {} } }: ApiObject): void {
    if (!this.#started.has(uid)) this.#expiredOn.add(`${labels[RUN_LABEL] ?? ''}/${annotations[HOST] ?? ''}`);
  }

  /** Whether a container of the run may have started on the host: the next leader cannot tell after a withdrawal. */
  mayHaveStarted(run: string, host: string, leader: string | undefined): boolean {
    const by = this.#withdrawnBy.get(`${run}/${host}`);
    const key = `${run}/${host}`;
    return this.#startedOn.has(key) || this.#expiredOn.has(key) || (by !== undefined && by !== leader);
  }
}
