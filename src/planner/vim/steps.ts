/**
 * What a VIM plan is made of: steps and the hosts or instances they act on.
 */
import type { Profile } from './profile.ts';

/** Steps that only pass time: how long they take is said where they are used, not in the profile's table. */
export type WaitName = 'system-stabilize' | 'wait-data-sync' | 'wait-alarms-clear';

/** Queries of the build phase; `query-alarms` begins every stage of the apply phase as well. */
export type QueryName = 'query-alarms' | 'query-sw-patches' | 'query-sw-patch-hosts' | 'query-upgrade';

/** Steps whose timeout is the same wherever they are used. */
export type TimedStepName =
  | QueryName
  | 'swact-hosts'
  | 'lock-hosts'
  | 'unlock-hosts'
  | 'reboot-hosts'
  | 'sw-patch-hosts'
  | 'upgrade-hosts'
  | 'migrate-instances'
  | 'migrate-instances-from-host'
  | 'stop-instances'
  | 'start-instances'
  | 'disable-host-services'
  | 'activate-upgrade'
  | 'complete-upgrade';

export type StepName = TimedStepName | WaitName;

type Entity = { readonly name: string; readonly uuid: string };

/** The hosts or instances of a step, named twice in the same order; neither for a step that acts on the system. */
export type Entities = {
  readonly type: 'hosts' | 'instances' | '';
  readonly names: readonly string[];
  readonly uuids: readonly string[];
};

export type Step = {
  readonly name: StepName;
  readonly timeoutSeconds: number;
  readonly entities: Entities;
};

/** Hosts that take the same steps together. */
export type Stage = { readonly name: StageName; readonly steps: readonly Step[] };

export type StageName =
  | 'sw-patch-query'
  | 'sw-patch-controllers'
  | 'sw-patch-storage-hosts'
  | 'sw-patch-swift-hosts'
  | 'sw-patch-worker-hosts'
  | 'sw-upgrade-query'
  | 'sw-upgrade-controllers'
  | 'sw-upgrade-storage-hosts'
  | 'sw-upgrade-worker-hosts'
  | 'sw-upgrade-complete';

const NOTHING: Entities = { type: '', names: [], uuids: [] };

export function hostEntities(hosts: readonly Entity[]): Entities {
  return entities('hosts', hosts);
}

export function instanceEntities(instances: readonly Entity[]): Entities {
  return entities('instances', instances);
}

function entities(type: Entities['type'], all: readonly Entity[]): Entities {
  return { type, names: all.map(({ name }) => name), uuids: all.map(({ uuid }) => uuid) };
}

export function step(profile: Profile, name: TimedStepName, on: Entities = NOTHING): Step {
  return { name, timeoutSeconds: profile.timeoutSeconds[name], entities: on };
}

export function wait(name: WaitName, timeoutSeconds: number): Step {
  return { name, timeoutSeconds, entities: NOTHING };
}
