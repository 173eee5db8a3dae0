/** Judges that nothing is carried out twice that was asked for once, and that a retry works anew (invariants 4, 5). */
import type { Objects } from './world/api-server.ts';
import type { ApiObject } from './world/objects.ts';
import { at } from './world/api-server.ts';
import { nameOf } from './world/strategies.ts';
import { answersOf, outagesOf, runIdOf } from './seen.ts';

/** A repeated one does no harm. */
const REPEATABLE: ReadonlySet<string> = new Set(['abort', 'release-host']);

export type RequestOptions = {
  readonly server: Objects;
  readonly now: () => number;
  readonly failed: (complaint: string) => void;
};

export class RequestCheck {
  readonly #options: RequestOptions;
  readonly #accepted = new Set<string>();
  /** By the uid of a strategy: when a retry was accepted last. */
  readonly #retriedAt = new Map<string, number>();
  /** By the uid of a strategy, and by run: the hosts that accepted requests leave out. */
  readonly #skipped = new Map<string, Set<string>>();

  constructor(options: RequestOptions) {
    this.#options = options;
  }

  /** Compares a status that the operator wrote with the one before. */
  judge(object: ApiObject, before: ApiObject): void {
    const { uid } = object.metadata;
    const name = nameOf(object);
    const ended = answersOf(before).filter(({ answer }) => answer !== 'waiting');
    const known = new Set(ended.map(({ id }) => id));
    for (const { id, verb, answer } of answersOf(object)) {
      if (answer !== 'accepted' || known.has(id)) continue;
      if (verb === 'retry') this.#retriedAt.set(uid, this.#options.now());
      if (verb === 'skip-host') this.#skip(object, id);
      if (REPEATABLE.has(verb)) continue;
      const key = `${name}/${id}`;
      if (this.#accepted.has(key))
        this.#options.failed(`(4) the request ${id} (${verb}) of ${name} was accepted a second time`);
      this.#accepted.add(key);
    }
    this.#attempts(object, before);
  }

  /** Whether a request leaves the host out of a run, or out of some run of a strategy, by its uid. */
  isSkipped(by: string, host: string): boolean {
    return this.#skipped.get(by)?.has(host) === true;
  }

  #skip(object: ApiObject, id: string): void {
    const { uid, annotations = {} } = object.metadata;
    const request: unknown = JSON.parse(annotations['careen.dev/request'] ?? '{}');
    if (at(request, 'id') !== id) return;
    for (const by of [uid, runIdOf(object)]) {
      const hosts = this.#skipped.get(by) ?? new Set();
      this.#skipped.set(by, hosts.add(String(at(request, 'host'))));
    }
  }

  /** Each attempt has its own Jobs. */
  #attempts(object: ApiObject, before: ApiObject): void {
    const { server, failed } = this.#options;
    const { uid } = object.metadata;
    const jobs = new Set(outagesOf(before).flatMap((outage) => outage.jobs));
    for (const outage of outagesOf(object))
      for (const job of outage.jobs.filter((each) => !jobs.has(each))) {
        const made = server.list('jobs').find(({ metadata }) => metadata.uid === job)?.metadata;
        // Timestamps of objects are in whole seconds.
        if (made && Date.parse(made.creationTimestamp) + 1_000 <= (this.#retriedAt.get(uid) ?? 0))
          failed(`(5) after a retry the Job ${made.name} of the attempt before was taken for ${outage.name}`);
      }
  }
}
