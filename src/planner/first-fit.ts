/**
 * First fit: the result is the same as if every list were tried in order. The running time hardly depends on the number
 * of full lists.
 */

/** A limit on each list: it holds at most `atMost` of the items that the constraint concerns. */
export type Constraint = { readonly atMost: number };

/**
 * Puts each item, in the given order, into the first list where none of its constraints is used up. If every list has
 * one that is used up, the item gets a new list.
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

/** The first list that is free for all constraints: each in turn moves on to its next free list, until all agree. */
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

/** The use of one constraint by the lists. */
class Usage {
  readonly #atMost: number;
  readonly #taken = new Map<number, number>();
  /** From a used-up list to a later list; all lists between are used up as well. Each search shortens these paths. */
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
