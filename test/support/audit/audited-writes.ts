/**
 * The writes in an audit log that take hosts out of service: whether any leader
 * made a forbidden one. Pure.
 */
import type { V1Node } from '@kubernetes/client-node';
import { z } from 'zod';
import type { HostPoolStatus, Permit } from '../../../src/crds/host-pool.ts';
import { CLAIM_ANNOTATION, EFFECT_ANNOTATION, HOST_ANNOTATION } from '../../../src/crds/names.ts';
import type { Claim } from '../../../src/engine/view.ts';
import { nodeState } from '../../../src/hostops/kubernetes/node-facts.ts';

const eventSchema = z.looseObject({
  verb: z.string(),
  objectRef: z
    .looseObject({ resource: z.string(), subresource: z.string().optional(), name: z.string().optional() })
    .optional(),
  requestObject: z.unknown().optional(),
  responseObject: z.unknown().optional(),
  responseStatus: z.looseObject({ code: z.number().default(0) }).optional(),
});
const evictionSchema = z.looseObject({
  deleteOptions: z.looseObject({ preconditions: z.looseObject({ uid: z.string() }) }),
});
const jobSchema = z.looseObject({
  metadata: z.looseObject({ annotations: z.record(z.string(), z.string()) }),
});
const releaseSchema = z.looseObject({
  metadata: z.looseObject({
    resourceVersion: z.string(),
    annotations: z.looseObject({ [CLAIM_ANNOTATION]: z.null() }),
  }),
});
const versioned = z.looseObject({ metadata: z.looseObject({ resourceVersion: z.string() }) });

/** The hosts of a run, and their pool. */
export type Scope = { readonly pool: string; readonly hosts: readonly string[] };

/** A JSON patch of a pool's status, in the form of the operator's `poolPatch`. */
const operationsSchema = z.array(
  z.looseObject({ op: z.string(), path: z.string(), value: z.unknown().optional() }),
);
type Operation = z.infer<typeof operationsSchema>[number];

type Written = { readonly revision: bigint } & (
  | { readonly kind: 'node'; readonly object: V1Node }
  | { readonly kind: 'release'; readonly host: string }
  | { readonly kind: 'pool'; readonly operations: readonly Operation[] }
);

/** The numbers of writes that were accepted or may have been, so that gaps in a log are noticed. */
export type Account = {
  readonly complaints: readonly string[];
  readonly evictions: number;
  readonly jobs: number;
  readonly claims: number;
};

/** Judges the accepted writes of one pool. `pods` are the names of the pods of its hosts. */
export function accountOf(lines: readonly string[], scope: Scope, pods: readonly string[]): Account {
  const events = lines.map((line) => eventSchema.parse(JSON.parse(line)));
  const outages = outagesOf(events.filter(isAccepted), events.filter(mayHaveReleased), scope);
  const evictions = events
    .filter(is('pods', 'eviction'))
    .filter(({ objectRef }) => pods.includes(objectRef?.name ?? ''))
    .map((event) => ({
      event,
      of: evictionSchema.parse(event.requestObject).deleteOptions.preconditions.uid,
    }));
  const jobs = events
    .filter(is('jobs'))
    .filter(({ verb }) => verb === 'create')
    .map((event) => ({ event, annotations: jobSchema.parse(event.requestObject).metadata.annotations }))
    .filter(({ annotations }) => scope.hosts.includes(annotations[HOST_ANNOTATION] ?? ''))
    .map(({ event, annotations }) => ({ event, of: annotations[EFFECT_ANNOTATION] ?? '' }));
  return {
    complaints: [
      ...acceptedAgain(evictions).map((uid) => `the eviction of pod ${uid} was accepted more than once`),
      ...acceptedAgain(jobs).map((key) => `more than one Job was made for the effect ${key}`),
      ...outages.complaints,
    ],
    evictions: asked(evictions),
    jobs: asked(jobs),
    claims: outages.claims,
  };
}

/** Requests with their subjects: a pod, or an effect. */
type Asked = readonly { readonly event: Event; readonly of: string }[];

function acceptedAgain(all: Asked): string[] {
  return repeated(all.filter(({ event }) => isAccepted(event)).map(({ of }) => of));
}

/** How many subjects were accepted, or may have been: each counts once. */
function asked(all: Asked): number {
  return new Set(all.filter(({ event }) => isAccepted(event) || isOpen(event)).map(({ of }) => of)).size;
}

type Event = z.infer<typeof eventSchema>;

function isAccepted({ responseStatus }: Event): boolean {
  const code = responseStatus?.code ?? 0;
  return code >= 200 && code < 300;
}

