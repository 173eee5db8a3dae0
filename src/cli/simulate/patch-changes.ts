/** The changes that the work of a strategy makes on a host, as far as its requirements show. Pure. */
import type { Work, WorkRequirement } from '../../crds/spec/strategy-spec.ts';
import type { PatchChange } from '../../hostops/simulated/simulated-objects.ts';
import type { Facts } from '../../planner/hosts/facts.ts';
import { unmetRequirements } from '../../planner/hosts/current.ts';

/** For each patch id: facts that meet its requirements, and where possible those of all other patches too. */
export function patchChanges(patches: readonly Work[]): Record<string, PatchChange> {
  const all = patches.flatMap(({ current }) => current);
  const changes = patches.map(({ id, rebootRequired, current }) => {
    const facts = factsFor(current, all);
    return [id, rebootRequired ? { atReboot: facts } : { atOnce: facts }] as const;
  });
  return Object.fromEntries(changes);
}

function factsFor(own: readonly WorkRequirement[], all: readonly WorkRequirement[]): Facts {
  const facts = [...new Set(own.map(({ fact }) => fact))].flatMap((fact) => {
    const about = (requirements: readonly WorkRequirement[]) =>
      requirements.filter((each) => each.fact === fact);
    const value = valueFor(fact, about(all)) ?? valueFor(fact, about(own));
    return value === undefined ? [] : [[fact, value] as const];
  });
  return Object.fromEntries(facts);
}

/** Undefined when the requirements contradict each other: then no patch can meet them. */
function valueFor(fact: string, requirements: readonly WorkRequirement[]): string | undefined {
  const named = requirements.flatMap(({ values = [] }) => values);
  const others = ['present', '', ...named.map((value) => `${value}.1`), '0'];
  return [...named, ...others].find(
    (value) => unmetRequirements(requirements, { [fact]: value }).length === 0,
  );
}
