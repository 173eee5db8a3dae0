/**
 * The request to the VIM's planner that stands for a strategy and the hosts of a pool. The VIM asks its own services; here
 * the roles, the facts and the state of the hosts give the answers. Pure.
 */
import type { StrategySpec } from '../../crds/spec/strategy-spec.ts';
import { compareHostNames, type HostName, type HostSeed } from '../hosts/facts.ts';
import { applyTypeOf } from '../host-group.ts';
import { lackingWork, roleIn } from '../hosts/work.ts';
import type { PlanLimits } from '../plan-limits.ts';
import { InputError, type InputProblem } from '../problems/input-error.ts';
import type { Host, Instance, Personality, Platform } from './inventory.ts';
import type { PatchRequest, Request, UpgradeRequest } from './request.ts';

type Limits = Pick<PlanLimits, 'activeHost' | 'skipped'>;

/** The facts of a compute host that name its aggregates. */
const AGGREGATE = 'labels.aggregate/';
/** The only controllers that the VIM upgrades, by their names. */
const UPGRADED_CONTROLLERS: readonly HostName[] = ['controller-0', 'controller-1'];

/**
 * The hosts are listed by their names. Those without a role are none of the VIM's; those that requests skip are left out,
 * because a dead host would fail the build.
 * @throws InputError when an upgrade is about a controller that the VIM would pass over
 */
export function requestOf(spec: StrategySpec, seeds: readonly HostSeed[], limits: Limits): Request {
  const hosts = seeds
    .filter(({ name, roles }) => roles.length > 0 && limits.skipped?.includes(name) !== true)
    .toSorted((a, b) => compareHostNames(a.name, b.name));
  return spec.release ? upgradeRequest(spec, hosts, limits) : patchRequest(spec, hosts, limits);
}

function patchRequest(spec: StrategySpec, seeds: readonly HostSeed[], limits: Limits): PatchRequest {
  return {
    kind: 'sw-patch',
    inputs: {
      ...platformOf(spec, seeds, limits),
      params: {
        ...commonParams(spec),
        'controller-apply-type': spec.controllerApplyType,
        'swift-apply-type': 'ignore',
        'default-instance-action': spec.defaultInstanceAction ?? 'migrate',
      },
      hosts: seeds.map((seed) => {
        const lacking = lackingWork(spec, seed);
        return {
          ...hostOf(seed),
          patch: {
            personality: reportedOf(seed),
            requiresReboot: lacking.some(({ rebootRequired }) => rebootRequired),
            patchCurrent: lacking.length === 0,
            interimState: false,
          },
        };
      }),
      patches: spec.patches,
      extraPatchHosts: [],
    },
  };
}

function upgradeRequest(spec: StrategySpec, seeds: readonly HostSeed[], limits: Limits): UpgradeRequest {
  const toRelease = spec.release?.version ?? '';
  const lacks = (seed: HostSeed): boolean => {
    const role = roleIn(spec, seed);
    // The VIM leaves no controller out: one that the strategy ignores counts as upgraded.
    const isIgnored = role === undefined || applyTypeOf(spec, role) === 'ignore';
    return !isIgnored && lackingWork(spec, seed).length > 0;
  };
  const passedOver = seeds.find(
    (seed) => roleIn(spec, seed) === 'controller' && lacks(seed) && !UPGRADED_CONTROLLERS.includes(seed.name),
  );
  if (passedOver) throw new InputError([neverUpgraded(passedOver.name)]);
  return {
    kind: 'sw-upgrade',
    inputs: {
      ...platformOf(spec, seeds, limits),
      params: { ...commonParams(spec), 'complete-upgrade': hasEnd(spec) },
      hosts: seeds.map((seed) => ({ ...hostOf(seed), softwareLoad: lacks(seed) ? '' : toRelease })),
      upgrade: { state: 'upgrading-hosts', toRelease },
    },
  };
}

function neverUpgraded(name: HostName): InputProblem {
  return {
    code: 'malformed',
    path: ['hosts', name],
    value: name,
    remedy:
      `the VIM upgrades only controllers with the names ${UPGRADED_CONTROLLERS.join(' and ')}; ` +
      'use profile careen, or set controllerApplyType to ignore',
  };
}

