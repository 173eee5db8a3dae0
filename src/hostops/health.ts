/** Judges the conditions and taints of hosts by the health rules of their pool, for the adapters whose hosts have them. Pure. */
import type { HostPoolHealth } from '../crds/host-pool.ts';
import { MAINTENANCE_TAINT } from '../crds/names.ts';
import { NOT_READY, type HostAlarm, type HostTaint, type Instant } from '../engine/view.ts';

/** A condition that is True. `detail`: reason and message. */
export type HostCondition = {
  readonly type: string;
  readonly detail: string;
  readonly since: Instant | undefined;
};

/** The conditions of a host, without those that are False. */
export type HostConditions = {
  /** Why it is not Ready; undefined while it is. */
  readonly notReady: string | undefined;
  readonly conditions: readonly HostCondition[];
};

export type Taint = { readonly key: string; readonly effect: string };

/** They hold up every run, since when they are True does not matter. Any other alarm holds up the runs that saw it begin. */
const ALWAYS: readonly string[] = ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'NetworkUnavailable'];
/** The marks of a cordon, ours or not: `closedToNewWork` says that, and the claim whose it is. */
const CORDON: readonly string[] = [MAINTENANCE_TAINT, 'node.kubernetes.io/unschedulable'];
const KEEPS_WORK_AWAY: readonly string[] = ['NoSchedule', 'NoExecute'];
/** The taints of nodes that are not in service yet: of Kubernetes, its cloud providers, and agents for network and volumes. */
const OUT_OF_SERVICE =
  /^(node\.kubernetes\.io\/(network-unavailable|out-of-service)|node\.cloudprovider\.kubernetes\.io\/.+|.+\/agent-not-ready)$/;

/** The alarms of a host. */
export function alarmsOf(
  { notReady, conditions }: HostConditions,
  { alarmConditions }: HostPoolHealth,
): HostAlarm[] {
  const reported = conditions.filter(({ type }) => alarmConditions.includes(type));
  return [
    ...(notReady === undefined ? [] : [{ id: NOT_READY, text: notReady }]),
    ...reported.map(({ type, detail, since }) => ({
      id: type,
      text: `reports ${type} (${detail})`,
      ...(since === undefined || ALWAYS.includes(type) ? {} : { since }),
    })),
  ];
}

/** The taints that keep work away from a host, without those of a cordon and those that its pool tolerates. */
export function taintsOf(taints: readonly Taint[], { toleratedTaints }: HostPoolHealth): HostTaint[] {
  return taints
    .filter(({ key, effect }) => KEEPS_WORK_AWAY.includes(effect) && !CORDON.includes(key))
    .filter(({ key }) => !toleratedTaints.includes(key))
    .map(({ key, effect }) => `${key}:${effect}`);
}

/** The taints by which a host says that it is not in service, whether or not somebody works on it. */
export function outOfServiceTaints(taints: readonly Taint[], health: HostPoolHealth): HostTaint[] {
  return taintsOf(
    taints.filter(({ key }) => OUT_OF_SERVICE.test(key)),
    health,
  );
}
