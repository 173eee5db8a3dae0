/** What Careen keeps of a Node, and what it reads out of it. Pure. */
import type { V1Node, V1NodeCondition, V1Taint } from '@kubernetes/client-node';
import { z } from 'zod';
import { CLAIM_ANNOTATION } from '../../crds/names.ts';
import { OUTAGE_LEVELS } from '../../crds/vocabulary.ts';
import type { Claim, HostFacts } from '../../engine/view.ts';
import type { Facts, HostSeed } from '../../planner/facts.ts';
import type { Labels } from '../../planner/labels.ts';
import { rolesOf } from '../label-selector.ts';
import type { Scope } from '../port.ts';

/** A node, without what nobody here looks at (images, managed fields, addresses, heartbeats). */
export type NodeState = Omit<HostFacts, 'instances'> & {
  readonly uid: string;
  readonly labels: Labels;
  readonly taints: readonly V1Taint[];
};

const NODE_INFO = [
  'kernelVersion',
  'osImage',
  'kubeletVersion',
  'containerRuntimeVersion',
  'architecture',
  'operatingSystem',
] as const;
const PRESSURES: readonly string[] = ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'NetworkUnavailable'];
const LONGEST_MESSAGE = 200;

const claimSchema = z.object({
  run: z.string().min(1),
  owner: z.object({ namespace: z.string(), name: z.string(), uid: z.string() }),
  planDigest: z.string(),
  stage: z.int(),
  level: z.enum(OUTAGE_LEVELS),
  closedBefore: z.boolean(),
  since: z.string(),
});

export function nodeState({ metadata, spec, status }: V1Node): NodeState {
  const labels = metadata?.labels ?? {};
  const conditions = status?.conditions ?? [];
  const ready = conditions.find(({ type }) => type === 'Ready');
  return {
    name: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
    revision: metadata?.resourceVersion ?? '',
    closed: spec?.unschedulable === true,
    ready: ready?.status === 'True',
    alarms: alarmsOf(ready, conditions),
    bootId: status?.nodeInfo?.bootID ?? '',
    facts: factsOf(labels, status?.nodeInfo),
    labels,
    taints: spec?.taints ?? [],
    claim: parseClaim(metadata?.annotations?.[CLAIM_ANNOTATION]),
  };
}

export function seedOf({ name, labels, facts }: NodeState, roles: Scope['roles']): HostSeed {
  return { name, roles: rolesOf(labels, roles), facts };
}

/** A claim that cannot be read is none: whoever wrote it was not Careen. */
export function parseClaim(annotation: string | undefined): Claim | undefined {
  if (annotation === undefined) return undefined;
  try {
    const parsed = claimSchema.safeParse(JSON.parse(annotation));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
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

function factsOf(labels: Labels, info: NonNullable<V1Node['status']>['nodeInfo']): Facts {
  const facts: Record<string, string> = {};
  for (const field of NODE_INFO) if (info?.[field]) facts[`nodeInfo.${field}`] = info[field];
  for (const [key, value] of Object.entries(labels)) facts[`labels.${key}`] = value;
  return facts;
}
