/** The contradictions in an inventory. */
import type { InputProblem, InputProblemCode } from '../problems/input-error.ts';
import type { Inventory } from './inventory.ts';

type Values = { readonly values: readonly string[]; readonly pathOf: (index: number) => PropertyKey[] };

/**
 * Contradictions that the tables of the VIM cannot hold, so that the VIM has no plan for them: repeated keys, and
 * instances on unknown hosts. Instances may share names, and so may their groups, because their owners are independent.
 */
export function contradictions(inventory: Inventory): InputProblem[] {
  const { hosts, instances, instanceGroups, hostGroups, hostAggregates, extraPatchHosts = [] } = inventory;
  const isHost = membership(hosts);
  return [
    ...repeated(column('hosts', 'name', hosts)),
    ...repeated(column('hosts', 'uuid', hosts)),
    ...repeated(column('instances', 'uuid', instances)),
    ...repeated(column('instanceGroups', 'uuid', instanceGroups)),
    ...repeated(column('hostGroups', 'name', hostGroups)),
    ...repeated(column('hostAggregates', 'name', hostAggregates)),
    ...hostAggregates.flatMap((_, index) => repeated(aggregateMembers(inventory, index))),
    ...problems('duplicate-name', column('extraPatchHosts', 'name', extraPatchHosts), {
      when: isHost,
      remedy: 'the inventory has this host; add the answer of the patch service there',
    }),
    ...problems('unknown-host', column('instances', 'host', instances), {
      when: (name) => !isHost(name),
      remedy: 'there is no such host; add it to the hosts, or take the instance out',
    }),
  ];
}

/**
 * Members of aggregates that are no hosts. The VIM still plans, and counts them in the size of the aggregate
 * (starlingx-vim.md §7.5). So it may take more hosts at once than the real size would allow.
 */
export function strangersInAggregates(inventory: Inventory): InputProblem[] {
  const isHost = membership(inventory.hosts);
  return inventory.hostAggregates.flatMap((_, index) =>
    problems('unknown-host', aggregateMembers(inventory, index), {
      when: (name) => !isHost(name),
      remedy: 'there is no such host; add it to the hosts, or take it out of the aggregate',
    }),
  );
}

function membership(hosts: Inventory['hosts']): (name: string) => boolean {
  const names = new Set(hosts.map(({ name }) => name));
  return (name) => names.has(name);
}

function column<K extends string>(
  table: string,
  key: K,
  rows: readonly Readonly<Record<K, string>>[],
): Values {
  return { values: rows.map((row) => row[key]), pathOf: (index) => [table, index, key] };
}

function aggregateMembers({ hostAggregates }: Inventory, aggregate: number): Values {
  const values = hostAggregates[aggregate]?.hostNames ?? [];
  return { values, pathOf: (index) => ['hostAggregates', aggregate, 'hostNames', index] };
}

function repeated(values: Values): InputProblem[] {
  const seen = new Set<string>();
  return problems('duplicate-name', values, {
    when: (value) => seen.size === seen.add(value).size,
    remedy: 'an earlier entry has the same; take one out, or give it another',
  });
}

function problems(
  code: InputProblemCode,
  { values, pathOf }: Values,
  { when, remedy }: { readonly when: (value: string) => boolean; readonly remedy: string },
): InputProblem[] {
  const found: InputProblem[] = [];
  values.forEach((value, index) => {
    if (when(value)) found.push({ code, path: ['inputs', ...pathOf(index)], value, remedy });
  });
  return found;
}
