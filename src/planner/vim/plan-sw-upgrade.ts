/** The apply phase of a sw-upgrade strategy (starlingx-vim.md §8). */
import type { StageName } from '../../crds/vocabulary.ts';
import { isA, type Fleet } from './fleet.ts';
import { storageLists, workerLists } from './host-lists.ts';
import { InputError, type InputProblem } from '../problems/input-error.ts';
import type { UpgradeHost } from './inventory.ts';
import { outageSteps, type Outage } from './outage.ts';
import { failed, planInOrder, type Planned } from './planned.ts';
import type { Profile } from './profile.ts';
import type { UpgradeInputs } from './request.ts';
import { storageRefusal, workerRefusal } from './role-checks.ts';
import { hostEntities, step, wait, type Stage } from './steps.ts';

/** Hosts of one role that do not run the release of the upgrade. */
type UpgradeGroup = {
  readonly profile: Profile;
  readonly inputs: UpgradeInputs;
  readonly fleet: Fleet;
  readonly hosts: readonly UpgradeHost[];
};

const PLANNERS = [
  ['controller', upgradeControllers],
  ['storage', upgradeStorage],
  ['worker', upgradeWorkers],
] as const;

const NO_CONTROLLER_1: InputProblem = {
  code: 'unknown-host',
  path: ['inputs', 'params', 'complete-upgrade'],
  value: true,
  remedy: 'the completion needs a swact of host controller-1, which is missing; add it, or set false',
};

/** Controllers, storage hosts, workers, each host in its first role; then the completion, if requested. */
export function planSwUpgrade(profile: Profile, inputs: UpgradeInputs, fleet: Fleet): Planned {
  const release = inputs.upgrade?.toRelease;
  const roles = PLANNERS.map(([role]) => role);
  const byRole = Map.groupBy(
    inputs.hosts.filter(({ softwareLoad }) => softwareLoad !== release),
    (host) => roles.find((role) => isA(role, host)),
  );
  const upgrades = PLANNERS.map(([role, plan]) => () => {
    const hosts = byRole.get(role) ?? [];
    return hosts.length > 0 ? plan({ profile, inputs, fleet, hosts }) : { stages: [] };
  });
  return planInOrder([...upgrades, () => ({ stages: completion(profile, inputs) })]);
}

function upgradeControllers(group: UpgradeGroup): Planned {
  const { profile, fleet, hosts } = group;
  if (fleet.size('controller') < 2) return failed('not enough controllers to apply software upgrades');
  if (hosts.some((host) => isA('worker', host)))
    return failed('cannot apply software upgrades to CPE configuration');
  const named = (name: string): UpgradeHost[] => hosts.filter((host) => host.name === name);
  const first = named('controller-1');
  const second = named('controller-0');
  // controller-0 is active again once controller-1 has been upgraded.
  const swact = first.length > 0 ? [step(profile, 'swact-hosts', hostEntities(second))] : [];
  const after = [wait('wait-data-sync', profile.controllerDataSyncSeconds)];
  return {
    stages: [
      ...first.map((host) => upgradeStage(group, 'sw-upgrade-controllers', [host], { after })),
      ...second.map((host) =>
        upgradeStage(group, 'sw-upgrade-controllers', [host], { before: swact, after }),
      ),
    ],
  };
}

function upgradeStorage(group: UpgradeGroup): Planned {
  const { inputs, fleet, hosts } = group;
  const applyType = inputs.params['storage-apply-type'];
  if (applyType === 'ignore') return { stages: [] };
  const refusal = storageRefusal(hosts, fleet);
  if (refusal !== undefined) return failed(refusal);
  const first = hosts.filter(({ name }) => name === 'storage-0');
  const others = hosts.filter(({ name }) => name !== 'storage-0');
  const lists = [...first.map((host) => [host]), ...storageLists(others, applyType, inputs)];
  const after = [wait('wait-data-sync', 7200)];
  return { stages: lists.map((list) => upgradeStage(group, 'sw-upgrade-storage-hosts', list, { after })) };
}

/** Planned list by list: a stopped instance in a later list fails the plan, and the stages of earlier lists remain. */
function upgradeWorkers(group: UpgradeGroup): Planned {
  const { inputs, fleet, hosts } = group;
  const applyType = inputs.params['worker-apply-type'];
  if (applyType === 'ignore') return { stages: [] };
  const refusal = workerRefusal(hosts, true, inputs);
  if (refusal !== undefined) return failed(refusal);
  const atOnce = inputs.params['max-parallel-worker-hosts'];
  const lists = workerLists(hosts, { applyType, atOnce, reboot: true }, fleet, inputs);
  return planInOrder(lists.map((list) => () => upgradeWorkerList(group, list)));
}

function upgradeWorkerList(group: UpgradeGroup, hosts: readonly UpgradeHost[]): Planned {
  const { profile, inputs, fleet } = group;
  const instances = hosts.flatMap((host) => fleet.instancesOn(host));
  const locked = instances.find(({ adminState }) => adminState === 'locked');
  if (locked) return failed(`instance ${locked.name} must not be shut down`);
  const applyType = inputs.params['worker-apply-type'];
  const before = profile.migrate(profile, {
    hosts,
    instances,
    applyType,
    computeHosts: fleet.computeHosts(hosts),
  });
  const after = [wait('system-stabilize', 60)];
  return { stages: [upgradeStage(group, 'sw-upgrade-worker-hosts', hosts, { before, after })] };
}

function upgradeStage(
  { profile }: UpgradeGroup,
  name: StageName,
  hosts: readonly UpgradeHost[],
  outage: Pick<Outage, 'before' | 'after'>,
): Stage {
  return { name, steps: outageSteps(profile, { work: 'upgrade-hosts', hosts, ...outage }) };
}

function completion(profile: Profile, { params, hosts }: UpgradeInputs): Stage[] {
  if (!params['complete-upgrade']) return [];
  const leaving = hosts.filter(({ name }) => name === 'controller-1');
  if (leaving.length === 0) throw new InputError([NO_CONTROLLER_1]);
  const steps = [
    step(profile, 'query-alarms'),
    step(profile, 'swact-hosts', hostEntities(leaving)),
    step(profile, 'activate-upgrade'),
    step(profile, 'complete-upgrade'),
    wait('system-stabilize', 60),
  ];
  return [{ name: 'sw-upgrade-complete', steps }];
}
