import type { Stage } from './steps.ts';

/** Stages, and why planning stopped after them if it did: a failure keeps the stages planned before it. */
export type Planned = { readonly stages: readonly Stage[]; readonly failure?: string };

export function failed(failure: string): Planned {
  return { stages: [], failure };
}

/** One part after another, until one fails. */
export function planInOrder(parts: Iterable<() => Planned>): Planned {
  const stages: Stage[] = [];
  for (const part of parts) {
    const planned = part();
    for (const stage of planned.stages) stages.push(stage);
    if (planned.failure !== undefined) return { stages, failure: planned.failure };
  }
  return { stages };
}
