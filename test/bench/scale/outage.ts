/**
 * Where the time of a host's outage goes, from the audit log. Pure.
 *
 * The hosts of a stage take each step together, so a part ends when it has ended for the last host of the stage:
 * what others delay counts.
 */
import { z } from 'zod';
import { CLAIM_ANNOTATION, HOST_ANNOTATION } from '../../../src/crds/names.ts';
import { OPERATOR, type Logged } from './audit-log.ts';

/** Milliseconds, in the order of an outage. */
export type Outage = {
  /** From the end of the stage before, or the approval, until the permit is stored. */
  readonly permit: number;
  readonly claim: number;
  /** Until the last pod of the stage is evicted. */
  readonly eviction: number;
  /** Until the last evicted pod is gone. */
  readonly podsStopping: number;
  /** Until the Jobs of the stage have ended. */
  readonly action: number;
  /** Until the release is asked for: rebooted, Ready, without new taints, patched. */
  readonly verification: number;
  readonly release: number;
  /** The part of all this in which nothing is waited for but answers of the API server. */
  readonly answers: number;
  /** The part of `answers` in which at least one eviction is in flight. */
  readonly evictionsInFlight: number;
  /** The part of all this in which nothing is waited for: neither a pod, a Job, the host itself, nor an answer. */
  readonly own: number;
};
export const PARTS = [
  'permit',
  'claim',
  'eviction',
  'podsStopping',
  'action',
  'verification',
  'release',
] as const;

const claimed = z.object({
  metadata: z.object({ annotations: z.object({ [CLAIM_ANNOTATION]: z.string() }) }),
  spec: z.object({ unschedulable: z.literal(true) }),
});
const released = z.object({
  metadata: z.object({ annotations: z.object({ [CLAIM_ANNOTATION]: z.null() }) }),
});
const job = z.object({ metadata: z.object({ annotations: z.object({ [HOST_ANNOTATION]: z.string() }) }) });
const started = z
  .array(z.object({ path: z.string() }))
  .refine((operations) => operations.some(({ path }) => path === '/spec/suspend'));
const completed = z.object({
  status: z.object({
    conditions: z
      .array(z.object({ type: z.string(), status: z.string() }))
      .refine((all) => all.some(({ type, status }) => type === 'Complete' && status === 'True')),
  }),
});
const grant = z.object({ op: z.literal('add'), path: z.string(), value: z.unknown() });
const permit = z.object({ host: z.string() });

type JobTimes = { started: number; ended: number };
type Span = { readonly from: number; readonly to: number };
type HostTimes = {
  permit?: number;
  claimed?: number;
  evicted: number[];
  /** From the request to the answer. */
  evictions: Span[];
  gone: number[];
  jobs: Map<string, JobTimes>;
  /** Writes to the node by others, such as of its reboot, and of the taints that follow it. */
  changed: number[];
  released?: { readonly asked: number; readonly answered: number };
};
type Times = Required<HostTimes>;

/** The outages of the hosts whose whole outage is in the log, in no order. */
export function outagesOf(
  log: readonly Logged[],
  approvedAt: number,
  hostOfPod: (pod: string) => string,
): Outage[] {
  const stages = stagesOf([...timesOf(log, hostOfPod).values()].filter(isWhole));
  const requests = log
    .filter(isWaitedFor)
    .map(({ received, answered }) => ({ from: received, to: answered }));
  return stages.flatMap((hosts, index) => {
    const before = stages[index - 1]?.map(({ released: { answered } }) => answered) ?? [approvedAt];
    const opened = Math.max(...before);
    const closed = Math.max(...hosts.map(({ released: { answered } }) => answered));
    const during = requests.filter(({ from, to }) => to > opened && from < closed);
    return hosts.map((host) => outageOf(host, hosts, opened, during));
  });
}

/** The mean of each part. */
export function meanOutage(outages: readonly Outage[]): Outage {
  const mean = (part: keyof Outage): number =>
    outages.reduce((sum, outage) => sum + outage[part], 0) / outages.length;
  const parts = [...PARTS, 'answers', 'evictionsInFlight', 'own'] as const;
  return Object.fromEntries(parts.map((part) => [part, mean(part)])) as Outage; // every part is there
}

/** Requests of the operator whose answer the run waits for. Events, the Lease and removals of Jobs go on beside it. */
function isWaitedFor({ user, verb, resource }: Logged): boolean {
  const goesOnBeside =
    verb === 'watch' || verb.startsWith('delete') || ['events', 'leases'].includes(resource);
  return user === OPERATOR && !goesOnBeside;
}

