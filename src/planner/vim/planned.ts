import type { Stage } from './steps.ts';

/** The planned stages, and the failure that ended the planning. A failure keeps the stages planned before it. */
export type Planned = { readonly stages: readonly Stage[]; readonly failure?: string };

export function failed(failure: string): Planned {
  return { stages: [], failure };
}

/** Plans the parts in order, until one fails. */
export function planInOrder(parts: Iterable<() => Planned>): Planned {
  const stages: Stage[] = [];
  for (const part of parts) {
    const planned = part();
    for (const stage of planned.stages) stages.push(stage);
    if (planned.failure !== undefined) return { stages, failure: planned.failure };
  }
  return { stages };
}
