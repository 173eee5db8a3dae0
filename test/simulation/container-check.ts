/** Judges the containers of Jobs: what may have run on a host, and that nothing runs twice (invariant 5). */
import { at, type ApiServer } from './world/api-server.ts';
import type { ApiObject } from './world/objects.ts';

const HOST = 'careen.dev/host';
const RUN_LABEL = 'careen.dev/run';

export class ContainerCheck {
  readonly #failed: (complaint: string) => void;
  /** By run and host: a Job ended at its deadline, and its pod was deleted. */
  readonly #exceeded = new Set<string>();
  /** The uids of the Jobs. */
  readonly #started = new Set<string>();
  /** By run and host. */
  readonly #startedOn = new Set<string>();
  readonly #withdrawnBy = new Map<string, string>();

  constructor(server: ApiServer, failed: (complaint: string) => void) {
    this.#failed = failed;
    server.listen(({ resource, object }) => {
      if (resource === 'jobs' && isExceeded(object)) this.#exceeded.add(placeOf(object));
    });
  }

  started(job: ApiObject): void {
    const { name, uid, annotations = {} } = job.metadata;
    if (this.#started.has(uid))
      this.#failed(`(5) the Job ${name} ran on ${String(annotations[HOST])} a second time`);
    this.#started.add(uid);
    this.#startedOn.add(placeOf(job));
  }

  /** A process of the operator suspended a Job again, since no container of it had started. */
  withdrawn(run: string, host: string, by: string): void {
    this.#withdrawnBy.set(`${run}/${host}`, by);
  }

  /**
   * Whether a container of the run may have started on the host, as far as its leader can know. The next leader cannot
   * tell after a withdrawal, and nobody can after a deadline: the pod is gone.
   */
  mayHaveStarted(run: string, host: string, leader: string | undefined): boolean {
    const place = `${run}/${host}`;
    const by = this.#withdrawnBy.get(place);
    return this.#startedOn.has(place) || this.#exceeded.has(place) || (by !== undefined && by !== leader);
  }
}

function placeOf({ metadata: { labels = {}, annotations = {} } }: ApiObject): string {
  return `${labels[RUN_LABEL] ?? ''}/${annotations[HOST] ?? ''}`;
}

function isExceeded({ status }: ApiObject): boolean {
  const conditions = status?.['conditions'];
  return Array.isArray(conditions) && conditions.some((each) => at(each, 'reason') === 'DeadlineExceeded');
}