function outageOf(host: Times, stage: readonly Times[], opened: number, requests: readonly Span[]): Outage {
  const last = (pick: (each: Times) => readonly number[], atLeast: number): number =>
    stage.flatMap(pick).reduce((a, b) => Math.max(a, b), atLeast);
  const claimedAt = last(({ claimed: at }) => [at], host.permit);
  const evictedAt = last(({ evicted }) => evicted, claimedAt);
  const goneAt = last(({ gone }) => gone, evictedAt);
  const endedAt = last(({ jobs }) => [...jobs.values()].map(({ ended }) => ended), goneAt);
  const { asked, answered } = host.released;
  const readyAt = last(({ changed, released: { asked: end } }) => changed.filter((at) => at < end), endedAt);
  const parts = {
    permit: Math.max(host.permit - opened, 0),
    claim: claimedAt - host.permit,
    eviction: evictedAt - claimedAt,
    podsStopping: goneAt - evictedAt,
    action: endedAt - goneAt,
    verification: asked - endedAt,
    release: answered - asked,
  };
  const waitingForNothingElse = [
    { from: Math.min(opened, host.permit), to: evictedAt },
    ...betweenJobs(host, goneAt),
    { from: Math.min(readyAt, asked), to: answered },
  ];
  const evictions = stage.flatMap((each) => each.evictions);
  const within = (spans: readonly Span[]): number =>
    waitingForNothingElse.reduce((sum, span) => sum + covered(spans, span), 0);
  const answers = within(requests);
  const own = waitingForNothingElse.reduce((sum, { from, to }) => sum + to - from, -answers);
  return { ...parts, answers, evictionsInFlight: within(evictions), own };
}

/** The time within a span in which at least one of these spans lasts. */
function covered(spans: readonly Span[], { from, to }: Span): number {
  let [sum, end] = [0, from];
  for (const each of spans.toSorted((a, b) => a.from - b.from)) {
    const until = Math.min(each.to, to);
    sum += Math.max(until - Math.max(each.from, end), 0);
    end = Math.max(end, until);
  }
  return sum;
}

/** When no Job of the host runs, from the last pod to the start of its last Job. */
function betweenJobs({ jobs }: Times, goneAt: number): Span[] {
  const inOrder = [...jobs.values()].toSorted((a, b) => a.started - b.started);
  return inOrder
    .map(({ started }, i) => ({ from: inOrder[i - 1]?.ended ?? goneAt, to: started }))
    .filter(({ from, to }) => from < to);
}

/** The hosts of a stage get their permits in one write. */
function stagesOf(hosts: readonly Times[]): Times[][] {
  return [...Map.groupBy(hosts, ({ permit: at }) => at)]
    .toSorted(([a], [b]) => a - b)
    .map(([, stage]) => stage);
}

function isWhole(times: HostTimes): times is Times {
  const jobs = [...times.jobs.values()];
  const areWhole = jobs.length > 0 && jobs.every((each) => each.started > 0 && each.ended > 0);
  return (
    areWhole && times.permit !== undefined && times.claimed !== undefined && times.released !== undefined
  );
}

function timesOf(log: readonly Logged[], hostOfPod: (pod: string) => string): Map<string, HostTimes> {
  const hosts = new Map<string, HostTimes>();
  const hostOfJob = new Map<string, string>();
  const of = (name: string): HostTimes => {
    const known = hosts.get(name) ?? { evicted: [], evictions: [], gone: [], jobs: new Map(), changed: [] };
    hosts.set(name, known);
    return known;
  };
  const ofJob = (name: string): JobTimes => {
    const { jobs } = of(hostOfJob.get(name) ?? '');
    const times = jobs.get(name) ?? { started: 0, ended: 0 };
    jobs.set(name, times);
    return times;
  };
  for (const { user, verb, resource, name, received, answered, code, body } of log.toSorted(byAnswer)) {
    if (code >= 300) continue;
    const isOperator = user === OPERATOR;
    switch (`${verb} ${resource}`) {
      case 'patch hostpools/status':
        for (const host of granted(body)) of(host).permit ??= answered;
        break;
      case 'patch nodes':
      case 'patch nodes/status':
        if (!isOperator) of(name).changed.push(answered);
        else if (claimed.safeParse(body).success) of(name).claimed ??= answered;
        else if (released.safeParse(body).success) of(name).released = { asked: received, answered };
        break;
      case 'create pods/eviction':
        if (!isOperator) break;
        of(hostOfPod(name)).evicted.push(answered);
        of(hostOfPod(name)).evictions.push({ from: received, to: answered });
        break;
      case 'delete pods':
        if (!isOperator) hosts.get(hostOfPod(name))?.gone.push(answered);
        break;
      case 'create jobs': {
        const made = job.safeParse(body).data;
        if (made && isOperator) hostOfJob.set(name, made.metadata.annotations[HOST_ANNOTATION]);
        break;
      }
      case 'patch jobs':
        if (isOperator && started.safeParse(body).success) ofJob(name).started ||= answered;
        break;
      case 'update jobs/status':
        if (hostOfJob.has(name) && completed.safeParse(body).success) ofJob(name).ended ||= answered;
        break;
    }
  }
  return hosts;
}

function byAnswer(a: Logged, b: Logged): number {
  return a.answered - b.answered;
}

/** The hosts whose permits a write of a pool adds. */
function granted(body: unknown): string[] {
  const operations = z.array(z.unknown()).catch([]).parse(body);
  return operations.flatMap((operation) => {
    const { path = '', value } = grant.safeParse(operation).data ?? {};
    if (path === '/status/permits/-') return hostsOf([value]);
    if (path === '/status/permits') return hostsOf(value);
    return [];
  });
}

function hostsOf(permits: unknown): string[] {
  return z
    .array(permit)
    .catch([])
    .parse(permits)
    .map(({ host }) => host);
}
