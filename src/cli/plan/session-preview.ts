/** What is known of a session before it begins: its hosts, its terms and the work on each host. Pure. */
import { ownerKey, ownerOfKey, type OwnerName } from '../../crds/owner-ref.ts';
import type { SessionTerms } from '../../crds/spec/session-terms.ts';
import type { StrategySpec } from '../../crds/spec/strategy-spec.ts';
import { planSession, type HostsInService } from '../../engine/session/plan-session.ts';
import { hostStage, inPlaceStage } from '../../engine/session/rounds.ts';
import type { SessionHost, SessionProgress } from '../../engine/session/session-state.ts';
import type { Workflow } from '../../engine/session/workflow.ts';
import type { Instant } from '../../engine/view.ts';
import { estimateStage } from '../../planner/estimate.ts';
import type { HostSeed } from '../../planner/hosts/facts.ts';
import type { Plan, Stage } from '../../planner/plan.ts';
import { CommandError } from '../command-error.ts';
import type { PlannedPool } from './planned-pool.ts';

export type SessionPreview = {
  readonly workflow: string;
  /** Absent: hosts are closed as soon as all projects have agreed. */
  readonly startsAt?: string;
  readonly replySeconds: number;
  readonly scaleInReplySeconds: number;
  readonly onSilence: SessionTerms['silent'];
  /** In the order in which they are maintained. */
  readonly hosts: readonly SessionHostPreview[];
  /** What runs once, on the first host of the session that is worked on. */
  readonly before: readonly string[];
  readonly after: readonly string[];
};

export type SessionHostPreview = Pick<SessionHost, 'name' | 'type'> & {
  /** What is done on it, in this order. */
  readonly actions: readonly string[];
  /** How long that takes once the host is empty, without failures. */
  readonly estimatedSeconds: number;
};

/** Plans a session as the operator does. Throws CommandError with a line for each problem. */
export function plannedSession(
  spec: StrategySpec,
  {
    owner,
    planned: { pool, hosts },
    seeds,
    now,
  }: {
    readonly owner: OwnerName;
    readonly planned: PlannedPool;
    readonly seeds: readonly HostSeed[];
    readonly now: Instant;
  },
): { readonly plan: Plan; readonly session: SessionProgress; readonly hosts: number } {
  const onNodes = pool.spec.provider.openstack === undefined;
  const view = inService(hosts, ownerKey(owner));
  const workflows = workflowsOf(pool.spec);
  const found = planSession(spec, seeds, { pool: pool.name, view, now, onNodes, workflows });
  if (found.problems) throw new CommandError(found.problems.join('\n'));
  return { ...found, hosts: found.session.hosts.length };
}

/** The modules are those of the operator; the pool says which of them its sessions may name. The plan is made without them. */
function workflowsOf({ actionPolicy }: PlannedPool['pool']['spec']): ReadonlyMap<string, Workflow> {
  const elsewhere: Workflow = () => ({ kind: 'failed', reason: 'only the operator has its module' });
  return new Map((actionPolicy.workflows ?? []).map((name) => [name, elsewhere]));
}

/** A host that this very session holds counts as it will be once it is given back. */
function inService(hosts: PlannedPool['hosts'], own: string): HostsInService {
  const known = new Map(hosts.map((host) => [host.name, host]));
  return {
    host: (name) => {
      const found = known.get(name);
      if (!found) return undefined;
      const { closedToNewWork, claimedBy } = found;
      if (claimedBy?.owner === own) return { closedToNewWork: false };
      return { closedToNewWork, ...(claimedBy ? { claim: { owner: ownerOfKey(claimedBy.owner) } } : {}) };
    },
  };
}

/** The stages that work on the hosts of a session, without those that ask its projects and move instances. */
export function workStages(
  { actions: { session: terms, timing } }: Plan,
  { hosts }: Pick<SessionProgress, 'hosts'>,
  now: Instant,
): readonly Stage[] {
  if (!terms) return [];
  const given = { terms, timing, now };
  return hosts.flatMap(({ name, type }) => {
    if (type === 'compute') return [hostStage(given, name)];
    return type === 'controller' ? (inPlaceStage(given, name, ['host', 'controller']) ?? []) : [];
  });
}

/** @param work its `workStages` */
export function sessionPreview(
  { workflow, startAt, replySeconds, scaleInReplySeconds, silent, actions }: SessionTerms,
  { hosts }: Pick<SessionProgress, 'hosts'>,
  work: readonly Stage[],
): SessionPreview {
  const ofType = (wanted: SessionTerms['actions'][number]['type']): string[] =>
    actions.flatMap(({ plugin, type }) => (type === wanted ? [plugin] : [])).toSorted();
  return {
    workflow,
    ...(startAt === undefined ? {} : { startsAt: startAt }),
    ...{ replySeconds, scaleInReplySeconds, onSilence: silent },
    hosts: hosts.map(({ name, type }) => {
      const stage = work.find((each) => each.hosts.includes(name));
      const estimatedSeconds = stage ? estimateStage(stage) : 0;
      return { name, type, actions: stage?.patches ?? [], estimatedSeconds };
    }),
    before: ofType('pre'),
    after: ofType('post'),
  };
}
