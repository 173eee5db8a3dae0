/** When the list of the servers on a host is read again. */
import { describe, expect, it } from 'vitest';
import { isOutOfDate, marksOf, OpenHosts } from '../../../../src/hostops/openstack/observed/open-hosts.ts';
import type { ComputeHost } from '../../../../src/hostops/openstack/compute-host.ts';
import type { Migration, Server } from '../../../../src/openstack/compute-answers.ts';
import { ago, HOST, migration, NOW, server } from './cloud-objects.ts';

const NOBODY: ReadonlySet<string> = new Set();

function listOf(servers: readonly Server[], migrations: readonly Migration[], readAt = NOW) {
  const marks = marksOf({ host: HOST, servers }, migrations);
  return { host: HOST, hostIsUp: true, servers, readAt, marks };
}

describe('a list of servers is out of date', () => {
  const moving = server({ taskState: 'migrating' });
  const running = migration('running');

  it.each([
    ['ten seconds while its servers rest', [server()], [], 10_000],
    ['half a minute while one of them moves', [moving, server({ id: 's2' })], [running], 30_000],
  ])('after %s', (_, servers, migrations, pause) => {
    const list = listOf(servers, migrations);
    expect(isOutOfDate(list, migrations, NOBODY, NOW + pause - 1)).toBe(false);
    expect(isOutOfDate(list, migrations, NOBODY, NOW + pause)).toBe(true);
  });

  it('after ten seconds also while one of them moves from a host that is down', () => {
    const list = { ...listOf([moving], [running]), hostIsUp: false };
    expect(isOutOfDate(list, [running], NOBODY, NOW + 9_999)).toBe(false);
    expect(isOutOfDate(list, [running], NOBODY, NOW + 10_000)).toBe(true);
  });

  it.each([
    ['of a server that it does not have began', [], [migration('running', { server: 's9' })]],
    ['was completed', [running], [migration('completed')]],
    ['failed', [running], [migration('error')]],
    ['waits for its confirmation', [running], [migration('finished')]],
  ])('when a migration from the host %s', (_, before, after) => {
    expect(isOutOfDate(listOf([moving], before), after, NOBODY, NOW)).toBe(true);
  });

  it.each([
    ['of one of its servers begins', [], [running]],
    ['goes from a queue to its run', [migration('queued')], [running]],
    ['is of another host', [running], [running, migration('completed', { id: 2, source: 'compute-9' })]],
  ])('not when a migration %s', (_, before, after) => {
    expect(isOutOfDate(listOf([moving], before), after, NOBODY, NOW)).toBe(false);
  });

  it('when a server was asked to leave since, and no migration shows what became of it', () => {
    const asked = new Set(['s1']);
    expect(isOutOfDate(listOf([server()], []), [], asked, NOW)).toBe(true);
    expect(isOutOfDate(listOf([server()], [running]), [running], asked, NOW)).toBe(false);
  });

  it.each([
    ['of its own', 'powering-off', []],
    ['of a move without a record', 'migrating', []],
    ['at the end of a cold migration', 'resize_finish', [migration('finished', { type: 'migration' })]],
  ])('when a server had a task %s', (_, taskState, migrations) => {
    expect(isOutOfDate(listOf([server({ taskState })], migrations), migrations, NOBODY, NOW)).toBe(true);
  });

  it('when its servers may only seem to have no task, because it was read long ago', () => {
    const silent = migration('running', { createdAt: ago(70), updatedAt: ago(61) });
    expect(isOutOfDate(listOf([server()], [silent], NOW - 9_000), [silent], NOBODY, NOW)).toBe(true);
    // A restart of Nova has cut it off.
    expect(isOutOfDate(listOf([server()], [silent]), [silent], NOBODY, NOW)).toBe(false);
  });
});

describe('the open hosts', () => {
  // A cast: only these fields decide.
  const host = (fields: object) => ({ closedToNewWork: false, claim: undefined, ...fields }) as ComputeHost;

  it('are read once nothing arrives there any more, as long as they are closed or claimed', () => {
    const open = new OpenHosts();
    open.acquire(HOST, false, NOW);
    open.noteTaken(HOST, host({}), NOW);
    expect(open.settled(NOW + 60_000)).toEqual([]);
    open.noteTaken(HOST, host({ closedToNewWork: true }), NOW);
    open.noteTaken(HOST, host({ closedToNewWork: true }), NOW + 2_000);
    expect([open.settled(NOW + 2_999), open.settled(NOW + 3_000)]).toEqual([[], [HOST]]);
    open.keep(listOf([server()], []));
    expect(open.servers).toHaveLength(1);
    open.noteTaken(HOST, host({}), NOW);
    expect([open.settled(NOW + 60_000), open.listOf(HOST)]).toEqual([[], undefined]);
  });

  it('keep no list when nobody wants them', () => {
    const open = new OpenHosts();
    open.acquire(HOST, false, NOW);
    open.acquire(HOST, false, NOW);
    open.release(HOST, false);
    expect(open.names).toEqual([HOST]);
    open.release(HOST, false);
    open.keep(listOf([server()], []));
    expect([open.names, open.listOf(HOST)]).toEqual([[], undefined]);
  });
});
