/** A status for every state of a strategy, made by the code of the operator. All kinds have the same status. */
import { buildPlan, type PlanInput } from '../../src/controllers/strategy/build-plan.ts';
import { buildingStatus } from '../../src/status/build-status.ts';
import { statusOfRun } from '../../src/status/codec.ts';
import { stalledStatus } from '../../src/status/stalled-status.ts';
import type { Finding } from '../../src/crds/finding.ts';
import type { Reason } from '../../src/crds/conditions.ts';
import type { TargetRelease } from '../../src/crds/strategy-spec.ts';
import { hostPoolSpec } from '../../src/crds/host-pool.ts';
import { PATCH_STRATEGY } from '../../src/crds/names.ts';
import type { StrategyKindName } from '../../src/crds/strategy-kinds.ts';
import type { StrategyStatus } from '../../src/crds/strategy-status.ts';
import type { ExecutionMode } from '../../src/crds/vocabulary.ts';
import type { Order } from '../../src/engine/turn.ts';
import { SimulatedHostOps } from '../../src/hostops/simulated/simulated-host-ops.ts';
import type { NewHost } from '../../src/hostops/simulated/simulated-objects.ts';
import { SimulatedWorld } from '../../src/hostops/simulated/simulated-world.ts';
import { workers } from '../unit/support/fleets.ts';
import {
  job,
  SimulatedRun,
  strategySpec,
  upgradeSpec,
  type RunOptions,
} from '../unit/support/simulated-run.ts';
import { NOT_SEEN, objectOf, TIME, type Samples } from './sample.ts';

const GENERATION = 3;
const LONG_AGO = '2026-01-01T00:00:00Z';
const OLD = { 'nodeInfo.kernelVersion': '6.12.40', 'nodeInfo.kubeletVersion': 'v1.36.3' };
const PATCHED = { 'nodeInfo.kernelVersion': '6.12.48', 'nodeInfo.kubeletVersion': 'v1.36.4' };
const { roles, health } = hostPoolSpec.parse({ provider: { kubernetes: {} }, maxUnavailable: 1 });

function input(
  world: SimulatedWorld,
  violations: readonly string[] = [],
  overlaps?: string,
  before: StrategyStatus = {},
  findings: readonly Finding[] = [],
  mode: ExecutionMode = 'Hold',
): PlanInput {
  const spec = strategySpec({ execution: { mode } });
  return {
    ...{ spec, generation: GENERATION, before, maxUnavailable: 2, activeHost: undefined },
    ...{
      violations,
      findings: () => findings,
      overlap: overlaps,
      epoch: 1,
      fleetRevision: '1',
      runId: 'run-1',
    },
    scope: { pool: 'default', provider: { kubernetes: { nodeSelector: {} } }, before: [], roles, health },
  };
}

async function built(
  hosts: readonly NewHost[],
  violations?: readonly string[],
  overlaps?: string,
  before?: StrategyStatus,
  findings?: readonly Finding[],
  mode?: ExecutionMode,
): Promise<StrategyStatus> {
  const world = new SimulatedWorld();
  for (const host of hosts) world.addHost({ nodeInfo: OLD, ...host });
  const signal = new AbortController().signal;
  return buildPlan(
    input(world, violations, overlaps, before, findings, mode),
    new SimulatedHostOps(world),
    () => world.now,
    signal,
  );
}

/** The current status of a run, on top of the status that the build wrote. */
async function shown(run: SimulatedRun, changes: Partial<SimulatedRun['run']> = {}): Promise<StrategyStatus> {
  const before = await built(workers(2));
  const { reasons, order, obstacle } = run;
  const state = { ...run.run, ...changes };
  return statusOfRun(before, state, { reasons, order, obstacle }, GENERATION, TIME);
}

type Story = {
  readonly options?: Partial<RunOptions>;
  readonly order?: Order;
  readonly story?: (run: SimulatedRun) => Promise<void>;
};

/** Plays the story of a run on four hosts, and returns the status at its end. */
async function after({ options, order, story }: Story): Promise<StrategyStatus> {
  const run = await SimulatedRun.start({ hosts: workers(4), ...options });
  if (order) run.order = order;
  await (story ?? ((each) => each.settle()))(run);
  return shown(run);
}

const heldBack = (reason: Reason, message: string): Order => ({ mode: 'Run', heldBack: { reason, message } });

/** The run ends its first stage, and is then held back. */
const between = (order: Order): Story => ({
  order: { mode: 'Run', throughStage: 0 },
  story: async (run) => {
    await run.settle();
    run.order = order;
    await run.settle();
  },
});

