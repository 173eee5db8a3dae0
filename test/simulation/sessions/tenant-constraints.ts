/**
 * The constraints of the projects of a simulated world, as objects in their namespaces. A project keeps them current while
 * its pods come and go: at once in most cases, and else late, wrongly, or for a pod of somebody else.
 */
import type { ApiServer, Change } from '../world/api-server.ts';
import { keyOf, type ApiObject, type Json, type NewObject } from '../world/objects.ts';
import type { Random } from '../world/random.ts';
import type { Scheduler } from '../world/scheduler.ts';
import {
  boundsOf,
  memberOf,
  type Demands,
  type GroupDemands,
  type ProjectDemands,
} from './constraint-scenario.ts';

export const CONSTRAINT_FAULTS = [
  'constraint comes late',
  'constraint is edited',
  'constraint does not hold',
  'constraint names a pod of others',
] as const;
export type ConstraintFault = (typeof CONSTRAINT_FAULTS)[number];

const INSTANCES = 'instanceconstraints';
const GROUPS = 'instancegroupconstraints';
/** How often a constraint comes late. */
const LATE = 0.04;

export type TenantConstraintsOptions = {
  readonly server: ApiServer;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly demands: Demands;
  readonly isCalm: boolean;
  readonly note: (kind: ConstraintFault, about: string) => void;
};

export class TenantConstraints {
  readonly #options: TenantConstraintsOptions;
  /** By the key of an object: what it says while nothing is wrong with it. */
  readonly #right = new Map<string, Json>();
  /** The objects that are wrong until the faults stop, or sooner. */
  #isOver = false;
  #hasBegun = false;

