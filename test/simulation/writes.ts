/** Classifies a write of the operator: its kind, and the steps of a run that it belongs to. */
import type { Call } from '../../src/kube/client.ts';
import { at, type ApiServer } from './world/api-server.ts';
import { stageOf, stagesOf, stateOf, type Stage } from './seen.ts';
import { targetOf } from './world/api-requests.ts';
import { keyOf, type ApiObject } from './world/objects.ts';
import { jsonPatched, PatchRefused } from './world/patches.ts';
import { STRATEGIES, strategiesOf } from './world/strategies.ts';

export const WRITE_KINDS = [
  'status',
  'finalizers',
  'permits',
  'claim',
  'release',
  'other node',
  'evict',
  'create-job',
  'start-job',
  'other job',
  'notice',
] as const;
export type WriteKind = (typeof WRITE_KINDS)[number];

const CLAIM = 'careen.dev/claim';

function isOfStrategy(path: string): boolean {
  return STRATEGIES.some((resource) => path.includes(`/${resource}/`));
}

/** The Lease by which the processes agree on a leader. */
export const LEADER = 'careen';

/** Whether a request is about that Lease, and not about the claim of a compute host. */
export function isElection({ path, query, body }: Call): boolean {
  if (!path.includes('/leases')) return false;
  const isWatched = query?.['fieldSelector'] === `metadata.name=${LEADER}`;
  return isWatched || path.endsWith(`/${LEADER}`) || at(body, 'metadata', 'name') === LEADER;
}

/** Undefined for a read, and for a write of the Lease of the leader. */
export function writeOf(request: Call): WriteKind | undefined {
  const { method, path, body } = request;
  if (method === 'GET' || isElection(request)) return undefined;
  if (path.includes('/maintenancenotices')) return 'notice';
  if (path.includes('/hostpools/')) return 'permits';
  if (isOfStrategy(path)) return path.endsWith('/status') ? 'status' : 'finalizers';
  if (path.endsWith('/eviction')) return 'evict';
  if (path.includes('/jobs')) {
    if (method === 'POST') return 'create-job';
    const isStart = Array.isArray(body) && body.some((each) => at(each, 'path') === '/spec/suspend');
    return isStart ? 'start-job' : 'other job';
  }
  const claim = at(body, 'metadata', 'annotations', CLAIM);
  if (claim === null) return 'release';
  // The claim of a compute host is the holder of a Lease.
  const isTaken =
    at(body, 'spec', 'unschedulable') === true || at(body, 'spec', 'holderIdentity') !== undefined;
  return typeof claim === 'string' && isTaken ? 'claim' : 'other node';
}

/** The steps that only upgrades have. */
export const UPGRADE_STEPS = [
  'stage-hosts',
  'start-upgrade',
  'upgrade-hosts',
  'activate-upgrade',
  'complete-upgrade',
  'rollback-hosts',
] as const;
export const OF_UPGRADES: ReadonlySet<string> = new Set(UPGRADE_STEPS);

/** The steps that only sessions have. */
export const SESSION_STEPS = [
  'ask-projects',
  'move-instances',
  'close-hosts',
  'await-empty',
  'run-actions',
  'ask-and-move-instances',
] as const;
export const OF_SESSIONS: ReadonlySet<string> = new Set(SESSION_STEPS);

export const CRASH_STEPS = [
  'between stages',
  'query-alarms',
  'lock-hosts',
  'migrate-instances-from-host',
  'sw-patch-hosts',
  'verify',
  'system-stabilize',
  'unlock-hosts',
  'abort',
  ...UPGRADE_STEPS,
  ...SESSION_STEPS,
] as const;

type CrashStep = (typeof CRASH_STEPS)[number];

const WORK: readonly WriteKind[] = ['status', 'other node', 'create-job', 'start-job'];
/** The writes that a run makes in each step, also without faults. */
const WRITES_IN: Readonly<Record<CrashStep, readonly WriteKind[]>> = {
  'between stages': ['status', 'permits', 'finalizers'],
  'query-alarms': ['status'],
  'lock-hosts': ['status', 'permits', 'claim'],
  'migrate-instances-from-host': ['status', 'evict'],
  'sw-patch-hosts': WORK,
  verify: ['status', 'release'],
  'system-stabilize': ['status', 'permits'],
  'unlock-hosts': ['status', 'release'],
  abort: ['status', 'release'],
  'stage-hosts': WORK,
  'start-upgrade': WORK,
  'upgrade-hosts': WORK,
  'activate-upgrade': WORK,
  // The host of the hooks is claimed already.
  'complete-upgrade': ['status', 'create-job', 'start-job'],
  'rollback-hosts': WORK,
  'ask-projects': ['status', 'notice'],
  'move-instances': ['status', 'evict', 'notice'],
  'close-hosts': ['status', 'claim', 'notice'],
  'await-empty': ['status'],
  'run-actions': ['status', 'create-job', 'start-job'],
  'ask-and-move-instances': ['status', 'evict', 'notice'],
};

