/** A compute host of Nova as a host of a pool. Pure. */
import { createHash } from 'node:crypto';
import type { Facts } from '../../planner/hosts/facts.ts';
import type { Labels } from '../../planner/hosts/labels.ts';
import type { Aggregate, ComputeService, Hypervisor } from '../../openstack/compute-answers.ts';
import type { HostState } from '../host-state.ts';
import { claimIn, type ClaimLease } from './claim-leases.ts';
import { hasMark, leftLockedBy } from './marks.ts';

export type ComputeHost = HostState & {
  /** The address of the host, for the Jobs that work on it; undefined when Nova does not say. */
  readonly address: string | undefined;
};

/** What Nova and Careen know of one host. */
export type Observed = {
  /** With an id: the database of its cell can be reached. */
  readonly service: ComputeService & { readonly id: string };
  readonly aggregates: readonly Aggregate[];
  readonly hypervisor: Hypervisor | undefined;
  readonly lease: ClaimLease | undefined;
};

/** Whether the database of the cell of a service can be reached. */
export function hasId(service: ComputeService): service is ComputeService & { readonly id: string } {
  return service.id !== undefined;
}

/** The keys of the labels by which pools select compute hosts and give them roles. */
const ZONE = 'zone';
const AGGREGATE = 'aggregate';
const METADATA = 'metadata';

export function computeHost(observed: Observed): ComputeHost {
  const { service, hypervisor, lease } = observed;
  const { claim, spoilt } = claimIn(lease, service.id);
  const closed = service.status === 'disabled';
  const isUp = service.state === 'up' && !service.forcedDown;
  const reason = closed ? service.disabledReason : undefined;
  const labels = labelsOf(observed);
  const left = leftLockedBy(reason);
  return {
    ...{ name: service.host, uid: service.id, joinedAt: undefined, revision: revisionOf(service, lease) },
    ...{ closedToNewWork: closed, ready: isUp, wasReady: true, conditions: [], taints: [] },
    notReady: isUp ? undefined : notReady(service),
    bootId: undefined,
    ...{ labels, facts: factsOf(labels, hypervisor), address: hypervisor?.hostIp },
    ...{ claim, spoiltClaim: spoilt, hasMaintenanceMark: hasMark(reason) },
    ...{ leftLocked: left !== undefined, leftLockedBy: left },
  };
}

/** Changes with everything that a decision about the host rests on. Nova itself has no revisions. */
function revisionOf({ id, status, state, disabledReason, forcedDown }: ComputeService, lease?: ClaimLease) {
  const content = [id, status, state, disabledReason, forcedDown, lease?.uid, lease?.revision];
  return createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 16);
}

function notReady({ forcedDown, updatedAt }: ComputeService): string {
  if (forcedDown) return 'is not up (its compute service was forced down)';
  return `is not up (its compute service has not reported${updatedAt ? ` since ${updatedAt}` : ''})`;
}

/**
 * `zone: ZONE`, `aggregate/NAME: member`, and `metadata/KEY: VALUE` of its aggregates. Where two aggregates disagree about
 * a key, the host has none.
 */
function labelsOf({ service, aggregates }: Observed): Labels {
  const own = aggregates.filter(({ hosts }) => hosts.includes(service.host));
  const metadata = new Map<string, Set<string>>();
  for (const [key, value] of own.flatMap((each) => Object.entries(each.metadata)))
    metadata.set(key, (metadata.get(key) ?? new Set()).add(value));
  const agreed = [...metadata].flatMap(([key, [value = '', ...others]]) =>
    others.length > 0 || key === 'availability_zone' ? [] : [[`${METADATA}/${key}`, value] as const],
  );
  return Object.fromEntries([
    ...(service.zone === undefined ? [] : [[ZONE, service.zone] as const]),
    ...own.map(({ name }) => [`${AGGREGATE}/${name}`, 'member'] as const),
    ...agreed,
  ]);
}

function factsOf(labels: Labels, hypervisor: Hypervisor | undefined): Facts {
  const { type, version } = hypervisor ?? {};
  return Object.fromEntries([
    ...Object.entries(labels).map(([key, value]) => [`labels.${key}`, value] as const),
    ...(type === undefined ? [] : [['hypervisor.type', type] as const]),
    ...(version === undefined ? [] : [['hypervisor.version', String(version)] as const]),
  ]);
}