const drainingOf = async (run: SimulatedRun): Promise<void> => {
  run.world.setBudget('db', 0);
  run.world.addPod({ host: 'w-1', name: 'db-0', budget: 'db' });
  await run.until(() => run.step === 'migrate-instances-from-host');
  await run.elapse(60_000);
};

const rebooting = ({ run }: SimulatedRun): boolean =>
  run.hosts.some(({ jobs }) => jobs?.some(({ action }) => action === 'reboot'));

/** The host of the run does not reboot when it should, and then the run is aborted. */
const abortInVain: Story = {
  options: { hosts: [{ name: 'w-1', behaviour: 'lie' }] },
  story: async (run) => {
    await run.until(() => rebooting(run));
    run.order = { mode: 'Abort' };
    await run.settle();
  },
};

/** No adapter in memory refuses to release a host, so this is the run that timed out, with another result. */
async function abortFailed(): Promise<StrategyStatus> {
  const run = await SimulatedRun.start({ hosts: workers(1), ...abortInVain.options });
  await abortInVain.story?.(run);
  const reason = 'stage 0: w-1: nodes "w-1" is forbidden';
  return shown(run, {
    state: 'abort-failed',
    ...(run.run.abort ? { abort: { ...run.run.abort, result: 'failed', reason } } : {}),
  });
}

/** An upgrade has left a host out that could not be staged, and waits before it activates the release. */
const leftOut: Story = {
  options: {
    hosts: [...workers(1), { name: 'w-2', jobs: { 'stage-worker': { exitCode: 7 } } }],
    upgrade: upgradeSpec({
      hosts: { worker: { action: { job }, stage: { job } } },
      activate: { job },
      maxUnstagedHosts: 1,
    }),
  },
};

const RELEASE: TargetRelease = { version: 'v1.36.4', fact: 'nodeInfo.kubeletVersion' };

/** A host has joined since the run was applied: of patches, or of this release. */
async function drifted(release?: TargetRelease): Promise<StrategyStatus> {
  const run = await SimulatedRun.start({ hosts: workers(1) });
  await run.settle();
  const before = await built(workers(1));
  const record = before.run && { ...before.run, actions: { ...before.run.actions, release } };
  return statusOfRun(
    release && record ? { ...before, run: record } : before,
    run.run,
    { reasons: [], order: { mode: 'Run' }, lacking: ['w-9'] },
    GENERATION,
    TIME,
  );
}

const overlap = 'HostPool gpu selects hosts of an older pool (w-1): change its spec.provider';
const FINDING: Finding = {
  ...{ severity: 'warns', reason: 'FactUnknown', subjects: ['v-1'] },
  message: 'nodeInfo.kernelVersion of v-1 is not known, so patch kernel-6.12.48 counts as missing there',
  remedy: 'if it cannot be patched, exclude it in spec.provider of HostPool default',
};
const paused = 'HostPool default is paused (spec.paused): no outage begins';
const pinned = 'execution.plan is sha256:1, the plan is now sha256:2';
const notPermitted =
  'spec.reboot.job.template.spec.hostPID is true, which rule actionPolicy.privileged does not admit';

