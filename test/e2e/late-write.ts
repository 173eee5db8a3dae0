/** One request of a leader that is held until another leads: how to match it, and how to remove its guard. */
import { z } from 'zod';
import type { HeldRequest, Match } from '../support/network/holding-proxy.ts';
import { eventually } from '../support/eventually.ts';
import type { Fleet } from './cluster.ts';
import type { Replica } from './replicas.ts';
import type { Scene } from './scene.ts';

export type LateWrite = {
  readonly fleet: Fleet;
  readonly held: HeldRequest;
  /** The sender, which was stopped at that moment. */
  readonly first: Replica;
  /** The present leader. */
  readonly second: Replica;
};

export type Staging = {
  /** Matches the request to hold, for the first host of the fleet and its strategy. */
  readonly match: (host: string, strategy: string) => Match;
  readonly spec?: Readonly<Record<string, unknown>>;
  /** Runs between the two leaders. */
  readonly meanwhile?: (fleet: Fleet, second: Replica) => Promise<void>;
};

/**
 * Lets the leader run a strategy until it sends the request, stops it, and waits until the second leads. A leader that a
 * busy machine keeps from renewing its Lease ends before: then it is the standby that sends the request.
 */
export async function lateWrite(
  { cluster, replicas }: Scene,
  fleet: Fleet,
  { match, spec, meanwhile }: Staging,
): Promise<LateWrite> {
  const { first: leader, second: standby } = await replicas.pair();
  cluster.operator = leader.operator;
  const request = match(fleet.hosts[0] ?? '', fleet.strategy.metadata.name);
  let caught: { readonly held: HeldRequest; readonly first: Replica } | undefined;
  for (const first of [leader, standby])
    void first.proxy.hold(request).then((held) => (caught ??= { held, first }));
  await fleet.apply({ ...spec, execution: { mode: 'Run' } });
  const { held, first } = await eventually('the request to hold back', () => caught, {
    describe: () => [leader, standby].map(({ operator }) => operator.lines.slice(-8)),
  });
  const second = await replicas.other(first);
  second.proxy.reset();
  replicas.freeze(first);
  await meanwhile?.(fleet, second);
  await second.operator.leads;
  cluster.operator = second.operator;
  return { fleet, held, first, second };
}

const CAREEN = '/apis/careen.dev/v1alpha1';
const textOf = (body: unknown): string => JSON.stringify(body ?? null);

/** Grants a permit for the host. */
export const permit =
  (host: string): Match =>
  ({ method, path, body }) =>
    method === 'PATCH' &&
    path.startsWith(`${CAREEN}/hostpools/`) &&
    textOf(body).includes(`"host":"${host}"`);

/**
 * Stores that the run has begun: what is added and replaced is there in a later status, too. It names no host where the
 * alarms of the host are not observed yet.
 */
export const progress =
  (_host: string, strategy: string): Match =>
  ({ method, path, body }) =>
    method === 'PATCH' &&
    path.startsWith(`${CAREEN}/namespaces/`) &&
    path.endsWith(`/${strategy}/status`) &&
    textOf(body).includes('"path":"/status/progress","value":{"stage":0,');

/** Writes the claim of the host and cordons it. */
export const claim =
  (host: string): Match =>
  ({ method, path, body }) =>
    method === 'PATCH' && path === `/api/v1/nodes/${host}` && textOf(body).includes('"unschedulable":true');

/** Releases the host. */
export const uncordon =
  (host: string): Match =>
  ({ method, path, body }) =>
    method === 'PATCH' &&
    path === `/api/v1/nodes/${host}` &&
    textOf(body).includes('"careen.dev/claim":null');

export const eviction =
  (pod: string): Match =>
  ({ method, path }) =>
    method === 'POST' && path.endsWith(`/pods/${pod}/eviction`);

export const jobCreation =
  (host: string): Match =>
  ({ method, path, body }) =>
    method === 'POST' && path.endsWith('/jobs') && textOf(body).includes(`"nodeName":"${host}"`);

export const jobRelease: Match = ({ method, path, body }) =>
  method === 'PATCH' && path.includes('/jobs/') && textOf(body).includes('"path":"/spec/suspend"');

export const jobDeletion: Match = ({ method, path }) => method === 'DELETE' && path.includes('/jobs/');

const merge = z.looseObject({
  metadata: z.looseObject({ name: z.string().optional(), uid: z.unknown(), resourceVersion: z.unknown() }),
});
const operations = z.array(z.looseObject({ op: z.string(), path: z.string() }));
const jobBody = z.looseObject({ metadata: z.looseObject({ name: z.string() }), spec: z.looseObject({}) });

/** A merge patch for any version of the object. */
export function withoutGuard(body: unknown): unknown {
  const { metadata, ...rest } = merge.parse(body);
  const { uid: _uid, resourceVersion: _version, ...kept } = metadata;
  return { ...rest, metadata: kept };
}

/** A JSON patch for any version of the object. */
export function withoutGuardOperations(body: unknown): unknown {
  return operations.parse(body).filter(({ path }) => !path.startsWith('/metadata/'));
}

/** The start of a Job, whatever has become of it. */
export function withoutTests(body: unknown): unknown {
  return operations.parse(body).filter(({ op }) => op !== 'test');
}

/** An eviction of any pod with that name. */
export function withoutPodUid(body: unknown): unknown {
  return { ...z.looseObject({}).parse(body), deleteOptions: {} };
}

/** A Job that runs at once. */
export function notSuspended(body: unknown): unknown {
  const { spec, ...rest } = jobBody.parse(body);
  return { ...rest, spec: { ...spec, suspend: false } };
}

/** A Job whose name does not follow from its effect, and that runs at once. */
export function notNamedByItsEffect(body: unknown): unknown {
  const { metadata, ...rest } = jobBody.parse(notSuspended(body));
  return { ...rest, metadata: { ...metadata, name: `${metadata.name}-again` } };
}