/** A point at which a process may die: before a write leaves, or after it was carried out and before its answer. */
export type CrashPoint = {
  readonly step: CrashStep;
  readonly write: WriteKind;
  readonly when: 'before' | 'after';
};

/** The points at which processes die, over all seeds. */
export const CRASH_POINTS: readonly CrashPoint[] = CRASH_STEPS.flatMap((step) =>
  WRITES_IN[step].flatMap((write) => [
    { step, write, when: 'before' } as const,
    { step, write, when: 'after' } as const,
  ]),
);

/** Few runs reach these points. They are drawn more often, so that all points occur about equally often. */
const RARE: ReadonlySet<string> = new Set([
  'verify/release',
  'sw-patch-hosts/other node',
  'unlock-hosts/release',
  'abort/status',
  'abort/release',
  'unlock-hosts/status',
  'system-stabilize/permits',
  'lock-hosts/permits',
]);

/** The draws for crashes in the steps that all seeds have. */
export const CRASH_DRAWS = drawsOf((step) => !OF_UPGRADES.has(step) && !OF_SESSIONS.has(step));
/** Those in the steps that only upgrades have, and in those that only their rollbacks have. */
export const UPGRADE_CRASH_DRAWS = drawsOf((step) => OF_UPGRADES.has(step) && step !== 'rollback-hosts');
export const ROLLBACK_CRASH_DRAWS = drawsOf((step) => step === 'rollback-hosts');
export const SESSION_CRASH_DRAWS = drawsOf(
  (step) => OF_SESSIONS.has(step) && step !== 'ask-and-move-instances',
);
/** Those in the step that only sessions under constraints have. */
export const CONSTRAINT_CRASH_DRAWS = drawsOf((step) => step === 'ask-and-move-instances');

function drawsOf(isOf: (step: CrashStep) => boolean): readonly CrashPoint[] {
  return CRASH_POINTS.filter(({ step }) => isOf(step)).flatMap((point) =>
    Array.from({ length: RARE.has(`${point.step}/${point.write}`) ? 3 : 1 }, () => point),
  );
}

/** The steps that a write belongs to: the running one, as it is stored, and those that begin or end with the write. */
export function stepsOf(server: ApiServer, { path, body }: Call): ReadonlySet<string> {
  const steps = new Set([runningStep(server)]);
  if (!path.endsWith('/status') || !isOfStrategy(path)) return steps;
  const { resource, namespace = '', name = '' } = targetOf(path);
  const stored = server.get(resource, keyOf({ namespace, name }));
  const before = stored ? stagesOf(stored) : [];
  const written = stored && Array.isArray(body) ? statusAfter(stored, body) : at(body, 'status');
  for (const stage of stagesOf({ status: written }))
    for (const changed of changedSteps(stage, stageOf(before, stage.id))) steps.add(changed);
  return steps;
}

/** The status that a JSON patch leaves; that of a patch that is refused is the one before. */
function statusAfter(stored: ApiObject, operations: readonly unknown[]): unknown {
  try {
    return at(jsonPatched(stored, operations), 'status');
  } catch (error) {
    if (error instanceof PatchRefused) return stored.status;
    throw error;
  }
}

function changedSteps({ steps }: Stage, before: Stage | undefined): string[] {
  return steps
    .filter(({ id, result }) => result !== 'initial' && before?.steps[id]?.result !== result)
    .map(({ name }) => name);
}

/** The step of some strategy that runs, as it is stored. */
export function runningStep(server: ApiServer): string {
  for (const strategy of strategiesOf(server)) {
    if (stateOf(strategy) === 'aborting') return 'abort';
    const stage = stagesOf(strategy).find(({ inProgress }) => inProgress);
    const step = stage?.steps.find(({ result }) => result === 'wait' || result === 'initial');
    if (step) return step.name;
  }
  return 'between stages';
}
