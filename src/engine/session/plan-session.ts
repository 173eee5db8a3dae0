/** Plans a session: its hosts, and the stage in which its projects are told. Pure. */
import type { StrategySpec } from '../../crds/spec/strategy-spec.ts';
import type { SessionTerms } from '../../crds/spec/session-terms.ts';
import { MOVE_ACTIONS } from '../../crds/vocabulary.ts';
import { ownerText, type OwnerName } from '../../crds/owner-ref.ts';
import { compareHostNames, type HostName, type HostSeed } from '../../planner/hosts/facts.ts';
import type { Plan } from '../../planner/plan.ts';
import type { Instant } from '../view.ts';
import { buildSession } from './build-session.ts';
import { newSession, type Affected, type SessionHost, type SessionProgress } from './session-state.ts';
import type { Workflow } from './workflow.ts';
import { KNOWN_WORKFLOWS, workflowNamed } from './workflows.ts';

/** A session that has not begun: its plan and its hosts; or what is wrong with its spec, one sentence each. */
export type PlannedSession =
  | { readonly plan: Plan; readonly session: SessionProgress; readonly problems?: undefined }
  | { readonly problems: readonly string[] };

/** Whether hosts take new work, and who holds them: that much of a `View`. */
export type HostsInService = {
  readonly host: (name: HostName) =>
    | {
        readonly closedToNewWork: boolean;
        readonly claim?: { readonly owner: OwnerName } | undefined;
      }
    | undefined;
};

export type SessionScene = {
  readonly pool: string;
  readonly view: HostsInService;
  readonly now: Instant;
  /** Whether its hosts are nodes: a pod is not moved live, and what replaces it may come back to an open node. */
  readonly onNodes: boolean;
  /** The workflows that the administrator has added. */
  readonly workflows?: ReadonlyMap<string, Workflow> | undefined;
  /** How many events the runs of the session before had; absent: there was none. */
  readonly told?: number | undefined;
  /** What those have moved, while it counts as affected; absent: nothing. */
  readonly affected?: Affected | undefined;
};

/** The workflow that needs pods and their disruption budgets. */
const OF_PODS = 'kubernetes';

const OF_NODES: Pick<SessionTerms, 'moves' | 'closesFirst'> = {
  moves: MOVE_ACTIONS.filter((action) => action !== 'LIVE_MIGRATE'),
  closesFirst: true,
};

/** @param spec that of a MaintenanceSession */
export function planSession(
  spec: StrategySpec,
  seeds: readonly HostSeed[],
  { pool, view, now, onNodes, workflows, told, affected }: SessionScene,
): PlannedSession {
  const { session: wish, patches, drain, timing, onForeignUncordon } = spec;
  if (!wish) throw new Error('the spec is none of a MaintenanceSession');
  const { hosts: wanted, ...terms } = wish;
  const known = new Map(seeds.map((seed) => [seed.name, seed]));
  const names = wanted.length > 0 ? wanted : [...known.keys()].toSorted(compareHostNames);
  const problems = [
    ...problemOfWorkflow(terms.workflow, { pool, onNodes, workflows }),
    ...problemOfStart(terms.startAt, now),
    ...names.flatMap((name) => (known.has(name) ? outOfService(name, view) : [unknownHost(name, pool)])),
  ];
  const hosts = names.flatMap((name) => sessionHost(known.get(name)));
  if (problems.length === 0 && !hosts.some(({ type }) => type === 'compute'))
    problems.push(
      `no worker is among the hosts of the session: ${names.join(', ') || `HostPool ${pool} has none`}`,
    );
  if (problems.length > 0) return { problems };
  const hasOthers = seeds.some(({ name, roles }) => roles.includes('worker') && !names.includes(name));
  const others = hasOthers ? ({ othersTakeIn: true } as const) : {};
  const plan = buildSession(
    { ...terms, ...(onNodes ? OF_NODES : {}), ...others },
    { patches, drain, timing, onForeignUncordon },
    { hosts: names, now },
  );
  return { plan, session: { ...newSession(hosts, told), ...affected } };
}

function problemOfWorkflow(
  workflow: string,
  { pool, onNodes, workflows: own }: Pick<SessionScene, 'pool' | 'onNodes' | 'workflows'>,
): string[] {
  if (workflow === OF_PODS && !onNodes)
    return [
      `spec.workflow is ${workflow}, which follows the disruption budgets of pods; the hosts of HostPool ${pool} are ` +
        'compute hosts of an OpenStack: use vnf, which follows the constraints of their owners, or default',
    ];
  if (workflowNamed(workflow, own)) return [];
  const known = [...KNOWN_WORKFLOWS, ...(own?.keys() ?? [])];
  return [`spec.workflow is ${workflow}: there is no such workflow; use ${known.join(', ')}`];
}

function problemOfStart(startAt: string | undefined, now: Instant): string[] {
  if (startAt === undefined || Date.parse(startAt) > now) return [];
  return [`spec.maintenanceAt is ${startAt}, which is past: give a later time, or leave it out`];
}

function unknownHost(name: string, pool: string): string {
  return `spec.hosts names ${name}: HostPool ${pool} has no such host`;
}

/** A session begins only with hosts in service (fenix.md §7). */
function outOfService(name: string, view: HostsInService): string[] {
  const facts = view.host(name);
  if (facts?.claim)
    return [
      `host ${name} is held by ${ownerText(facts.claim.owner)}: wait for its end, or leave the host out`,
    ];
  return facts?.closedToNewWork ? [`host ${name} is out of service: give it back, or leave it out`] : [];
}

/** Workers are emptied, unless they are controllers, too: those keep their work. */
function sessionHost(seed: HostSeed | undefined): SessionHost[] {
  if (!seed) return [];
  const { name, roles } = seed;
  const type = roles.includes('controller') ? 'controller' : roles.includes('worker') ? 'compute' : 'other';
  return [{ name, type, maintained: false }];
}
