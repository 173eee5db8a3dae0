/** Worker stages of a sw-patch strategy (starlingx-vim.md §7.5). */
import { isA } from './fleet.ts';
import { workerLists } from './host-lists.ts';
import type { Host, Instance, PatchHost } from './inventory.ts';
import type { Outage } from './outage.ts';
import { patchStage, type PatchGroup } from './patch-group.ts';
import { failed, type Planned } from './planned.ts';
import type { Leaving } from './profile.ts';
import { workerRefusal } from './role-checks.ts';
import { hostEntities, instanceEntities, step, type Step } from './steps.ts';

export function patchWorkers(group: PatchGroup): Planned {
  const { inputs, fleet, hosts, reboot } = group;
  const applyType = inputs.params['worker-apply-type'];
  if (applyType === 'ignore') return { stages: [] };
  const refusal = singleControllerRefusal(group) ?? workerRefusal(hosts, reboot, inputs);
  if (refusal !== undefined) return failed(refusal);
  const atOnce = inputs.params['max-parallel-worker-hosts'];
  const lists = workerLists(hosts, { applyType, atOnce, reboot }, fleet, inputs);
  return {
    stages: lists.map((list) =>
      patchStage(group, 'sw-patch-worker-hosts', list, () => outageOf(group, list)),
    ),
  };
}

/** Check A. Only the label counts: instances, plug-in and reboot do not matter. */
function singleControllerRefusal({ inputs, hosts }: PatchGroup): string | undefined {
  if (!inputs.singleController || inputs.params['default-instance-action'] === 'stop-start') return undefined;
  return hosts.some((host) => host.openstackCompute && isA('controller', host))
    ? 'cannot migrate instances in a single controller configuration'
    : undefined;
}

function outageOf(group: PatchGroup, hosts: readonly PatchHost[]): Omit<Outage, 'work' | 'hosts'> {
  const { profile, fleet } = group;
  const instances = hosts.flatMap((host) =>
    fleet.instancesOn(host).filter(({ adminState }) => adminState === 'unlocked'),
  );
  return {
    toLock: hosts.filter(({ adminState }) => adminState === 'unlocked'),
    toReboot: hosts.filter(({ adminState }) => adminState === 'locked'),
    before: [...swact(group, hosts), ...freeOfInstances(group, hosts, instances)],
    after: [...startAgain(group, instances), profile.afterReboot(hosts)],
  };
}

/** A controller is always alone in its list. */
function swact({ profile, inputs }: PatchGroup, hosts: readonly Host[]): Step[] {
  const moves = !inputs.singleController && hosts.some((host) => isA('controller', host));
  return moves ? [step(profile, 'swact-hosts', hostEntities(hosts))] : [];
}

function freeOfInstances(
  { profile, inputs, fleet }: PatchGroup,
  hosts: readonly Host[],
  instances: readonly Instance[],
): readonly Step[] {
  const { 'default-instance-action': action, 'worker-apply-type': applyType } = inputs.params;
  if (action === 'migrate') {
    const leaving: Leaving = { hosts, instances, applyType, computeHosts: fleet.computeHosts(hosts) };
    return profile.migrate(profile, leaving);
  }
  return instances.length > 0 ? [step(profile, 'stop-instances', instanceEntities(instances))] : [];
}

function startAgain({ profile, inputs }: PatchGroup, instances: readonly Instance[]): Step[] {
  const stopped = inputs.params['default-instance-action'] === 'stop-start' && instances.length > 0;
  return stopped ? [step(profile, 'start-instances', instanceEntities(instances))] : [];
}
