/** The world of sessions at the beginning of a seed: hosts with so many CPUs, projects with pods on them, sessions. */
import { ADMIN, labelsOf, NAMESPACE, OLD, POOL } from '../scenario.ts';
import type { ApiServer } from '../world/api-server.ts';
import type { Cluster } from '../world/cluster.ts';
import type { Json, NewObject } from '../world/objects.ts';
import type { Random } from '../world/random.ts';
import { refOf, type StrategyRef } from '../world/strategies.ts';
import { demandsOf, type Demands } from './constraint-scenario.ts';

const CPUS = 4;
const job = { template: { spec: { containers: [{ name: 'apply', image: 'maintain:1' }] } } };
const BESIDE = {
  id: 'kubelet',
  rebootRequired: false,
  current: [{ fact: 'nodeInfo.kubeletVersion', operator: 'AtLeast', values: ['v1.36.4'] }],
  action: { job },
};
/** The actions of a session, of each type. */
const ACTIONS = {
  pre: { plugin: 'prepare', type: 'pre', job },
  host: { plugin: 'maintain', type: 'host', job },
  compute: { plugin: 'calibrate', type: 'compute', job },
  controller: { plugin: 'control', type: 'controller', job },
  post: { plugin: 'finish', type: 'post', job },
} as const;

export type SessionScenario = {
  readonly hosts: readonly string[];
  readonly projects: readonly string[];
  /** The sessions, and a PatchStrategy in some seeds. */
  readonly strategies: readonly StrategyRef[];
  readonly limit: number | string;
  /** By project: how many of its pods must be available. */
  readonly minAvailable: Record<string, number>;
  readonly cpusOf: (host: string) => number;
  /** What the projects demand of moves; undefined where the workflow of the sessions looks at no constraints. */
  readonly demands: Demands | undefined;
  /** How much more time a project may have to answer; undefined where none asks for it. */
  readonly extendSeconds: number | undefined;
  /** Creates the objects; those of the projects, once their pods are there and before the sessions. */
  readonly set: (server: ApiServer, cluster: Cluster, ofProjects: () => void) => void;
};

/**
 * Draws the world. In a calm one all times are generous, and there is room to empty a host.
 * @param later draws what was added later: so the other draws of a seed stay as they were
 */
export function sessionScenarioOf(random: Random, later: Random, isCalm: boolean): SessionScenario {
  const controllers = random.pick([0, 0, 1]);
  const workers = random.int(4, 6);
  const hosts = [...names('c', controllers), ...names('w', workers)];
  const compute = hosts.slice(controllers);
  const projects = names('tenant', random.int(1, 4));
  const most = isCalm ? (workers - 2) * (CPUS - 1) : workers * CPUS - 1;
  const pods = placed(random, compute, projects, random.int(2, most));
  const limit = random.pick([1, 2, 2, 3, '50%']);
  const wishes = sessionsOf(random, hosts, compute, isCalm);
  const demands = demandsOf(later.fork(), projects, isCalm);
  const extendSeconds = !isCalm && later.chance(0.4) ? later.pick([0, 20, 60, 120]) : undefined;
  const workflow = demands ? { workflow: demands.workflow } : {};
  const sessions = wishes.map((spec, i) =>
    object('MaintenanceSession', `round-${String(i + 1)}`, { ...spec, ...workflow }),
  );
  const hasPatches = !isCalm && random.chance(0.35);
  const patches = hasPatches ? [object('PatchStrategy', 'beside', besideOf(random))] : [];
  const objects = [...sessions, ...patches];
  const isSpare = random.chance(0.5);
  const isApart = (project: string): boolean => demands?.byProject.get(project)?.isApart === true;
  const minAvailable = Object.fromEntries(
    projects.map((project) => {
      const count = pods.filter(([of]) => of === project).length;
      return [project, isSpare ? 0 : Math.max(0, count - random.int(1, 2))];
    }),
  );
  return {
    ...{ hosts, projects, limit, minAvailable, strategies: objects.map(refOf), cpusOf: () => CPUS },
    ...{ demands, extendSeconds },
    set: (server, cluster, ofProjects) => {
      server.create('hostpools', poolOf(limit, extendSeconds), ADMIN);
      for (const host of hosts) cluster.addNode(host, labelsOf(host), OLD);
      for (const [project, host] of pods)
        cluster.addPod(project, host, {
          ...{ namespace: project, cpu: 1 },
          ...(isApart(project) ? { apart: true } : {}),
        });
      ofProjects();
      for (const each of objects) server.create(refOf(each).resource, each, ADMIN);
    },
  };
}

