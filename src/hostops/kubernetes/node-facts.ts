/** Reads a Node, and keeps the parts that Careen uses. Pure. */
import type { V1Node, V1NodeCondition, V1Taint } from '@kubernetes/client-node';
import { z } from 'zod';
import { CLAIM_ANNOTATION, LEFT_LOCKED_ANNOTATION, MAINTENANCE_TAINT } from '../../crds/names.ts';
import type { HostFacts } from '../../engine/view.ts';
import type { Facts, HostSeed } from '../../planner/facts.ts';
import type { Labels } from '../../planner/labels.ts';
import { rolesOf } from '../label-selector.ts';
import type { Scope } from '../port.ts';
import { parseJson, readClaim } from './claims.ts';

/** A node without the parts that nobody uses here (images, managed fields, addresses, heartbeats). */
export type NodeState = Omit<HostFacts, 'isMember' | 'instances' | 'runningJob'> & {
  readonly labels: Labels;
  readonly taints: readonly V1Taint[];
  /** Whether it carries the note that it was left locked. */
  readonly leftLocked: boolean;
};

/** The fields of `status.nodeInfo` that become facts, named `nodeInfo.FIELD`. */
export const NODE_INFO = [
  'kernelVersion',
  'osImage',
  'kubeletVersion',
  'containerRuntimeVersion',
  'architecture',
  'operatingSystem',
] as const;
const PRESSURES: readonly string[] = ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'NetworkUnavailable'];
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
    revision: metadata?.resourceVersion ?? '',
    closedToNewWork: spec?.unschedulable === true,
    ready: ready?.status === 'True',
    alarms: alarmsOf(ready, conditions),
    bootId: status?.nodeInfo?.bootID ?? '',
    facts: factsOf(labels, status?.nodeInfo),
    labels,
    taints: spec?.taints ?? [],
    claim,
    spoiltClaim: spoilt,
    hasMaintenanceMark: spec?.taints?.some(({ key }) => key === MAINTENANCE_TAINT) === true,
    leftLocked: note !== undefined,
    leftLockedBy: note === undefined ? undefined : ownerOfNote(note),
  };
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

function alarmsOf(ready: V1NodeCondition | undefined, conditions: readonly V1NodeCondition[]): string[] {
  const unready =
    ready?.status === 'True'
      ? []
      : [`is not Ready (${ready ? detail(ready) : 'it reports no condition Ready'})`];
  const pressures = conditions.filter(({ type, status }) => PRESSURES.includes(type) && status === 'True');
  return [...unready, ...pressures.map((each) => `reports ${each.type} (${detail(each)})`)];
}

function detail({ reason, message }: V1NodeCondition): string {
  const text = [reason, message].filter(Boolean).join(': ').replace(/\.$/, '');
  return text.length > LONGEST_MESSAGE ? `${text.slice(0, LONGEST_MESSAGE - 1)}…` : text || 'no reason given';
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