/** The samples by the names of their states in docs/guides/gitops.md. */
export async function strategySamples(kind: StrategyKindName = PATCH_STRATEGY): Promise<Samples> {
  const world = new SimulatedWorld();
  const applied = await after({});
  const cannotContinue = (reason: Reason, message: string): StrategyStatus =>
    stalledStatus({}, reason, message, GENERATION, TIME);
  const running = await after({ story: drainingOf });
  const unwell = [{ name: 'w-1', ready: false }];
  const { buildPhase, ...waiting } = await built(unwell);
  const waited = {
    ...waiting,
    ...(buildPhase ? { buildPhase: { ...buildPhase, startTime: LONG_AGO } } : {}),
  };
  const statuses: Record<string, StrategyStatus> = {
    'made, not seen yet': NOT_SEEN,
    'the plan is being built': buildingStatus(input(world), world.now),
    'no plan yet, a host is unwell': await built(unwell),
    'no plan can be built': await built(unwell, [], undefined, waited),
    'the pool does not permit it': await built(workers(2), [notPermitted]),
    'its pool has no hosts yet': await built([]),
    'its pool selects only hosts of an older pool': await built([], [], overlap),
    'its pool does not exist': cannotContinue('PoolNotFound', 'HostPool gpu does not exist'),
    'the operator cannot make its pass': cannotContinue('PassFailed', 'the operator cannot continue'),
    'its pool cannot be read': cannotContinue('SpecUnreadable', 'HostPool gpu: the spec cannot be read'),
    'its namespace is not prepared': cannotContinue('NamespaceNotPrepared', 'the operator cannot watch Jobs'),
    'the CRDs in the cluster are outdated': cannotContinue('KindsOutdated', 'apply the CRDs of this version'),
    'nothing to do': await built([{ name: 'w-1', nodeInfo: PATCHED }]),
    'planned, waits for approval': await built(workers(2)),
    'planned, a finding blocks or warns': await built(workers(2), [], undefined, {}, [FINDING]),
    'planned, another plan was approved': await after({ order: heldBack('OtherPlanPinned', pinned) }),
    'planned and approved, about to begin': await built(workers(2), [], undefined, {}, [], 'Run'),
    'planned, suspended': await after({ order: { mode: 'Suspend' } }),
    'planned, the mode is Abort': await after({ order: { mode: 'Abort' } }),
    'planned, its pool is paused': await after({ order: heldBack('Paused', paused) }),
    'planned, its pool overlaps another': await after({ order: heldBack('Overlap', overlap) }),
    'a stage runs': await after({ story: (run) => run.until(() => run.step === 'sw-patch-hosts') }),
    'a stage runs, a budget blocks a pod': running,
    'a stage waits for permits': await after({
      options: {
        hosts: [...workers(2), { name: 'x', labels: { infra: '' }, closedToNewWork: true }],
        maxUnavailable: 1,
      },
      story: (run) => run.elapse(60_000),
    }),
    'a stage runs, somebody uncordoned a host': await after({
      story: async (run) => {
        await drainingOf(run);
        run.world.changeHost('w-1', { closedToNewWork: false });
        await run.pass();
      },
    }),
    'a stage waits, a host is unwell': await after({
      story: async (run) => {
        run.world.changeHost('w-3', { ready: false });
        await run.elapse(10_000);
      },
    }),
    'a stage waits, others hold a host': await after({
      story: async (run) => {
        run.world.changeHost('w-1', { spoiltClaim: 'its seal does not fit' });
        await run.elapse(10_000);
      },
    }),
    'a stage runs, a Job has not started': await after({
      options: { hosts: [{ name: 'w-1', behaviour: 'stuck' }] },
      story: async (run) => {
        await run.until(() => run.step === 'sw-patch-hosts');
        await run.elapse(60_000);
      },
    }),
    suspended: await after({
      story: async (run) => {
        await drainingOf(run);
        run.order = { mode: 'Suspend' };
        await run.pass();
      },
    }),
    'between stages, held': await after(between({ mode: 'Hold' })),
    'between stages, as far as execution.throughStage': await after(
      between({ mode: 'Run', throughStage: 0 }),
    ),
    'between stages, another plan was approved': await after(between(heldBack('OtherPlanPinned', pinned))),
    'between stages, its pool is paused': await after(between(heldBack('Paused', paused))),
    'between stages, its pool overlaps another': await after(between(heldBack('Overlap', overlap))),
    'between stages, no longer permitted': await after(between(heldBack('NotPermitted', notPermitted))),
    'between stages, the rest is planned again': await after(
      between(heldBack('Building', 'the spec was edited, the remaining stages are planned again')),
    ),
    'between stages, hosts that were left out lack the release': await after(leftOut),
    applied: applied,
    'applied, a host that joined since lacks a patch': await drifted(),
    'applied, a host that joined since lacks the release': await drifted(RELEASE),
    'applied, a host that joined since has the release': await drifted({ ...RELEASE, rollback: true }),
    'failed, a host stays locked': await after({ options: { hosts: [{ name: 'w-1', behaviour: 7 }] } }),
    'ran out of time': await after({ options: { hosts: [{ name: 'w-1', behaviour: 'lie' }] } }),
    aborting: await after({
      story: async (run) => {
        await run.until(() => run.step === 'sw-patch-hosts');
        run.order = { mode: 'Abort' };
        await run.pass();
      },
    }),
    aborted: await after({
      story: async (run) => {
        await run.until(() => run.step === 'sw-patch-hosts');
        run.order = { mode: 'Abort' };
        await run.settle();
      },
    }),
    'the abort failed': await abortFailed(),
    'the abort ran out of time': await after(abortInVain),
  };
  const object = objectOf(kind, GENERATION);
  return new Map([
    ...Object.entries(statuses).map(([name, status]) => [name, object(status)] as const),
    ['edited, not seen since', objectOf(kind, GENERATION + 1)(applied)],
    ['being deleted', object(running, { deletionTimestamp: TIME })],
  ]);
}
