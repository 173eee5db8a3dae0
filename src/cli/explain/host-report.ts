/** Why a host is as it is: who has cordoned it, since when, and what ends that. Pure. */
import { ownerOf } from '../../resources/stored-strategy.ts';
import type { V1Node, V1Taint } from '@kubernetes/client-node';
import { z } from 'zod';
import { FIELD_MANAGER } from '../../kube/client.ts';
import {
  CLAIM_ANNOTATION,
  HOST_CLAIM_LABEL,
  LEFT_LOCKED_ANNOTATION,
  MAINTENANCE_TAINT,
  OPERATOR_NAMESPACE,
} from '../../crds/names.ts';
import { ownerText, type OwnerRef } from '../../crds/owner-ref.ts';
import type { ClaimLevel, StepName } from '../../crds/vocabulary.ts';
import { isFinal } from '../../engine/run/run-state.ts';
import { parseJson } from '../../hostops/claims.ts';
import { nodeState, type NodeState } from '../../hostops/kubernetes/node-facts.ts';
import { membershipOf } from '../../hostops/membership.ts';
import { poolsBefore } from '../../planner/hosts/pool-precedence.ts';
import type { HostPool } from '../../resources/stored-pool.ts';
import type { Located } from '../cluster/strategies.ts';
import type { Advice } from '../status/advice.ts';
import { commandsFor, type Called, type Commands } from '../status/commands.ts';

export type HostInput = {
  readonly node: V1Node;
  readonly pools: readonly HostPool[];
  /** All strategies; undefined when they cannot be read. */
  readonly strategies: readonly Located[] | undefined;
};

/** The claim of a run. */
export type Held = {
  readonly owner: string;
  readonly level: ClaimLevel;
  readonly since: string;
  /** Whether the owner exists; undefined when that is not known. */
  readonly ownerExists?: boolean;
  /** Whether others had cordoned the host before. */
  readonly cordonedBefore: boolean;
  readonly step?: StepName;
  readonly failed: boolean;
  readonly reason?: string;
};

export type CordonedBy = { readonly manager: string; readonly time?: string };

export type HostReport = {
  readonly host: string;
  readonly cordoned: boolean;
  readonly notReady?: string;
  readonly held?: Held;
  readonly spoiltClaim?: string;
  readonly leftLocked?: { readonly reason: string; readonly owner?: string };
  /** Who has cordoned it, as far as Careen has not. */
  readonly cordonedBy?: CordonedBy;
  readonly taints: readonly string[];
  readonly pool?: string;
  /** Further pools that select it. */
  readonly alsoSelectedBy: readonly string[];
  /** The strategies that are to patch it, with the stage. */
  readonly planned: readonly { readonly strategy: string; readonly stage: number }[];
  readonly todo: readonly Advice[];
};

export function hostReport(input: HostInput, called: Called): HostReport {
  const state = nodeState(input.node);
  const owner = state.claim ? ownerIn(input.strategies, state.claim.owner) : undefined;
  const held = heldOf(state, owner, input.strategies !== undefined);
  const leftLocked = leftLockedOf(input.node);
  const cordonedBy = state.closedToNewWork ? cordonedByOf(input.node) : undefined;
  const isForeign = cordonedBy !== undefined && (!state.claim || state.claim.closedToNewWorkBefore);
  const parts = {
    host: state.name,
    cordoned: state.closedToNewWork,
    ...(state.notReady === undefined ? {} : { notReady: state.notReady }),
    ...(held ? { held } : {}),
    ...(state.spoiltClaim === undefined ? {} : { spoiltClaim: state.spoiltClaim }),
    ...(leftLocked ? { leftLocked } : {}),
    ...(isForeign && !leftLocked ? { cordonedBy } : {}),
    taints: state.taints.filter(({ key }) => !OF_A_CORDON.has(key)).map(taintText),
    ...poolsOf(state, input.pools),
    planned: plannedIn(state.name, input.strategies ?? []),
  };
  return { ...parts, todo: adviceOn(parts, owner, called) };
}