function placed(
  random: Random,
  hosts: readonly string[],
  projects: readonly string[],
  count: number,
): readonly (readonly [project: string, host: string])[] {
  const pods: (readonly [string, string])[] = [];
  for (let left = count; left > 0; left -= 1) {
    const free = hosts.filter((host) => pods.filter(([, on]) => on === host).length < CPUS);
    if (free.length > 0) pods.push([random.pick(projects), random.pick(free)]);
  }
  return pods;
}

const WAYS = ['all', 'all', 'some', 'two', 'overlapping'] as const;

/** One session on all hosts or on some, or two on hosts of their own. */
function sessionsOf(
  random: Random,
  hosts: readonly string[],
  compute: readonly string[],
  isCalm: boolean,
): readonly Json[] {
  const half = Math.ceil(compute.length / 2);
  const one = compute.slice(0, half);
  // Two sessions may take the room of each other: then neither can go on.
  switch (random.pick(isCalm ? (['all', 'some'] as const) : WAYS)) {
    case 'all':
      return [sessionOf(random, isCalm, random.chance(0.5) ? [] : hosts)];
    case 'some':
      return [sessionOf(random, isCalm, compute.slice(0, random.int(2, compute.length)))];
    case 'two':
      return [sessionOf(random, isCalm, one), sessionOf(random, isCalm, compute.slice(half))];
    case 'overlapping':
      return [sessionOf(random, isCalm, one), sessionOf(random, isCalm, compute.slice(half - 1))];
  }
}

function sessionOf(random: Random, isCalm: boolean, hosts: readonly string[]): Json {
  const reply = (): number => (isCalm ? 600 : random.int(20, 90));
  const kinds = random.pick([['host'], ['compute', 'host'], ['compute'], Object.keys(ACTIONS), []]);
  return {
    ...{ poolRef: POOL, hosts, metadata: {} },
    actions: Object.entries(ACTIONS).flatMap(([kind, action]) => (kinds.includes(kind) ? [action] : [])),
    replies: {
      ...{ replySeconds: reply(), scaleInReplySeconds: reply() },
      onSilence: random.pick(['fail', 'fail', 'proceed', 'wait']),
    },
    onForeignUncordon: random.pick(['pause', 'recordon', 'fail']),
    timing: isCalm ? GENEROUS : timingOf(random),
    execution: { mode: 'Run' },
  };
}

function besideOf(random: Random): Json {
  return {
    ...{ poolRef: POOL, patches: [BESIDE], controllerApplyType: 'serial', workerApplyType: 'parallel' },
    maxParallelWorkerHosts: random.int(1, 2),
    timing: timingOf(random),
    execution: { mode: 'Run' },
  };
}

const GENEROUS = {
  ...{ lockTimeoutSeconds: 300, patchTimeoutSeconds: 300, verifyTimeoutSeconds: 300 },
  ...{ unlockTimeoutSeconds: 300, settleSeconds: 1, stabilizeSeconds: 1 },
};

function timingOf(random: Random): Json {
  const seconds = (): number => random.int(40, 120);
  return {
    ...{ lockTimeoutSeconds: seconds(), drainTimeoutSeconds: seconds(), patchTimeoutSeconds: seconds() },
    ...{ verifyTimeoutSeconds: seconds(), unlockTimeoutSeconds: seconds() },
    ...{ settleSeconds: random.int(0, 2), stabilizeSeconds: random.int(0, 2) },
  };
}

function poolOf(maxUnavailable: number | string, extendSeconds: number | undefined): NewObject {
  const spec = {
    ...{ provider: { kubernetes: { nodeSelector: {} } }, maxUnavailable, paused: false },
    allowedNamespaces: [NAMESPACE],
    ...(extendSeconds === undefined ? {} : { tenants: { extendSeconds } }),
  };
  return { apiVersion: 'careen.dev/v1alpha1', kind: 'HostPool', metadata: { name: POOL }, spec };
}

function object(kind: string, name: string, spec: Json): NewObject {
  return { apiVersion: 'careen.dev/v1alpha1', kind, metadata: { name, namespace: NAMESPACE }, spec };
}

function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}-${String(i + 1)}`);
}
