/** The parts of a VIM plan: steps, and their hosts or instances. */
import type { StageName } from '../../crds/vocabulary.ts';
import type { Entities, Undo } from '../plan.ts';

/** Steps that only wait. Their use sets their timeout, not the table of the profile. */
export type WaitName = 'system-stabilize' | 'wait-data-sync' | 'wait-alarms-clear';

/** Queries of the build phase; `query-alarms` begins every stage of the apply phase as well. */
export type QueryName = 'query-alarms' | 'query-sw-patches' | 'query-sw-patch-hosts' | 'query-upgrade';

/** Steps with the same timeout everywhere. */
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
  | 'enable-host-services'
  | 'activate-upgrade'
  | 'complete-upgrade';

export type StepName = TimedStepName | WaitName;

type Entity = { readonly name: string; readonly uuid: string };

export type Step = {
  readonly name: StepName;
  readonly timeoutSeconds: number;
  readonly entities: Entities;
  readonly undo?: Undo;
};

/** Hosts that take the same steps together. */
export type Stage = { readonly name: StageName; readonly steps: readonly Step[] };

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

/** How long each kind of step may take at a level of the VIM. */
type Timeouts = { readonly timeoutSeconds: Readonly<Record<TimedStepName, number>> };

/** By step, the step that undoes it in an abort once it has begun (starlingx-vim.md §9). Others are not undone. */
const UNDONE_BY: Readonly<Partial<Record<TimedStepName, TimedStepName>>> = {
  'lock-hosts': 'unlock-hosts',
  'stop-instances': 'start-instances',
  'disable-host-services': 'enable-host-services',
};

export function step(profile: Timeouts, name: TimedStepName, on: Entities = NOTHING): Step {
  const undo = UNDONE_BY[name];
  return {
    name,
    timeoutSeconds: profile.timeoutSeconds[name],
    entities: on,
    ...(undo ? { undo: { name: undo, timeoutSeconds: profile.timeoutSeconds[undo] } } : {}),
  };
}

export function wait(name: WaitName, timeoutSeconds: number): Step {
  return { name, timeoutSeconds, entities: NOTHING };
}
