/** Judges that nothing is carried out twice that was asked for once (invariant 4). */
import type { ApiObject } from './world/objects.ts';
import { answersOf } from './seen.ts';

/** A repeated abort does no harm. */
const REPEATABLE: ReadonlySet<string> = new Set(['abort', 'release-host']);

export class RequestCheck {
  readonly #failed: (complaint: string) => void;
  readonly #accepted = new Set<string>();

  constructor(failed: (complaint: string) => void) {
    this.#failed = failed;
  }

  /** Compares a status that the operator wrote with the one before. */
  judge(object: ApiObject, before: ApiObject): void {
    const known = new Set(answersOf(before).map(({ id }) => id));
    for (const { id, verb, answer } of answersOf(object)) {
      if (answer !== 'accepted' || known.has(id) || REPEATABLE.has(verb)) continue;
      const key = `${object.metadata.name}/${id}`;
      if (this.#accepted.has(key))
        this.#failed(`(4) the request ${id} (${verb}) of ${object.metadata.name} was accepted a second time`);
      this.#accepted.add(key);
    }
  }
}
