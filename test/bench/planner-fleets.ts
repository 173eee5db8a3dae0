/**
 * Fleets for the planner's benchmark, the same for the same size and seed.
 *
 * usual: ten instances a host, in a table of random order. Every second instance
 * is in an anti-affine group of two to eight. Every host is in an aggregate of
 * fifty neighbours, every third host also in one of twenty random hosts.
 *
 * adversarial: all instances in one anti-affine group, so that no two hosts fit in
 * one list and every list refuses every host.
 */
import { parseRequest, type Request } from '../../src/planner/vim/request.ts';

export const FAMILIES = ['usual', 'adversarial'] as const;
export type Family = (typeof FAMILIES)[number];

export const INSTANCES_A_HOST = 10;
export const SEED = 20_261;

/** A sw-patch request, workers in parallel with a limit of 100, for a fleet in which every host lacks a patch. */
export function fleetRequest(family: Family, size: number, seed = SEED): Request {
  const random = generator(seed);
  const hosts = Array.from({ length: size }, (_, i) => worker(i));
  const placed = Array.from({ length: size * INSTANCES_A_HOST }, (_, i) => i % size);
  const instances = shuffled(placed, random).map((host, i) => instance(i, host));
  const uuids = instances.map(({ uuid }) => uuid);
  const usual = family === 'usual';
  return parseRequest('sw-patch', {
    singleController: false,
    activeController: 'controller-0',
    openstackInstalled: true,
    params: {
      'controller-apply-type': 'serial',
      'storage-apply-type': 'serial',
      'worker-apply-type': 'parallel',
      'max-parallel-worker-hosts': 100,
      'default-instance-action': 'migrate',
    },
    patches: [{}],
    hosts,
    instances,
    instanceGroups: usual ? smallGroups(uuids, random) : [apart(0, uuids)],
    hostAggregates: usual
      ? aggregates(
          hosts.map(({ name }) => name),
          random,
        )
      : [],
  });
}

function worker(i: number) {
  return {
    name: `worker-${String(i)}`,
    uuid: `host-${String(i)}`,
    personality: ['worker'],
    adminState: 'unlocked',
    operState: 'enabled',
    availStatus: 'available',
    openstackCompute: true,
    openstackControl: false,
    patch: { requiresReboot: true, patchCurrent: false },
  };
}

function instance(i: number, host: number) {
  return {
    name: `instance-${String(i)}`,
    uuid: `uuid-${String(i)}`,
    host: `worker-${String(host)}`,
    adminState: 'unlocked',
  };
}

function apart(i: number, memberUuids: readonly string[]) {
  return { uuid: `group-${String(i)}`, name: `group-${String(i)}`, policies: ['anti-affinity'], memberUuids };
}

function smallGroups(uuids: readonly string[], random: Random) {
  const groups: ReturnType<typeof apart>[] = [];
  const members = uuids.slice(0, uuids.length / 2);
  for (let at = 0; at < members.length;) {
    const size = 2 + random(7);
    groups.push(apart(groups.length, members.slice(at, at + size)));
    at += size;
  }
  return groups;
}

function aggregates(names: readonly string[], random: Random) {
  const some = shuffled(names, random).slice(0, names.length / 3);
  return [...pieces(names, 50), ...pieces(some, 20)].map((hostNames, i) => ({
    name: `aggregate-${String(i)}`,
    hostNames,
  }));
}

function pieces<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}

/** A whole number from 0 to below the bound. */
type Random = (below: number) => number;

/** A linear congruential generator: its quality is enough here, and it gives the same numbers everywhere. */
function generator(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const keyed = items.map((item) => ({ item, key: random(2 ** 30) }));
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item);
}
