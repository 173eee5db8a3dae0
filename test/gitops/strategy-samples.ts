/** A status for every state that strategies of all kinds have, made by the code of the operator. */
import { buildingStatus } from '../../src/status/shown/build-status.ts';
import { statusOfRun } from '../../src/status/stored/codec.ts';
import { stalledStatus } from '../../src/status/shown/stalled-status.ts';
import type { Finding } from '../../src/crds/observed/finding.ts';
import type { Reason } from '../../src/crds/observed/conditions.ts';
import { PATCH_STRATEGY } from '../../src/crds/names.ts';
import type { StrategyKindName } from '../../src/crds/strategy-kinds.ts';
import type { StrategyStatus } from '../../src/crds/observed/strategy-status.ts';
import type { Order } from '../../src/engine/turn.ts';
import { SimulatedWorld } from '../../src/hostops/simulated/simulated-world.ts';
import { workers } from '../unit/support/fleets.ts';
import type { SimulatedRun } from '../unit/support/simulated-run.ts';
import { NOT_SEEN, objectOf, TIME, type Samples } from './sample.ts';
import { GENERATION, Teller, type Story } from './teller.ts';

const LONG_AGO = '2026-01-01T00:00:00Z';
const PATCHED = { 'nodeInfo.kernelVersion': '6.12.48', 'nodeInfo.kubeletVersion': 'v1.36.4' };

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
async function abortFailed(teller: Teller): Promise<StrategyStatus> {
  const run = await teller.started(abortInVain.options);
  await abortInVain.story?.(run);
  const reason = 'stage 0: w-1: nodes "w-1" is forbidden';
  return teller.shown(run, {
    state: 'abort-failed',
    ...(run.run.abort ? { abort: { ...run.run.abort, result: 'failed', reason } } : {}),
  });
}

const overlap = 'HostPool gpu selects hosts of an older pool (w-1): change its spec.provider';
const unobservable = 'the hosts of HostPool cloud cannot be observed: Keystone does not answer';
const FINDING: Finding = {
  ...{ severity: 'warns', reason: 'FactUnknown', subjects: ['v-1'] },
  message: 'nodeInfo.kernelVersion of v-1 is not known, so patch kernel-6.12.48 counts as missing there',
  remedy: 'if it cannot be patched, exclude it in spec.provider of HostPool default',
};
const paused = 'HostPool default is paused (spec.paused): no outage begins';
const pinned = 'execution.plan is sha256:1, the plan is now sha256:2';
const belowStage =
  'stage 1 takes 3 hosts out of service together, HostPool default allows 2 (spec.maxUnavailable), and a plan of the ' +
  'VIM is never cut';
const notPermitted =
  'spec.reboot.job.template.spec.hostPID is true, which rule actionPolicy.privileged does not admit';

/** Fields of a spec by which a person works on the hosts. */
function byPerson(kind: StrategyKindName): Readonly<Record<string, unknown>> {
  const work = { action: { manual: { timeoutSeconds: 3600 } }, rebootRequired: true };
  return kind === PATCH_STRATEGY
    ? { patches: [{ id: 'fan', ...work }] }
    : { hosts: { controller: work, storage: work, worker: work } };
}