/** The sender was gone, or received an error, before etcd had answered: the write may have happened. */
function isOpen({ responseStatus }: Event): boolean {
  const code = responseStatus?.code ?? 0;
  return code < 200 || code >= 499;
}

/** After this write the host need not be away any more. */
function mayHaveReleased(event: Event): boolean {
  return isOpen(event) && is('nodes')(event) && releaseSchema.safeParse(event.requestObject).success;
}

function is(resource: string, subresource?: string): (event: Event) => boolean {
  return ({ objectRef, verb }) =>
    (verb === 'create' || verb === 'patch') &&
    objectRef?.resource === resource &&
    objectRef.subresource === subresource;
}

/** Claims and permits, in the order in which the API server stored them. */
function outagesOf(
  events: readonly Event[],
  open: readonly Event[],
  { pool, hosts }: Scope,
): { complaints: string[]; claims: number } {
  const claims = new Map<string, Claim>();
  /** Hosts with a claim, or whose claim was removed without an answer. */
  const doubtful = new Set<string>();
  const taken: string[] = [];
  const complaints: string[] = [];
  let permits: readonly Permit[] = [];
  const isMine = ({ objectRef }: Event): boolean => hosts.includes(objectRef?.name ?? '');
  const nodes = events.filter(is('nodes')).filter(isMine);
  const releases = open.filter(isMine).map(releaseWritten);
  const pools = events.filter(is('hostpools', 'status')).filter(({ objectRef }) => objectRef?.name === pool);
  for (const written of [...nodes.map(nodeWritten), ...releases, ...pools.map(poolWritten)].toSorted(
    byRevision,
  )) {
    if (written.kind === 'release') doubtful.add(written.host);
    else if (written.kind === 'pool') permits = written.operations.reduce(permitsAfter, permits);
    else {
      const { name, claim } = nodeState(written.object);
      const before = claims.get(name);
      doubtful.delete(name);
      if (claim && before && claim.run !== before.run)
        complaints.push(`${name} was claimed by run ${claim.run} while run ${before.run} had claimed it`);
      if (claim && !before) taken.push(`${name} by run ${claim.run}`);
      if (claim) claims.set(name, claim);
      else claims.delete(name);
    }
    const standing = [...claims].filter(([host]) => !doubtful.has(host));
    complaints.push(...standing.flatMap(([host, claim]) => withoutOnePermit(host, claim, permits)));
  }
  const again = repeated(taken).map((what) => `${what} was claimed anew after it was given back`);
  return { complaints: [...new Set([...complaints, ...again])], claims: taken.length };
}

function nodeWritten(event: Event): Written {
  // The shape is the API server's promise for the resource that the event names.
  return { kind: 'node', revision: revisionOf(event), object: event.responseObject as V1Node };
}

/** The write is guarded, so it has happened after the version that it names, if at all. */
function releaseWritten({ objectRef, requestObject }: Event): Written {
  const { resourceVersion } = releaseSchema.parse(requestObject).metadata;
  return { kind: 'release', revision: BigInt(resourceVersion), host: objectRef?.name ?? '' };
}

function poolWritten(event: Event): Written {
  const operations = operationsSchema.parse(event.requestObject);
  return { kind: 'pool', revision: revisionOf(event), operations };
}

function revisionOf({ responseObject }: Event): bigint {
  return BigInt(versioned.parse(responseObject).metadata.resourceVersion);
}

function byRevision(a: Written, b: Written): number {
  return Number(a.revision - b.revision);
}

/** The operator does not request the whole pool in an answer, so the result follows from the operations. */
function permitsAfter(permits: readonly Permit[], { op, path, value }: Operation): readonly Permit[] {
  const place = /^\/status\/permits\/(\d+)$/.exec(path)?.[1];
  if (op === 'remove' && place !== undefined) return permits.toSpliced(Number(place), 1);
  // The schema of the CRD has checked the value at the path.
  if (op === 'add' && path === '/status') return (value as HostPoolStatus).permits ?? [];
  if (op === 'add' && path === '/status/permits') return value as Permit[];
  return op === 'add' && path === '/status/permits/-' ? [...permits, value as Permit] : permits;
}

function withoutOnePermit(host: string, { level, run }: Claim, permits: readonly Permit[]): string[] {
  const holders = permits.filter((permit) => permit.host === host).map((permit) => permit.run);
  const isRight = holders.length === 1 && holders[0] === run;
  return level !== 'away' || isRight
    ? []
    : [`${host} is away for run ${run} with permits of ${holders.join(', ') || 'none'}`];
}

function repeated(all: readonly string[]): string[] {
  return [...new Set(all.filter((each, index) => all.indexOf(each) !== index))];
}
