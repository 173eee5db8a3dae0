/** A session, and another run that has a permit for one of its hosts. */
import { describe, expect, it } from 'vitest';
import { RESYNC_MILLISECONDS } from '../../../src/engine/pass.ts';
import type { HostState } from '../../../src/hostops/host-state.ts';
import { job } from '../support/simulated-run.ts';
import { session, type SessionOperator } from './simple-session.ts';

const work = { actions: [{ plugin: 'maintain', type: 'host', job }] };
const FREE = { claim: undefined, closedToNewWork: false };

function hostOf(
  { world }: SessionOperator,
  name: string,
): Pick<HostState, 'claim' | 'closedToNewWork'> | undefined {
  return world.hosts.get(name);
}

it('closes no host for which another run has a permit, says so, and goes on when that is free', async () => {
  const run = await session('waits', work);
  run.permittedToOther = ['w-2'];
  await run.until(() => run.reasons.some((reason) => reason.includes('w-2 has a permit of run other')));
  expect(hostOf(run, 'w-1')?.claim?.level).toBe('closed');
  expect(hostOf(run, 'w-2')).toMatchObject(FREE);
  run.permittedToOther = [];
  await run.until(() => false);
  expect(run.run.session).toMatchObject({ state: 'MAINTENANCE_DONE', closed: [] });
  expect(run.claimedAtEnd).toEqual([]);
});

it('opens a closed host for which another run got a permit at the same time: else each would wait for the other', async () => {
  const run = await session('yields', work);
  await run.until(() => hostOf(run, 'w-2')?.claim?.level === 'closed');
  run.permittedToOther = ['w-2'];
  await run.until(() => hostOf(run, 'w-2')?.claim === undefined);
  expect(hostOf(run, 'w-2')).toMatchObject(FREE);
  run.permittedToOther = [];
  await run.until(() => false);
  expect(run.run.session).toMatchObject({ state: 'MAINTENANCE_DONE', closed: [] });
  expect(run.run.session?.hosts.every(({ maintained }) => maintained)).toBe(true);
  expect(run.claimedAtEnd).toEqual([]);
});

it('takes a closed host out of service although a new leader has made its lost claim again with the stage at hand', async () => {
  const run = await session('taken-over', work);
  run.permittedToOther = ['w-9'];
  await run.until(() => run.reasons.some((reason) => reason.includes('waiting for permits')));
  const claim = hostOf(run, 'w-1')?.claim;
  if (claim?.level !== 'closed') throw new Error('w-1 is not closed');
  run.world.changeHost('w-1', { claim: { ...claim, stage: run.run.apply.currentStage } });
  run.permittedToOther = [];
  await run.until(() => run.world.jobs.size > 0);
  expect(hostOf(run, 'w-1')?.claim?.level).toBe('away');
});

describe('a session that waits for a host which another session has closed', () => {
  /** The other one closes w-2 when this one has closed both, and opens it later. */
  const beside = async (other: string): Promise<SessionOperator> => {
    const run = await session('beside', work);
    run.permittedToOther = ['w-2'];
    await run.until(() => hostOf(run, 'w-1')?.claim?.level === 'closed');
    const claim = hostOf(run, 'w-1')?.claim;
    if (!claim) throw new Error('w-1 is not closed');
    run.world.changeHost('w-2', { claim: { ...claim, run: other }, closedToNewWork: true });
    run.permittedToOther = [];
    await run.elapse(RESYNC_MILLISECONDS);
    expect(run.reasons).toContainEqual(expect.stringContaining('w-2 is held by'));
    return run;
  };
  const goesOn = async (run: SessionOperator): Promise<void> => {
    run.world.changeHost('w-2', FREE);
    await run.until(() => false);
    expect(run.run.session).toMatchObject({ state: 'MAINTENANCE_DONE', closed: [] });
    expect(run.claimedAtEnd).toEqual([]);
  };

  it('opens its own hosts, if the run of the other one is before its own', async () => {
    const run = await beside('run-0');
    expect(hostOf(run, 'w-1')).toMatchObject(FREE);
    expect(run.run.session?.closed).toEqual([]);
    await goesOn(run);
  });

  it('keeps its own hosts closed otherwise: the other one opens its own', async () => {
    const run = await beside('run-2');
    expect(hostOf(run, 'w-1')?.claim?.level).toBe('closed');
    await goesOn(run);
  });
});

it('ends at once although a closed host has the mark of another run: its release finds nothing of this one', async () => {
  const run = await session('marked', work);
  await run.until(() => hostOf(run, 'w-2')?.claim?.level === 'closed');
  const claim = hostOf(run, 'w-2')?.claim;
  if (!claim) throw new Error('w-2 is not closed');
  run.world.changeHost('w-2', { claim: { ...claim, run: 'other' } });
  run.order = { mode: 'Abort' };
  await run.until(() => run.run.session?.closed.length === 0);
  expect(run.run.session).toMatchObject({ state: 'MAINTENANCE_FAILED', closed: [] });
  expect(hostOf(run, 'w-2')?.claim?.run).toBe('other');
  expect(run.claimedAtEnd).toEqual(['w-2']);
});
