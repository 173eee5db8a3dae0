/** The constraints of a recorded session: the managers of its projects keep them current. */
import { MOVE_ACTIONS } from '../../../crds/vocabulary.ts';
import type { Constraints } from '../../../engine/session/constraints/constraints.ts';
import { constraintsOfPods } from '../../../engine/session/constraints/node-constraints.ts';
import {
  constraintsFrom,
  type ConstraintObjects,
} from '../../../engine/session/constraints/read-constraints.ts';
import type { InstanceFacts } from '../../../engine/view.ts';
import type { SimulatedWorld } from '../../../hostops/simulated/simulated-world.ts';
import type { HostName } from '../../../planner/hosts/facts.ts';
import type { RecordedSession } from './recorded-session.ts';

/** What the name of an instance ends in that its owner has made in the place of another one. */
export const REPLACED = '-replaced';

/** A project is a namespace of its own name. */
export function constraintsIn(recorded: RecordedSession, world: SimulatedWorld): Constraints {
  const servers = [...world.pods.values()].map((pod): InstanceFacts => ({ ...pod, controller: undefined }));
  const tenancy = { namespaceOf: (project: string) => project, actions: MOVE_ACTIONS };
  const stated = constraintsFrom(objectsIn(recorded, world), servers, tenancy);
  return recorded.create.workflow === 'kubernetes' ? constraintsOfPods(stated, servers, []) : stated;
}

function objectsIn(
  { world: { groups, instances } }: RecordedSession,
  world: SimulatedWorld,
): ConstraintObjects {
  const objects = [...world.pods.values()].flatMap(({ uid, name, project = '' }) => {
    const { constraint } = instances.find(({ id }) => id === firstName(name)) ?? {};
    const spec = constraint && { ...constraint, instanceId: uid, resourceMitigation: false };
    return spec ? [{ namespace: project, name: uid, spec }] : [];
  });
  const projects = [...new Set(instances.map(({ project }) => project))];
  return {
    instances: objects,
    groups: projects.flatMap((namespace) =>
      Object.entries(groups).map(([name, spec]) => ({ namespace, name, spec })),
    ),
  };
}

/** The name that an instance had before it was replaced. */
export function firstName(name: string): string {
  return name.replaceAll(REPLACED, '');
}

/** Whether a host may take one more member of the group of an instance. */
export function mayTake(
  { world: { groups, instances } }: RecordedSession,
  world: SimulatedWorld,
  host: HostName,
  instance: string,
): boolean {
  const groupOf = (name: string): string | undefined => {
    const { project, constraint } = instances.find(({ id }) => id === firstName(name)) ?? {};
    return constraint && `${project ?? ''}/${constraint.groupRef}`;
  };
  const group = groupOf(instance);
  const { antiAffinity = false, maxInstancesPerHost = 1 } = groups[group?.split('/')[1] ?? ''] ?? {};
  if (group === undefined || !antiAffinity) return true;
  const there = [...world.pods.values()].filter((pod) => pod.host === host || pod.movingTo === host);
  return there.filter(({ name }) => groupOf(name) === group).length < maxInstancesPerHost;
}
