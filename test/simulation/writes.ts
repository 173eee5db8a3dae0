/** Classifies a write of the operator: its kind, and the steps of a run that it belongs to. */
import type { Call } from '../../src/kube/client.ts';
import { at, type ApiServer } from './world/api-server.ts';
import { stageOf, stagesOf, stateOf, type Stage } from './seen.ts';
import type { ApiObject } from './world/objects.ts';
import { jsonPatched, PatchRefused } from './world/patches.ts';

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
] as const;
export type WriteKind = (typeof WRITE_KINDS)[number];

const CLAIM = 'careen.dev/claim';

/** Undefined for a read, and for a write of the Lease. */
export function writeOf({ method, path, body }: Call): WriteKind | undefined {
  if (method === 'GET' || path.includes('/leases')) return undefined;
  if (path.includes('/hostpools/')) return 'permits';
  if (path.includes('/patchstrategies/')) return path.endsWith('/status') ? 'status' : 'finalizers';
  if (path.endsWith('/eviction')) return 'evict';
  if (path.includes('/jobs')) {
    if (method === 'POST') return 'create-job';
    const isStart = Array.isArray(body) && body.some((each) => at(each, 'path') === '/spec/suspend');
    return isStart ? 'start-job' : 'other job';
  }
  const claim = at(body, 'metadata', 'annotations', CLAIM);
  if (claim === null) return 'release';
  return typeof claim === 'string' && at(body, 'spec', 'unschedulable') === true ? 'claim' : 'other node';
}

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
] as const;

type CrashStep = (typeof CRASH_STEPS)[number];

/** The writes that a run makes in each step, also without faults. */
const WRITES_IN: Readonly<Record<CrashStep, readonly WriteKind[]>> = {
  'between stages': ['status', 'permits', 'finalizers'],
  'query-alarms': ['status'],
  'lock-hosts': ['status', 'permits', 'claim'],
  'migrate-instances-from-host': ['status', 'evict'],
  'sw-patch-hosts': ['status', 'other node', 'create-job', 'start-job'],
  verify: ['status', 'release'],
  'system-stabilize': ['status', 'permits'],
  'unlock-hosts': ['status', 'release'],
  abort: ['status', 'release'],
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

/** The draws for crashes. */
export const CRASH_DRAWS: readonly CrashPoint[] = CRASH_POINTS.flatMap((point) =>
  Array.from({ length: RARE.has(`${point.step}/${point.write}`) ? 3 : 1 }, () => point),
);

/** The steps that a write belongs to: the running one, as it is stored, and those that begin or end with the write. */
export function stepsOf(server: ApiServer, { path, body }: Call): ReadonlySet<string> {
  const steps = new Set([runningStep(server)]);
  if (!path.endsWith('/status') || !path.includes('/patchstrategies/')) return steps;
  const name = path.split('/').at(-2);
  const stored = server.list('patchstrategies').find(({ metadata }) => metadata.name === name);
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
  for (const strategy of server.list('patchstrategies')) {
    if (stateOf(strategy) === 'aborting') return 'abort';
    const stage = stagesOf(strategy).find(({ inProgress }) => inProgress);
    const step = stage?.steps.find(({ result }) => result === 'wait' || result === 'initial');
    if (step) return step.name;
  }
  return 'between stages';
}