/** The taints that a cordon has by itself. */
const OF_A_CORDON: ReadonlySet<string> = new Set([MAINTENANCE_TAINT, 'node.kubernetes.io/unschedulable']);

function taintText({ key, value, effect, timeAdded }: V1Taint): string {
  const since = timeAdded === undefined ? '' : ` since ${new Date(timeAdded).toISOString()}`;
  return `${key}${value === undefined || value === '' ? '' : `=${value}`}:${effect}${since}`;
}

function ownerIn(strategies: readonly Located[] | undefined, { uid }: OwnerRef): Located | undefined {
  return strategies?.find(({ strategy }) => strategy.metadata.uid === uid);
}

function heldOf({ name, claim }: NodeState, owner: Located | undefined, isKnown: boolean): Held | undefined {
  if (!claim) return undefined;
  const progress = owner?.strategy.status.progress?.hosts.find((host) => host.name === name);
  return {
    owner: ownerText(claim.owner),
    level: claim.level,
    since: claim.since,
    ...(isKnown ? { ownerExists: owner !== undefined } : {}),
    cordonedBefore: claim.closedToNewWorkBefore,
    ...(progress ? { step: progress.step } : {}),
    failed: progress !== undefined && isFinal(progress.result) && progress.result !== 'success',
    ...(progress?.reason === undefined ? {} : { reason: progress.reason }),
  };
}

const noteSchema = z.looseObject({
  reason: z.string().catch(''),
  owner: z
    .looseObject({ kind: z.string(), namespace: z.string(), name: z.string() })
    .optional()
    .catch(undefined),
});

/** The note on a host that no run may open any more. */
function leftLockedOf({ metadata }: V1Node): HostReport['leftLocked'] {
  const annotation = metadata?.annotations?.[LEFT_LOCKED_ANNOTATION];
  if (annotation === undefined) return undefined;
  const { reason = '', owner } = noteSchema.safeParse(parseJson(annotation)).data ?? {};
  return {
    reason: reason === '' ? `its annotation ${LEFT_LOCKED_ANNOTATION} cannot be read` : reason,
    ...(owner ? { owner: ownerText(owner) } : {}),
  };
}

const managedSchema = z.array(
  z.looseObject({
    manager: z.string().default('unknown'),
    time: z.coerce.string().optional(),
    fieldsV1: z.looseObject({ 'f:spec': z.record(z.string(), z.unknown()).optional() }).catch({}),
  }),
);

/** Who wrote `spec.unschedulable` last, by the records of the API server. Careen itself is told by its claim. */
function cordonedByOf({ metadata }: V1Node): CordonedBy | undefined {
  const records = managedSchema.safeParse(metadata?.managedFields ?? []).data ?? [];
  const writers = records.filter(({ fieldsV1 }) => 'f:unschedulable' in (fieldsV1['f:spec'] ?? {}));
  const writer = writers.find(({ manager }) => manager !== FIELD_MANAGER) ?? writers[0];
  if (!writer) return { manager: 'somebody' };
  return { manager: writer.manager, ...(writer.time === undefined ? {} : { time: writer.time }) };
}

/** Which pools have hosts that no report is made of, for the message about an unknown host; empty when none has. */
export function unknownHosts(pools: readonly HostPool[]): string {
  const names = pools.filter(({ spec }) => spec.provider.openstack).map(({ metadata }) => metadata.name);
  if (names.length === 0) return '';
  return (
    `; this command does not know the compute hosts of OpenStack in HostPool ${names.join(', ')}: ` +
    `kubectl -n ${OPERATOR_NAMESPACE} get leases -l ${HOST_CLAIM_LABEL} shows which of them are claimed`
  );
}

