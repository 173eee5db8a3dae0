/**
 * A deposed leader is harmless. For each class of write, one request of the first
 * leader is held until a second leader has continued the run, and is released
 * then. Each time a test also shows its effect without its precondition.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StrategyStatus } from '../../src/crds/observed/strategy-status.ts';
import type { HoldingProxy, Match } from '../support/network/holding-proxy.ts';
import { eventually } from '../support/eventually.ts';
import { kubeletPatch } from '../support/operator/strategies.ts';
import { marked, type Fleet } from './cluster.ts';
import * as late from './late-write.ts';
import type { LateWrite, Staging } from './late-write.ts';
import type { Replica } from './replicas.ts';
import { Scene, untilSwept } from './scene.ts';
import { StatefulPod } from './workload.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await Scene.start();
});
afterAll(async () => scene.stop());

/** The API server's status when an object is not, or no longer, in the state that the request expects. */
const CONFLICT = 409;
/** The same for a JSON patch that tests the object. */
const FAILED_TEST = 422;
const abort = async (fleet: Fleet): Promise<void> => fleet.order({ mode: 'Abort' });

async function staged(fleet: Fleet, staging: Staging): Promise<LateWrite> {
  return late.lateWrite(scene, fleet, staging);
}

/** Releases the request unchanged, then continues its sender, which must end by itself. Returns the answer's status. */
async function finalize({ held, first }: LateWrite): Promise<number> {
  const { status } = await held.release();
  scene.replicas.thaw(first);
  expect(await first.operator.ended, 'the deposed leader ends').toBe(1);
  return status;
}

