/**
 * Lists filled first fit, exactly as if every list were tried in order, in time
 * that hardly depends on how many lists refuse.
 */

/** A promise that lists keep: none holds more than `atMost` of the items that it concerns. */
export type Constraint = { readonly atMost: number };

/**
 * Puts each item, in the order given, into the first list where no constraint
 * that concerns it is used up; where all are, into a new list.
 * @param constraintsOf names each constraint once; all its limits are 1 or more
 */
export function firstFit<T>(items: readonly T[], constraintsOf: (item: T) => readonly Constraint[]): T[][] {
  const lists: T[][] = [];
  const usages = new Map<Constraint, Usage>();
  for (const item of items) {
    const concerned = constraintsOf(item).map((constraint) => usageOf(constraint, usages));
    const index = firstFree(concerned);
    const list = lists[index];
    if (list) list.push(item);
    else lists.push([item]);
    for (const usage of concerned) usage.take(index);
  }
  return lists;
}

function usageOf(constraint: Constraint, usages: Map<Constraint, Usage>): Usage {
  const known = usages.get(constraint);
  if (known) return known;
  const usage = new Usage(constraint.atMost);
  usages.set(constraint, usage);
  return usage;
}

/** The first list that is free for all: each in turn says how far to go on, until none objects. */
function firstFree(usages: readonly Usage[]): number {
  let list = 0;
  for (let agreed = 0; agreed < usages.length;) {
    agreed = 0;
    for (const usage of usages) {
      const free = usage.freeFrom(list);
      if (free === list) agreed += 1;
      list = free;
    }
  }
  return list;
}

/** What the lists have taken of one constraint. */
class Usage {
  readonly #atMost: number;
  readonly #taken = new Map<number, number>();
  /** For a list that is used up, a later one up to which all are: the way is shortened whenever it is gone. */
  readonly #next = new Map<number, number>();

  constructor(atMost: number) {
    this.#atMost = atMost;
  }

  /** The first list that is not used up, from this one on. */
  freeFrom(list: number): number {
    const first = this.#next.get(list);
    if (first === undefined) return list;
    let free = first;
    for (let next = this.#next.get(free); next !== undefined; next = this.#next.get(free)) free = next;
    for (let at = list; at !== free;) {
      const next = this.#next.get(at) ?? free;
      this.#next.set(at, free);
      at = next;
    }
    return free;
  }

  take(list: number): void {
    const taken = this.#atMost > 1 ? (this.#taken.get(list) ?? 0) + 1 : 1;
    if (taken >= this.#atMost) this.#next.set(list, list + 1);
    else this.#taken.set(list, taken);
  }
}
