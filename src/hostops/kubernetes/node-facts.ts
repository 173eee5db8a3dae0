/** Reads a Node, and keeps the parts that Careen uses. Pure. */
import type { V1Node, V1NodeCondition, V1Taint } from '@kubernetes/client-node';
import { z } from 'zod';
import { CLAIM_ANNOTATION, LEFT_LOCKED_ANNOTATION, MAINTENANCE_TAINT } from '../../crds/names.ts';
import type { Facts, HostSeed } from '../../planner/hosts/facts.ts';
import type { Labels } from '../../planner/hosts/labels.ts';
import { rolesOf } from '../label-selector.ts';
import type { HostCondition } from '../health.ts';
import type { HostState } from '../host-state.ts';
import { NODE_INFO } from '../../crds/spec/requirement.ts';
import type { Scope } from '../port.ts';
import { parseJson, readClaim } from '../claims.ts';
import { cpus } from './quantities.ts';

/** A node without the parts that nobody uses here (images, managed fields, heartbeats). */
export type NodeState = HostState & {
  readonly taints: readonly V1Taint[];
  readonly internalIps: readonly string[];
};

/** The reason that the node controller gives while a kubelet has never reported. */
const NEVER_REPORTED = 'NodeStatusNeverUpdated';
const LONGEST_MESSAGE = 200;

export function nodeState({ metadata, spec, status }: V1Node): NodeState {
  const labels = metadata?.labels ?? {};
  const conditions = status?.conditions ?? [];
  const ready = conditions.find(({ type }) => type === 'Ready');
  const { claim, spoilt } = readClaim(metadata?.annotations?.[CLAIM_ANNOTATION], metadata?.uid ?? '');
  const note = metadata?.annotations?.[LEFT_LOCKED_ANNOTATION];
  return {
    name: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
    joinedAt: metadata?.creationTimestamp && new Date(metadata.creationTimestamp).getTime(),
    revision: metadata?.resourceVersion ?? '',
    closedToNewWork: spec?.unschedulable === true,
    ready: ready?.status === 'True',
    wasReady: hasBeenReady(ready, metadata?.creationTimestamp),
    notReady: notReady(ready),
    conditions: reported(conditions),
    bootId: status?.nodeInfo?.bootID ?? '',
    facts: factsOf(labels, status?.nodeInfo),
    ...(status?.allocatable?.['cpu'] === undefined ? {} : { capacity: cpus(status.allocatable['cpu']) }),
    labels,
    taints: spec?.taints ?? [],
    internalIps: (status?.addresses ?? [])
      .filter(({ type }) => type === 'InternalIP')
      .map(({ address }) => address),
    claim,
    spoiltClaim: spoilt,
    hasMaintenanceMark: spec?.taints?.some(({ key }) => key === MAINTENANCE_TAINT) === true,
    leftLocked: note !== undefined,
    leftLockedBy: note === undefined ? undefined : ownerOfNote(note),
  };
}

/** The state of a node that was observed before: it stays known that the node was Ready. */
export function nextNodeState(node: V1Node, before: NodeState | undefined): NodeState {
  const state = nodeState(node);
  return before?.uid === state.uid && before.wasReady ? { ...state, wasReady: true } : state;
}

/** A kubelet makes its node with a first condition Ready; a later transition of it shows that the node was Ready. */
function hasBeenReady(ready: V1NodeCondition | undefined, createdAt: Date | undefined): boolean {
  if (!ready || ready.reason === NEVER_REPORTED) return false;
  const since = sinceOf(ready);
  return ready.status === 'True' || !since || !createdAt || since > new Date(createdAt);
}

const noteSchema = z.looseObject({ owner: z.looseObject({ uid: z.string() }) });

/** The uid of the owner in a left-locked note; undefined where somebody edited it. */
function ownerOfNote(note: string): string | undefined {
  return noteSchema.safeParse(parseJson(note)).data?.owner.uid;
}

export function seedOf(
  { name, labels, facts }: Pick<NodeState, 'name' | 'labels' | 'facts'>,
  roles: Scope['roles'],
): HostSeed {
  return { name, roles: rolesOf(labels, roles), facts };
}

function notReady(ready: V1NodeCondition | undefined): string | undefined {
  if (ready?.status === 'True') return undefined;
  return `is not Ready (${ready ? detail(ready) : 'it reports no condition Ready'})`;
}

function reported(conditions: readonly V1NodeCondition[]): HostCondition[] {
  return conditions
    .filter(({ type, status }) => type !== 'Ready' && status === 'True')
    .map((condition) => ({
      type: condition.type,
      detail: detail(condition),
      since: sinceOf(condition)?.getTime(),
    }));
}

function detail(condition: V1NodeCondition): string {
  const { reason, message } = condition;
  const text = [reason, message].filter(Boolean).join(': ').replace(/\.$/, '') || 'no reason given';
  const shown = text.length > LONGEST_MESSAGE ? `${text.slice(0, LONGEST_MESSAGE - 1)}…` : text;
  const since = sinceOf(condition);
  return since ? `${shown}, since ${since.toISOString()}` : shown;
}

/** A list or watch without the client's types delivers texts in the place of times. */
function sinceOf({ lastTransitionTime }: V1NodeCondition): Date | undefined {
  return lastTransitionTime && new Date(lastTransitionTime);
}

/** All facts of a node that strategies can compare, by fact name. */
export function factsOf(
  labels: Labels,
  info: { readonly [field in (typeof NODE_INFO)[number]]?: string | undefined } | undefined,
): Facts {
  const facts: Record<string, string> = {};
  for (const field of NODE_INFO) if (info?.[field]) facts[`nodeInfo.${field}`] = info[field];
  for (const [key, value] of Object.entries(labels)) facts[`labels.${key}`] = value;
  return facts;
}