/** The pool that has the node, and the others that select it. No pool of another provider does. */
function poolsOf(state: NodeState, pools: readonly HostPool[]): Pick<HostReport, 'pool' | 'alsoSelectedBy'> {
  const aged = pools
    .filter(({ spec }) => spec.provider.kubernetes)
    .map(({ metadata: { name, creationTimestamp: createdAt }, spec: { provider } }) => ({
      ...{ name, createdAt, provider },
    }));
  const memberships = aged.map((pool) => {
    const before = poolsBefore(pool, aged).map(({ provider }) => provider);
    return {
      pool: pool.name,
      membership: membershipOf(state, { pool: pool.name, provider: pool.provider, before }),
    };
  });
  const of = (wanted: string): string[] =>
    memberships.filter(({ membership }) => membership === wanted).map(({ pool }) => pool);
  const [pool] = of('member');
  return { ...(pool === undefined ? {} : { pool }), alsoSelectedBy: of('kept-by-other') };
}

function plannedIn(host: string, strategies: readonly Located[]): HostReport['planned'] {
  return strategies.flatMap(({ strategy }) => {
    const { status } = strategy;
    const isOpen = status.state === 'ready-to-apply' || status.state === 'applying';
    const stage = status.applyPhase?.stages.find(
      ({ hosts = [], result }) => result === 'initial' && hosts.includes(host),
    );
    return isOpen && stage ? [{ strategy: ownerText(ownerOf(strategy)), stage: stage.id }] : [];
  });
}

type Parts = Omit<HostReport, 'todo'>;

/** What ends it. */
function adviceOn(parts: Parts, owner: Located | undefined, called: Called): Advice[] {
  const { host, held, cordoned, leftLocked, spoiltClaim, alsoSelectedBy, pool } = parts;
  const of = owner && { ...owner.strategy.metadata, singular: owner.kind.definition.singular };
  const commands = commandsFor(of ?? { name: '', namespace: '', singular: '' }, called);
  const uncordon = commands.kubectlCluster(`uncordon ${host}`);
  const overlap = alsoSelectedBy.map((other) => ({
    does: `HostPool ${other} selects ${host} too, and grants nothing until it does not`,
    command: commands.kubectlCluster(`edit hostpool ${other}`),
  }));
  if (held) return [...heldAdvice(parts, held, owner, commands), ...overlap];
  if (spoiltClaim !== undefined)
    return [
      {
        does: 'when nobody works on it, remove the annotation, which nobody acts on',
        command: commands.kubectlCluster(`annotate node ${host} ${CLAIM_ANNOTATION}-`),
      },
      ...(cordoned ? [{ does: 'then open it', command: uncordon }] : []),
      ...overlap,
    ];
  if (leftLocked && cordoned) return [{ does: `inspect it, then open it`, command: uncordon }, ...overlap];
  if (cordoned) return [{ does: 'ask who cordoned it; then open it', command: uncordon }, ...overlap];
  if (pool === undefined)
    return [
      {
        does: 'see which pools there are: none of them selects it',
        command: commands.kubectlCluster('get hostpools'),
      },
    ];
  return overlap;
}

function heldAdvice(
  { host, cordoned }: Parts,
  held: Held,
  owner: Located | undefined,
  commands: Commands,
): Advice[] {
  if (!owner) {
    const gone = held.ownerExists === false;
    return [
      {
        does: gone
          ? 'the operator releases it by itself, or keeps it locked with a note, when it runs'
          : 'the strategies cannot be read; the owner of the claim says what comes next',
        command: commands.other('doctor'),
      },
    ];
  }
  if (held.failed)
    return [
      { does: 'when its cause is mended, repeat the failed stage', command: commands.own('retry') },
      { does: 'or repeat nothing, when somebody has done its work by hand', command: commands.own('resume') },
      { does: 'or give it back as it is', command: commands.ofHost('release', host) },
      { does: 'or end the run and release all hosts', command: commands.own('abort') },
    ];
  const abort = { does: 'or release it and all other hosts of the run', command: commands.own('abort') };
  if (held.level === 'away' && !cordoned && held.step !== undefined)
    return [
      {
        does: 'cordon it again, so that its run continues; the run uncordons it at the end',
        command: commands.kubectlCluster(`cordon ${host}`),
      },
      abort,
    ];
  return [
    {
      does:
        held.step === undefined
          ? 'its run is done with it: the operator releases it by itself'
          : 'its run releases it by itself at the end; see how far it is',
      command: commands.own('status'),
    },
    abort,
  ];
}