/** The uids of the pods whose evictions a replica requested successfully. */
function evicted({ operator }: Replica): string[] {
  const accepted = operator.lines.filter((line) => /"effect":"evict".*"outcome":"accepted"/.test(line));
  return accepted.map((line) => /"key":"(?:[^"/]+\/){4}([^"/]+)\//.exec(line)?.[1] ?? '');
}

/** Releases the request without its guard, and expects that it is accepted. */
async function releaseUnguarded({ held }: LateWrite, without: (body: unknown) => unknown): Promise<void> {
  const { status } = await held.release(without);
  expect(status).toBeLessThan(300);
}

async function expectNoHarm({ poolName }: Fleet): Promise<void> {
  expect(await scene.witness.complaints(poolName)).toEqual([]);
}

async function expectHarm({ poolName }: Fleet, harm: RegExp): Promise<void> {
  const matching = expect.arrayContaining([expect.stringMatching(harm)]) as unknown;
  expect(await scene.witness.complaints(poolName)).toEqual(matching);
}

describe('a permit that was granted late', () => {
  let write: LateWrite;
  let blocker: StatefulPod;
  beforeAll(async () => {
    const fleet = await scene.cluster.fleet('permit', 2, 1);
    blocker = await StatefulPod.start(scene.cluster.admin, 'permit', 'permit-1');
    await blocker.allow(0);
    write = await staged(fleet, { match: late.permit });
    await eventually('the second host is out', async () => marked(await fleet.nodes())[0] === 'permit-1');
  });

  it('is refused while the next leader has another host out', async () => {
    expect(await finalize(write)).toBe(CONFLICT);
    await expectNoHarm(write.fleet);
  });

  it('would be one too many without its precondition', async () => {
    await releaseUnguarded(write, late.withoutGuardOperations);
    await expectHarm(write.fleet, /^permits for .*, the pool allows 1|has no permit/);
    await blocker.allow(1);
    await write.fleet.untilState('applied');
    await untilSwept(write.fleet);
  });
});

describe('a status that was written late', () => {
  let write: LateWrite;
  beforeAll(async () => {
    write = await staged(await scene.cluster.fleet('status', 1, 1), { match: late.progress });
    await write.fleet.untilState('applied');
  });

  it('is refused when the next leader has ended the run', async () => {
    expect(await finalize(write)).toBe(CONFLICT);
    await expectNoHarm(write.fleet);
    await untilSwept(write.fleet);
  });

  it('would undo the progress without its precondition', async () => {
    await releaseUnguarded(write, late.withoutGuardOperations);
    await expectHarm(write.fleet, /^the run had ended/);
  });
});

describe('a claim that was made late', () => {
  let write: LateWrite;
  beforeAll(async () => {
    write = await staged(await scene.cluster.fleet('claim', 1, 1), { match: late.claim, meanwhile: abort });
    await write.fleet.untilState('aborted');
  });

  it('is refused when the next leader has aborted the run', async () => {
    expect(await finalize(write)).toBe(CONFLICT);
    await expectNoHarm(write.fleet);
    await untilSwept(write.fleet);
  });

  it('would cordon a host without its precondition, until the sweep', async () => {
    await releaseUnguarded(write, late.withoutGuard);
    await expectHarm(write.fleet, /^claim-0 is claimed by a run that has no permit/);
    await untilSwept(write.fleet);
  });
});

describe('an eviction that was requested late', () => {
  let write: LateWrite;
  let pod: StatefulPod;
  let before: string;
  let successor: string;
  beforeAll(async () => {
    const fleet = await scene.cluster.fleet('evict', 1, 1);
    pod = await StatefulPod.start(scene.cluster.admin, 'evict', 'evict-0');
    before = await pod.runningOtherThan(undefined);
    write = await staged(fleet, { match: () => late.eviction(pod.name) });
    await fleet.untilState('applied');
    successor = await pod.runningOtherThan(before);
  });

  it('is refused when another pod has that name', async () => {
    expect(await finalize(write)).toBe(CONFLICT);
    expect(await pod.stays(successor)).toBe(true);
    expect(evicted(write.second)).toEqual([before]);
    await expectNoHarm(write.fleet);
    await untilSwept(write.fleet);
  });

  it('would evict that pod without its precondition', async () => {
    await releaseUnguarded(write, late.withoutPodUid);
    expect(await pod.stays(successor)).toBe(false);
    await expectHarm(write.fleet, /^pod evict-0 was evicted from evict-0, which serves/);
  });

  it('respects the budget, and evicts its own pod once, after an abort', async () => {
    const fleet = await scene.cluster.fleet('evict-abort', 1, 1);
    const staying = await StatefulPod.start(scene.cluster.admin, 'evict-abort', 'evict-abort-0');
    const uid = await staying.runningOtherThan(undefined);
    const match = (): Match => late.eviction(staying.name);
    const aborted = await staged(fleet, { match, meanwhile: abort });
    await fleet.untilState('aborted');
    await staying.allow(0);
    expect(await finalize(aborted)).toBe(429);
    expect(await staying.stays(uid)).toBe(true);
    expect(evicted(aborted.second)).toEqual([]);
    await expectNoHarm(fleet);

    await staying.allow(1);
    const isTaken = async (): Promise<boolean> => (await aborted.held.release()).status === 201;
    await eventually('the eviction that was in flight is taken', isTaken);
    const next = await staying.runningOtherThan(uid);
    expect((await aborted.held.release()).status).toBe(CONFLICT);
    expect(await staying.stays(next)).toBe(true);
    await untilSwept(fleet);
  });
});

describe('a Job that was made late', () => {
  let write: LateWrite;
  beforeAll(async () => {
    const staging = { match: late.jobCreation, meanwhile: abort };
    write = await staged(await scene.cluster.fleet('make', 1, 1), staging);
    await write.fleet.untilState('aborted');
  });

  it('does nothing, and is swept, when the next leader has aborted the run', async () => {
    expect(await finalize(write)).toBe(201);
    await untilSwept(write.fleet);
    await expectNoHarm(write.fleet);
  });

  it('would work on a host in service if it were not suspended', async () => {
    await releaseUnguarded(write, late.notSuspended);
    await expectHarm(write.fleet, /^Job \S+ runs on make-0, which is not taken out of service for it/);
  });
});

describe('a Job that was made late, of a completed run', () => {
  let write: LateWrite;
  beforeAll(async () => {
    write = await staged(await scene.cluster.fleet('remake', 1, 1), { match: late.jobCreation });
    await write.fleet.untilState('applied');
  });

  it('exists already', async () => {
    expect(await finalize(write)).toBe(CONFLICT);
    await expectNoHarm(write.fleet);
    await untilSwept(write.fleet);
  });

  it('would be a second Job if its name did not follow from its effect', async () => {
    await releaseUnguarded(write, late.notNamedByItsEffect);
    await expectHarm(write.fleet, /^2 Jobs were made for the effect/);
  });
});

describe('a Job that was started late', () => {
  let write: LateWrite;
  let sweep: ReturnType<HoldingProxy['holdAll']>;
  beforeAll(async () => {
    write = await staged(await scene.cluster.fleet('start', 1, 1), {
      match: () => late.jobRelease,
      // The moment before an abort removes a Job that was never started, and then releases its host.
      meanwhile: async (fleet, { proxy }) => {
        sweep = proxy.holdAll(late.jobDeletion);
        await abort(fleet);
      },
    });
    await sweep.arrived;
  });

  it('is refused when the next leader aborts the run', async () => {
    expect(await finalize(write)).toBe(FAILED_TEST);
    await expectNoHarm(write.fleet);
  });

  it('would work on a host that is still out of service without its precondition', async () => {
    await releaseUnguarded(write, late.withoutTests);
    sweep.release();
    await write.fleet.untilState('aborted');
    await expectNoHarm(write.fleet);
    await untilSwept(write.fleet);
  });
});

describe('an uncordon that was sent late', () => {
  let write: LateWrite;
  let blocker: StatefulPod;
  beforeAll(async () => {
    const fleet = await scene.cluster.fleet('uncordon', 1, 1);
    write = await staged(fleet, { match: late.uncordon });
    await fleet.untilState('applied');
    blocker = await StatefulPod.start(scene.cluster.admin, 'uncordon', 'uncordon-0');
    await blocker.allow(0);
    await fleet.apply({ patches: [{ ...kubeletPatch, rebootRequired: true }], execution: { mode: 'Run' } });
    const isEmptying = ({ progress }: StrategyStatus): boolean =>
      progress?.step === 'migrate-instances-from-host';
    await fleet.until('a later run empties the host', isEmptying);
  });

  it('is refused when a later run has the host', async () => {
    expect(await finalize(write)).toBe(CONFLICT);
    await expectNoHarm(write.fleet);
  });

  it('would uncordon the host during the work without its precondition', async () => {
    await releaseUnguarded(write, late.withoutGuard);
    await expectHarm(write.fleet, /^uncordon-0 was given back in the middle of migrate-instances-from-host/);
  });
});

describe('a late write is refused', () => {
  it.each([
    ['permit', late.permit],
    ['status', late.progress],
    ['uncordon', late.uncordon],
  ] as const)('(%s) when the next leader has aborted the run', async (name, match) => {
    const write = await staged(await scene.cluster.fleet(`aborted-${name}`, 1, 1), {
      match,
      meanwhile: abort,
    });
    // A run that was never stored as begun is not aborted: it stays planned.
    const over = ['aborted', 'ready-to-apply'];
    const isOver = ({ run, state }: StrategyStatus): boolean =>
      (run?.epoch ?? 0) > 1 && over.includes(state ?? '');
    await write.fleet.until('the next leader has ended it', isOver);
    expect(await finalize(write)).toBe(CONFLICT);
    await expectNoHarm(write.fleet);
    await untilSwept(write.fleet);
  });

  it.each([
    ['claim', late.claim, CONFLICT],
    ['start', () => late.jobRelease, FAILED_TEST],
  ] as const)('(%s) when the next leader has ended the run', async (name, match, status) => {
    const write = await staged(await scene.cluster.fleet(`ended-${name}`, 1, 1), { match });
    await write.fleet.untilState('applied');
    expect(await finalize(write)).toBe(status);
    await expectNoHarm(write.fleet);
    await untilSwept(write.fleet);
  });
});
