/** What the projects of a simulated world demand of moves. It comes from a random stream of its own. */
import type { Json } from '../world/objects.ts';
import type { Random } from '../world/random.ts';

/** The share of the seeds with sessions whose projects have constraints. */
const SHARE = 0.5;

/** A group of instances of a project, and how its members are moved. */
export type GroupDemands = {
  readonly name: string;
  /** The spec of its InstanceGroupConstraint. */
  readonly bounds: Json;
  /** The spec of the InstanceConstraint of a member, without the instance that it names. */
  readonly member: Json;
};

export type ProjectDemands = {
  /** Empty: the project has no constraints. */
  readonly groups: readonly GroupDemands[];
  /** One constraint selects all pods of the project; else each pod has one. */
  readonly bySelector: boolean;
  /** Its pods start on no host of another one. */
  readonly isApart: boolean;
};

export type Demands = {
  readonly workflow: 'vnf' | 'kubernetes';
  readonly byProject: ReadonlyMap<string, ProjectDemands>;
};

/** Undefined in a seed without constraints. In a calm one they leave room for each move. */
export function demandsOf(random: Random, projects: readonly string[], isCalm: boolean): Demands | undefined {
  if (!random.chance(SHARE)) return undefined;
  const workflow = random.pick(['vnf', 'vnf', 'kubernetes'] as const);
  const byProject = projects.map((project) => [project, ofProject(random, workflow, isCalm)] as const);
  return { workflow, byProject: new Map(byProject) };
}

function ofProject(random: Random, workflow: Demands['workflow'], isCalm: boolean): ProjectDemands {
  const bySelector = random.chance(0.5);
  const isApart = !isCalm && random.chance(0.25);
  const count = bySelector ? 1 : random.int(1, 2);
  const groups = Array.from({ length: count }, (_, i) => ({
    name: `group-${String(i + 1)}`,
    bounds: boundsOf(random, isCalm),
    member: memberOf(random, isCalm),
  }));
  const hasNone = workflow === 'kubernetes' && random.chance(0.4);
  return { groups: hasNone ? [] : groups, bySelector, isApart };
}

/** How many members of a group may be affected, and how they are spread. */
export function boundsOf(random: Random, isCalm: boolean): Json {
  const isKeptApart = random.chance(0.3) && !isCalm;
  const perHost = random.pick([0, 1, 2]);
  return {
    ...{ maxImpactedMembers: random.pick([1, 1, 2, 2, 3]), recoverySeconds: random.pick([0, 0, 5, 20, 60]) },
    ...(isKeptApart ? { antiAffinity: true } : {}),
    ...(isKeptApart && perHost > 0 ? { maxInstancesPerHost: perHost } : {}),
    ...(random.chance(0.2) ? { resourceMitigation: true } : {}),
  };
}

/** How a member is moved. An owner that is to act itself has to be asked. */
export function memberOf(random: Random, isCalm: boolean): Json {
  const migrationType = random.pick(['MIGRATE', 'MIGRATE', 'MIGRATE', 'MIGRATE', 'OWN_ACTION']);
  const leadTimeSeconds = isCalm ? random.pick([0, 120]) : random.pick([0, 0, 15, 30, 60, 90]);
  return {
    migrationType,
    leadTimeSeconds: migrationType === 'OWN_ACTION' && leadTimeSeconds === 0 ? 120 : leadTimeSeconds,
    ...(random.chance(0.3) ? { maxInterruptionSeconds: random.pick([1, 120]) } : {}),
    ...(random.chance(0.2) ? { resourceMitigation: true } : {}),
  };
}