  constructor(options: TenantConstraintsOptions) {
    this.#options = options;
    options.server.listen((change) => this.#changed(change));
  }

  /** Makes the groups, and the constraints of all pods of a project. The pods are there. */
  set(): void {
    const { demands, random } = this.#options;
    for (const [project, { groups, bySelector }] of demands.byProject) {
      const members = groups.map((group) => (): void => {
        if (bySelector) this.#keep(INSTANCES, project, 'all', selecting(project, group));
      });
      const bounds = groups.map(
        ({ name, bounds: spec }) =>
          (): void =>
            this.#keep(GROUPS, project, name, spec),
      );
      // Groups may be made before their members, or after them.
      const all = random.chance(0.5) ? [...bounds, ...members] : [...members, ...bounds];
      for (const make of all) make();
    }
    this.#hasBegun = true;
  }

  /** Draws what goes wrong within the next milliseconds. */
  plan(milliseconds: number): void {
    const { random, scheduler } = this.#options;
    for (let left = random.int(0, 4); left > 0; left -= 1) {
      const kind = random.pick(CONSTRAINT_FAULTS.slice(1));
      scheduler.after(random.int(1_000, milliseconds), () => this.#strike(kind));
    }
  }

  /** From now on every constraint is right. */
  settle(): void {
    this.#isOver = true;
    for (const key of this.#right.keys()) this.#restore(key);
    for (const pod of this.#options.server.list('pods')) this.#comes(pod, 500);
  }

  /** How the constraint of a pod says that it is moved; undefined without one. */
  actionOf(uid: string): unknown {
    const { server } = this.#options;
    const pod = server.list('pods').find(({ metadata }) => metadata.uid === uid);
    const { namespace = '' } = pod?.metadata ?? {};
    const found = [`${namespace}/of-${uid}`, `${namespace}/all`].map((key) => server.get(INSTANCES, key));
    return found.find((each) => each !== undefined)?.spec?.['migrationType'];
  }

  #changed({ resource, type, object }: Change): void {
    if (resource !== 'pods') return;
    const { random, scheduler, isCalm, note } = this.#options;
    const { name, namespace = '', uid } = object.metadata;
    const { groups = [], bySelector = true } = this.#demandsIn(namespace) ?? {};
    if (bySelector || groups.length === 0) return;
    if (type === 'DELETED')
      scheduler.after(random.int(500, 5_000), () => this.#drop(INSTANCES, `${namespace}/of-${uid}`));
    if (type !== 'ADDED') return;
    const isLate = !isCalm && !this.#isOver && random.chance(LATE);
    if (isLate) note('constraint comes late', `of pod ${name}`);
    const milliseconds = isLate ? random.int(20_000, 90_000) : random.int(500, isCalm ? 2_000 : 6_000);
    this.#comes(object, this.#hasBegun || isLate ? milliseconds : 0);
  }

  /** The project makes a constraint for a pod, unless it has one. */
  #comes(pod: ApiObject, milliseconds: number): void {
    const { namespace = '', uid } = pod.metadata;
    const { groups = [], bySelector = true } = this.#demandsIn(namespace) ?? {};
    if (bySelector || groups.length === 0) return;
    const make = (): void => {
      if (!this.#options.server.get('pods', keyOf(pod.metadata))) return;
      if (this.#options.server.get(INSTANCES, `${namespace}/of-${uid}`)) return;
      this.#keep(INSTANCES, namespace, `of-${uid}`, naming(pod, this.#options.random.pick(groups)));
    };
    if (milliseconds === 0) make();
    else this.#options.scheduler.after(milliseconds, make);
  }

  #strike(kind: ConstraintFault): void {
    const { random } = this.#options;
    const keys = [...this.#right.keys()].filter((each) => this.#isThere(each));
    if (this.#isOver || keys.length === 0) return;
    const key = random.pick(keys);
    switch (kind) {
      case 'constraint is edited':
        return this.#edit(key);
      case 'constraint does not hold':
        return this.#spoil(key);
      case 'constraint names a pod of others':
        return this.#nameOthers();
      default:
    }
  }

  #edit(key: string): void {
    const { random, note } = this.#options;
    const before = this.#right.get(key) ?? {};
    const drawn = isGroup(key) ? boundsOf(random, false) : memberOf(random, false);
    const { instanceId, selector, groupRef } = before;
    const spec = isGroup(key) ? drawn : { ...drawn, instanceId, selector, groupRef };
    note('constraint is edited', `${key}: ${JSON.stringify(drawn)}`);
    this.#right.set(key, defined(spec));
    this.#restore(key);
  }

  /** For a while, the group of a constraint does not exist, or a pod cannot be moved so, or falls under two. */
  #spoil(key: string): void {
    const { random, scheduler, note } = this.#options;
    const spec = this.#right.get(key) ?? {};
    const isTwice = random.chance(0.5);
    note('constraint does not hold', key);
    scheduler.after(random.int(10_000, 60_000), () => this.#restore(key));
    const { resource, namespace, name } = partsOf(key);
    if (resource === GROUPS) return this.#drop(resource, `${namespace}/${name}`);
    if (!isTwice) return this.#write(resource, namespace, name, { ...spec, migrationType: 'LIVE_MIGRATE' });
    this.#write(resource, namespace, `${name}-again`, spec);
    scheduler.after(random.int(10_000, 60_000), () => this.#drop(resource, `${namespace}/${name}-again`));
  }

  /** A project makes a constraint for the pod of another one: by it nobody would have to be asked. */
  #nameOthers(): void {
    const { random, server, demands, note } = this.#options;
    const [project, { groups }] = random.pick([...demands.byProject]);
    const others = server.list('pods').filter(({ metadata }) => metadata.namespace !== project);
    const [group] = groups;
    if (!group || others.length === 0) return;
    const { name, uid } = random.pick(others).metadata;
    note('constraint names a pod of others', `${project} names ${name}`);
    const spec = { instanceId: uid, groupRef: group.name, migrationType: 'MIGRATE', leadTimeSeconds: 0 };
    this.#write(INSTANCES, project, `foreign-${uid}`, spec);
  }

  #demandsIn(namespace: string): ProjectDemands | undefined {
    return this.#options.demands.byProject.get(namespace);
  }

  #keep(resource: typeof INSTANCES | typeof GROUPS, namespace: string, name: string, spec: Json): void {
    this.#right.set(`${resource} ${namespace}/${name}`, spec);
    this.#write(resource, namespace, name, spec);
  }

  /** The object says what is right; that of a pod which is gone stays away. */
  #restore(key: string): void {
    const { resource, namespace, name } = partsOf(key);
    const spec = this.#right.get(key);
    const isOfPod = name.startsWith('of-');
    if (spec && (!isOfPod || this.#isThere(key))) this.#write(resource, namespace, name, spec);
    if (this.#isOver) this.#drop(resource, `${namespace}/${name}-again`);
  }

  #isThere(key: string): boolean {
    const { resource, namespace, name } = partsOf(key);
    return this.#options.server.get(resource, `${namespace}/${name}`) !== undefined;
  }

  #write(resource: typeof INSTANCES | typeof GROUPS, namespace: string, name: string, spec: Json): void {
    const { server } = this.#options;
    const key = `${namespace}/${name}`;
    const kind = resource === GROUPS ? 'InstanceGroupConstraint' : 'InstanceConstraint';
    const made: NewObject = { apiVersion: 'careen.dev/v1alpha1', kind, metadata: { name, namespace }, spec };
    if (server.get(resource, key)) server.update(resource, key, (each) => ({ ...each, spec }), namespace);
    else server.create(resource, made, namespace);
  }

  #drop(resource: typeof INSTANCES | typeof GROUPS, key: string): void {
    const { server } = this.#options;
    const { namespace } = partsOf(`${resource} ${key}`);
    if (server.get(resource, key)) server.remove(resource, key, namespace);
  }
}

function partsOf(key: string): {
  readonly resource: typeof INSTANCES | typeof GROUPS;
  readonly namespace: string;
  readonly name: string;
} {
  const [resource, place = ''] = key.split(' ');
  const [namespace = '', name = ''] = place.split('/');
  return { resource: resource === GROUPS ? GROUPS : INSTANCES, namespace, name };
}

function isGroup(key: string): boolean {
  return partsOf(key).resource === GROUPS;
}

function selecting(project: string, { name, member }: GroupDemands): Json {
  return { ...member, selector: { matchLabels: { app: project } }, groupRef: name };
}

function naming({ metadata: { uid, name } }: ApiObject, group: GroupDemands): Json {
  return { ...group.member, instanceId: uid, instanceName: name, groupRef: group.name };
}

function defined(spec: Json): Json {
  return Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== undefined));
}