/** The samples by the names of their states in docs/guides/gitops.md. */
export async function strategySamples(kind: StrategyKindName = PATCH_STRATEGY): Promise<Samples> {
  const teller = new Teller(kind);
  const { now } = new SimulatedWorld();
  const applied = await teller.after({});
  const cannotContinue = (reason: Reason, message: string): StrategyStatus =>
    stalledStatus({}, reason, message, GENERATION, TIME);
  const running = await teller.after({ story: drainingOf });
  const unwell = [{ name: 'w-1', ready: false }];
  const { buildPhase, ...waiting } = await teller.built(unwell);
  const waited = {
    ...waiting,
    ...(buildPhase ? { buildPhase: { ...buildPhase, startTime: LONG_AGO } } : {}),
  };
  const statuses: Record<string, StrategyStatus> = {
    'made, not seen yet': NOT_SEEN,
    'the plan is being built': buildingStatus(teller.planInput(), now),
    'no plan yet, a host is unwell': await teller.built(unwell),
    'no plan can be built': await teller.built(unwell, { before: waited }),
    'the pool does not permit it': await teller.built(workers(2), { violations: [notPermitted] }),
    'its pool has no hosts yet': await teller.built([]),
    'its pool selects only hosts of an older pool': await teller.built([], { overlap }),
    'its pool does not exist': cannotContinue('PoolNotFound', 'HostPool gpu does not exist'),
    'the operator cannot make its pass': cannotContinue('PassFailed', 'the operator cannot continue'),
    'its pool cannot be read': cannotContinue('SpecUnreadable', 'HostPool gpu: the spec cannot be read'),
    'its namespace is not prepared': cannotContinue('NamespaceNotPrepared', 'the operator cannot watch Jobs'),
    'the CRDs in the cluster are outdated': cannotContinue('KindsOutdated', 'apply the CRDs of this version'),
    'nothing to do': await teller.built([{ name: 'w-1', nodeInfo: PATCHED }]),
    'planned, waits for approval': await teller.built(workers(2)),
    'planned, a finding blocks or warns': await teller.built(workers(2), { findings: [FINDING] }),
    'planned, another plan was approved': await teller.after({ order: heldBack('OtherPlanPinned', pinned) }),
    'planned, a stage of the VIM is larger than its pool allows': await teller.after({
      order: heldBack('LimitBelowStage', belowStage),
    }),
    'planned and approved, about to begin': await teller.built(workers(2), { mode: 'Run' }),
    'planned, suspended': await teller.after({ order: { mode: 'Suspend' } }),
    'planned, the mode is Abort': await teller.after({ order: { mode: 'Abort' } }),
    'planned, its pool is paused': await teller.after({ order: heldBack('Paused', paused) }),
    'planned, its pool overlaps another': await teller.after({ order: heldBack('Overlap', overlap) }),
    'planned, the cloud of its pool cannot be reached': await teller.after({
      order: heldBack('ProviderUnavailable', unobservable),
    }),
    'a stage runs': await teller.after({ story: (run) => run.until(() => run.step === teller.workStep) }),
    'a stage runs, a budget blocks a pod': running,
    'a stage waits for permits': await teller.after({
      options: {
        hosts: [...workers(2), { name: 'x', labels: { infra: '' }, closedToNewWork: true }],
        maxUnavailable: 1,
      },
      story: (run) => run.elapse(60_000),
    }),
    'a stage waits for a person on a host': await new Teller(kind, byPerson(kind)).after({
      story: async (run) => {
        await run.until(() => run.run.hosts.some(({ manual = [] }) => manual.length > 0));
        await run.elapse(0);
      },
    }),
    'a stage runs, somebody uncordoned a host': await teller.after({
      story: async (run) => {
        await drainingOf(run);
        run.world.changeHost('w-1', { closedToNewWork: false });
        await run.pass();
      },
    }),
    'a stage waits, a host is unwell': await teller.after({
      story: async (run) => {
        run.world.changeHost('w-3', { ready: false });
        await run.elapse(10_000);
      },
    }),
    'a stage waits, others hold a host': await teller.after({
      story: async (run) => {
        run.world.changeHost('w-1', { spoiltClaim: 'its seal does not fit' });
        await run.elapse(10_000);
      },
    }),
    'a stage runs, a Job has not started': await teller.after({
      options: { hosts: [{ name: 'w-1', behaviour: 'stuck' }] },
      story: async (run) => {
        await run.until(() => run.step === teller.workStep);
        await run.elapse(60_000);
      },
    }),
    suspended: await teller.after({
      story: async (run) => {
        await drainingOf(run);
        run.order = { mode: 'Suspend' };
        await run.pass();
      },
    }),
    'between stages, held': await teller.after(between({ mode: 'Hold' })),
    'between stages, as far as execution.throughStage': await teller.after(
      between({ mode: 'Run', throughStage: 0 }),
    ),
    'between stages, another plan was approved': await teller.after(
      between(heldBack('OtherPlanPinned', pinned)),
    ),
    'between stages, its pool is paused': await teller.after(between(heldBack('Paused', paused))),
    'between stages, its pool overlaps another': await teller.after(between(heldBack('Overlap', overlap))),
    'between stages, the cloud of its pool cannot be reached': await teller.after(
      between(heldBack('ProviderUnavailable', unobservable)),
    ),
    'between stages, a stage of the VIM is larger than its pool allows': await teller.after(
      between(heldBack('LimitBelowStage', belowStage)),
    ),
    'between stages, no longer permitted': await teller.after(
      between(heldBack('NotPermitted', notPermitted)),
    ),
    'between stages, the rest is planned again': await teller.after(
      between(heldBack('Building', 'the spec was edited, the remaining stages are planned again')),
    ),
    applied,
    'applied, a host that joined since lacks a patch': await (async () => {
      const run = await teller.started({ hosts: workers(1) });
      await run.settle();
      return statusOfRun(
        await teller.built(workers(1)),
        run.run,
        { reasons: [], order: { mode: 'Run' }, lacking: ['w-9'] },
        GENERATION,
        TIME,
      );
    })(),
    'failed, a host stays locked': await teller.after({
      options: { hosts: [{ name: 'w-1', behaviour: 7 }] },
    }),
    'ran out of time': await teller.after({ options: { hosts: [{ name: 'w-1', behaviour: 'lie' }] } }),
    aborting: await teller.after({
      story: async (run) => {
        await run.until(() => run.step === teller.workStep);
        run.order = { mode: 'Abort' };
        await run.pass();
      },
    }),
    aborted: await teller.after({
      story: async (run) => {
        await run.until(() => run.step === teller.workStep);
        run.order = { mode: 'Abort' };
        await run.settle();
      },
    }),
    'the abort failed': await abortFailed(teller),
    'the abort ran out of time': await teller.after(abortInVain),
  };
  const object = objectOf(kind, GENERATION);
  return new Map([
    ...Object.entries(statuses).map(([name, status]) => [name, object(status)] as const),
    ['edited, not seen since', objectOf(kind, GENERATION + 1)(applied)],
    ['being deleted', object(running, { deletionTimestamp: TIME })],
  ]);
}
