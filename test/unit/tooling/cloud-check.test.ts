/** The checker of simulated clouds sees what it has to see, and excuses what no operator can know. */
import { beforeEach, describe, expect, it } from 'vitest';
import { CloudCheck } from '../../simulation/cloud/cloud-check.ts';
import { NovaState, type CloudServer } from '../../simulation/cloud/nova-state.ts';

const US = 'op-a1';
const PERSON = 'somebody';
const READ = { method: 'GET', url: 'http://nova/v2.1/os-services?host=a', headers: {} } as const;

let now: number;
let state: NovaState;
let check: CloudCheck;
let complaints: string[];
let claimed: Set<string>;

beforeEach(() => {
  now = 0;
  complaints = [];
  claimed = new Set(['a']);
  state = new NovaState(() => now);
  check = new CloudCheck({
    ...{ state, limits: { maxMigrations: 2, maxMigrationsPerHost: 2 }, mostAway: () => 1 },
    isOperator: (by) => by.startsWith('op-'),
    isClaimed: (host) => claimed.has(host),
    leaves: () => undefined,
    failed: (complaint) => complaints.push(complaint),
  });
  check.limitChanged();
  for (const host of ['a', 'b', 'c'])
    state.addService({
      ...{ id: host, host, zone: 'nova', units: 2, disabled: undefined, silentSince: undefined },
      ...{ hypervisorVersion: 1, agentVersion: '1' },
    });
  for (const [id, host] of Object.entries({ s1: 'a', s2: 'b', s3: 'a' }))
    state.addServer(server(id, host), 'owner');
  state.addGroup({ id: 'g', policy: 'anti-affinity', members: ['s1', 's2'] });
  now = 60_000;
});

function server(id: string, host: string): CloudServer {
  return {
    ...{ id, host, status: 'ACTIVE', task: undefined, units: 1, pinnedZone: undefined, hasDevice: false },
    ...{ createdAt: 0, fault: undefined, heldOn: undefined, shallRun: true },
  };
}

/** A process sends a request, which arrives so much later. */
function asks(id: string, { by = US, lateMs = 0 } = {}): void {
  check.arrives(now - lateMs);
  const asked = state.server(id) ?? server(id, 'a');
  state.report({ kind: 'asked', act: 'live-migrate', server: asked, to: undefined, by, refusal: undefined });
  state.changeServer(id, { task: 'migrating' }, by);
  now += 1_000;
}

function writes(reason: string | undefined, { by = US, lateMs = 0 } = {}, host = 'a'): void {
  check.arrives(now - lateMs);
  state.changeService(host, { disabled: reason === undefined ? undefined : { reason } }, by);
  now += 1_000;
}

function reads(): void {
  check.answered(US, READ, now);
  now += 1_000;
}

describe('a service that somebody else has disabled', () => {
  it('is not enabled, nor is its reason replaced, once the process has read that', () => {
    writes('its disk fails', { by: PERSON });
    reads();
    writes('careen:r1');
    expect(complaints).toEqual([
      '(3) op-a1 replaced the reason of somebody else (its disk fails) on a by careen:r1',
    ]);
    writes('its disk fails', { by: PERSON });
    reads();
    writes(undefined);
    expect(complaints[1]).toBe(
      '(3) a was disabled by somebody else (its disk fails), and was enabled by op-a1',
    );
  });

  it('may be overtaken by a write that was decided before', () => {
    reads();
    writes('its disk fails', { by: PERSON });
    writes(undefined);
    expect(complaints).toEqual([]);
  });

  it('is not one that has our mark', () => {
    writes('careen:r1');
    reads();
    writes(undefined);
    expect(complaints).toEqual([]);
  });
});

describe('the services that are disabled by us', () => {
  it('are no more than the pool allows, but for a late write', () => {
    writes('careen:r1');
    writes('careen:r1', { lateMs: 60_000 }, 'b');
    expect([complaints, check.wasClosedLate('b')]).toEqual([[], true]);
    writes('careen:r1', {}, 'c');
    expect(complaints).toEqual(['(1) a, b, c are disabled by us, the pool allows 1']);
  });
});

describe('a server', () => {
  it('is not asked to move while one of its group moves', () => {
    asks('s1');
    asks('s2');
    expect(complaints).toEqual(['(2) server s2 was asked to move by op-a1, while s1 of its group moves']);
  });

  it('is not asked to move while it moves, as far as the process has read that', () => {
    asks('s3');
    asks('s3');
    expect(complaints).toEqual([]);
    check.answered(US, { ...READ, url: 'http://nova/v2.1/servers/s3' }, now);
    now += 1_000;
    asks('s3');
    expect(complaints).toEqual(['(5) server s3 was asked to move by op-a1, while it moves for op-a1']);
  });

  it('does not come to a host with one of its group, unless a person has moved that there meanwhile', () => {
    asks('s1');
    state.changeServer('s1', { host: 'b', task: undefined }, US);
    expect(complaints).toEqual(['(2) servers s1 and s2 of one group are both on b']);
    asks('s1');
    now += 1_000;
    state.changeServer('s2', { host: 'c' }, PERSON);
    state.changeServer('s1', { host: 'c', task: undefined }, US);
    expect(complaints).toHaveLength(1);
  });

  it('may come to a host with one of its group by a late request, which Nova cannot refuse', () => {
    asks('s1', { lateMs: 60_000 });
    state.changeServer('s1', { host: 'b', task: undefined }, US);
    expect(complaints).toEqual([]);
  });

  it('does not come to a host that is full', () => {
    state.addServer(server('s4', 'c'), 'owner');
    state.addServer(server('s5', 'c'), 'owner');
    asks('s3');
    state.changeServer('s3', { host: 'c', task: undefined }, US);
    expect(complaints).toEqual(['(2) c has 2 units, and 3 since server s3 came']);
  });

  it('is one of no more than may move at once', () => {
    state.addServer(server('s6', 'b'), 'owner');
    for (const id of ['s1', 's3', 's6']) asks(id);
    expect(complaints).toEqual(['(1) 3 servers move, the pool allows 2']);
  });

  it('is not left unconfirmed, unless somebody has removed the claim of its host', () => {
    arrivesCold();
    check.atEnd();
    expect(complaints).toEqual(['(4) server s3 was moved by op-a1, and nobody has confirmed that']);
    check.claimLost('a');
    check.atEnd();
    expect(complaints).toHaveLength(1);
  });

  it('may stay unconfirmed where a late request moves it off a host that no run holds any more', () => {
    asks('s3', { lateMs: 60_000 });
    arrivesCold();
    check.atEnd();
    expect(complaints, 'a run holds the host').toHaveLength(1);
    claimed.clear();
    asks('s3', { lateMs: 60_000 });
    arrivesCold();
    check.atEnd();
    expect(complaints).toHaveLength(1);
    asks('s3');
    arrivesCold();
    check.atEnd();
    expect(complaints, 'in time').toHaveLength(2);
  });

  function arrivesCold(): void {
    const move = { type: 'migration', status: 'finished', source: 'a', dest: 'c' } as const;
    state.addMigration({ ...move, server: 's3', by: US });
    const held = { host: 'c', status: 'VERIFY_RESIZE', task: undefined, heldOn: 'a' } as const;
    state.changeServer('s3', held, US);
  }
});