/** Whether the strategy says how the upgrade is ended on the platform. */
function hasEnd({ patches }: StrategySpec): boolean {
  return patches.some(({ id, kind }) => kind === 'hook' && (id === 'activate' || id === 'complete'));
}

function commonParams(spec: StrategySpec): {
  'storage-apply-type': StrategySpec['storageApplyType'];
  'worker-apply-type': StrategySpec['workerApplyType'];
  'alarm-restrictions': 'strict';
  'max-parallel-worker-hosts': number;
} {
  return {
    'storage-apply-type': spec.storageApplyType,
    'worker-apply-type': spec.workerApplyType,
    'alarm-restrictions': 'strict',
    'max-parallel-worker-hosts': spec.maxParallelWorkerHosts,
  };
}

/** The alarms are asked for before the plan is made, by the query of Careen. */
function platformOf(spec: StrategySpec, seeds: readonly HostSeed[], { activeHost }: Limits): Platform {
  const controllers = seeds.filter(({ roles }) => roles.includes('controller')).map(({ name }) => name);
  const active = controllers.find((name) => name === activeHost) ?? controllers[0] ?? '';
  const instances = seeds.flatMap((seed) => instancesOf(seed));
  return {
    singleController: controllers.length <= 1,
    activeController: active,
    openstackInstalled: true,
    ignoreAlarms: [],
    alarms: [],
    instances,
    instanceGroups: groupsOf(seeds),
    hostGroups: [],
    hostAggregates: aggregatesOf(seeds),
  };
}

/** Workers are the hosts whose instances the platform moves: servers, or pods. */
function hostOf({ name, roles, closedByOthers, isDown }: HostSeed): Host {
  return {
    name,
    uuid: name,
    personality: [...roles],
    ...stateOf({ closedByOthers, isDown }),
    openstackCompute: roles.includes('worker'),
    openstackControl: false,
  };
}

function stateOf({
  closedByOthers,
  isDown,
}: Pick<HostSeed, 'closedByOthers' | 'isDown'>): Pick<Host, 'adminState' | 'operState' | 'availStatus'> {
  if (closedByOthers)
    return { adminState: 'locked', operState: 'disabled', availStatus: isDown ? 'offline' : 'online' };
  return isDown
    ? { adminState: 'unlocked', operState: 'disabled', availStatus: 'failed' }
    : { adminState: 'unlocked', operState: 'enabled', availStatus: 'available' };
}

/** A storage host that is also a worker is patched once, with the storage hosts: the VIM would find it current after that. */
function reportedOf({ roles }: HostSeed): Personality[] {
  const once = roles.includes('storage') && !roles.includes('controller');
  return roles.filter((role) => !once || role !== 'worker');
}

function instancesOf({ name: host, servers = [] }: HostSeed): Instance[] {
  return servers.map(({ uid, name, stopped }) => ({
    ...{ uuid: uid, name, host },
    adminState: stopped ? 'locked' : 'unlocked',
  }));
}

function groupsOf(seeds: readonly HostSeed[]): Platform['instanceGroups'] {
  const grouped = seeds.flatMap(({ servers = [] }) =>
    servers.flatMap(({ uid, group }) => (group ? [{ uid, group }] : [])),
  );
  return [...Map.groupBy(grouped, ({ group }) => group.uid)].flatMap(([uuid, members]) => {
    const [first] = members;
    if (!first) return [];
    const { name, policies } = first.group;
    return [{ uuid, name, policies: [...policies], memberUuids: members.map(({ uid }) => uid) }];
  });
}

/** The aggregates of compute hosts. A node has no such labels, unless somebody wants it to have them. */
function aggregatesOf(seeds: readonly HostSeed[]): Platform['hostAggregates'] {
  const memberships = seeds.flatMap(({ name: host, facts }) =>
    Object.keys(facts)
      .filter((fact) => fact.startsWith(AGGREGATE))
      .map((fact) => ({ host, aggregate: fact.slice(AGGREGATE.length) })),
  );
  return [...Map.groupBy(memberships, ({ aggregate }) => aggregate)].map(([name, members]) => ({
    name,
    hostNames: members.map(({ host }) => host),
  }));
}
