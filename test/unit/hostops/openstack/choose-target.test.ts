/** Where a server is told to go, where that is not left to Nova. */
import { describe, expect, it } from 'vitest';
import {
  chooseTarget,
  type Choice,
  type Target,
} from '../../../../src/hostops/openstack/leaving/choose-target.ts';
import { migration, server } from './cloud-objects.ts';

type Host = Choice['hosts'] extends Iterable<infer T> ? T : never;

const host = (name: string, fields: Partial<Host> = {}): Host => ({
  ...{ name, ready: true, closedToNewWork: false, labels: { zone: 'az1' } },
  ...fields,
});

function choose(fields: Partial<Choice> = {}): Target {
  return chooseTarget({
    ...{ server: server(), migrations: [], hosts: ['compute-1', 'b', 'c'].map((name) => host(name)) },
    ...{ arriving: () => 0, maxMigrationsPerTarget: undefined },
    ...fields,
  });
}

const failedAt = (...hosts: string[]) => hosts.map((dest, id) => migration('error', { id, dest }));

describe('the host to which a server moves', () => {
  it('is the choice of Nova, unless moves to one are limited or one has failed', () => {
    expect(choose()).toEqual({ kind: 'to', host: undefined });
    expect(choose({ migrations: [migration('completed', { dest: 'b' })] })).toEqual({
      kind: 'to',
      host: undefined,
    });
  });

  it('is one that it has not failed to reach, and the choice of Nova once it has tried all', () => {
    expect(choose({ migrations: failedAt('b') })).toEqual({ kind: 'to', host: 'c' });
    expect(choose({ migrations: failedAt('b', 'c') })).toEqual({ kind: 'to', host: undefined });
  });

  it('stays the choice of Nova when that has found none', () => {
    expect(choose({ migrations: [migration('error')] })).toEqual({ kind: 'to', host: undefined });
  });

  it('is the choice of Nova again when that has refused the one that was named', () => {
    const migrations = [...failedAt('b'), migration('error')];
    expect(choose({ migrations })).toEqual({ kind: 'to', host: undefined });
  });

  it('is the next one when Nova has not accepted it', () => {
    const after = (failures: number): Target =>
      choose({
        maxMigrationsPerTarget: 2,
        migrations: Array.from({ length: failures }, (_, id) => migration('error', { id })),
      });
    expect([after(0), after(1), after(2)]).toEqual(
      ['b', 'c', 'b'].map((name) => ({ kind: 'to', host: name })),
    );
  });

  it('is that with the fewest arrivals, and by its name where they are the same', () => {
    const arriving = (name: string): number => (name === 'b' ? 1 : 0);
    expect(choose({ maxMigrationsPerTarget: 2, arriving })).toEqual({ kind: 'to', host: 'c' });
    expect(choose({ maxMigrationsPerTarget: 2 })).toEqual({ kind: 'to', host: 'b' });
  });

  it('is awaited while as many as may move to each', () => {
    expect(choose({ maxMigrationsPerTarget: 1, arriving: () => 1 })).toEqual({
      ...{ kind: 'wait', reason: 'waits: at most 1 servers may move to one host at once' },
    });
  });

  it.each([
    ['is its own', host('compute-1')],
    ['is down', host('a', { ready: false })],
    ['takes no new work', host('a', { closedToNewWork: true })],
  ])('is none that %s', (_, other) => {
    expect(choose({ maxMigrationsPerTarget: 1, hosts: [other, host('z')] })).toEqual({
      kind: 'to',
      host: 'z',
    });
  });

  it('is in the zone to which it is pinned', () => {
    const hosts = [host('a', { labels: { zone: 'az2' } }), host('z')];
    const of = (pinnedZone: string | null | undefined): Target =>
      choose({ maxMigrationsPerTarget: 1, hosts, server: server({ pinnedZone }) });
    expect([of('az1'), of(null), of(undefined)]).toEqual([
      ...[
        { kind: 'to', host: 'z' },
        { kind: 'to', host: 'a' },
        { kind: 'to', host: 'a' },
      ],
    ]);
  });
});

describe('hosts that must not take a server', () => {
  it('are never named, and the choice is not left to Nova', () => {
    expect(choose({ notTo: ['b'] })).toEqual({ kind: 'to', host: 'c' });
    expect(choose({ notTo: ['b', 'c'] })).toMatchObject({ kind: 'wait' });
    expect(choose({ notTo: ['b', 'c'], migrations: [migration('error')] })).toMatchObject({ kind: 'wait' });
  });

  it('leave those that it has failed to reach, which are tried again when there is no other', () => {
    expect(choose({ notTo: ['b'], migrations: failedAt('c') })).toEqual({ kind: 'to', host: 'c' });
    expect(choose({ notTo: ['d'], migrations: failedAt('c') })).toEqual({ kind: 'to', host: 'b' });
  });
});
