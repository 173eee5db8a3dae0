/** How a server ceases to run on a host whose servers are stopped, for each of the states that Nova may show. */
import { describe, expect, it } from 'vitest';
import { nextStop, type Stopping } from '../../../../src/hostops/openstack/leaving/next-stop.ts';
import type { Server } from '../../../../src/openstack/compute-answers.ts';
import { HOST, server } from './cloud-objects.ts';

const next = (fields: Partial<Server>, more: Partial<Stopping> = {}) =>
  nextStop({ host: HOST, hostIsUp: true, server: server(fields), ...more });

describe('a server without a task', () => {
  it.each([
    ['ACTIVE', 'stop'],
    ['SHUTOFF', undefined],
    ['SUSPENDED', undefined],
    ['SHELVED', undefined],
    ['BUILD', 'wait'],
    ['RESIZE', 'wait'],
    ['MIGRATING', 'wait'],
    ['REBUILD', 'wait'],
    ['HARD_REBOOT', 'wait'],
    ['PAUSED', 'stuck'],
    ['RESCUE', 'stuck'],
    ['ERROR', 'stuck'],
    ['UNKNOWN', 'stuck'],
    ['VERIFY_RESIZE', 'stuck'],
  ])('in status %s: %s', (status, kind) => {
    expect(next({ status })?.kind).toBe(kind);
  });

  it('in status ERROR does not run once it is shut down', () => {
    expect(next({ status: 'ERROR', powerState: 4 })).toBeUndefined();
  });

  it('is not there when it is on another host', () => {
    expect(next({ host: 'compute-2' })).toBeUndefined();
  });

  it('is not stopped on a host that is down, which could not do it', () => {
    expect(next({}, { hostIsUp: false })?.kind).toBe('stuck');
    expect(next({ status: 'SHUTOFF' }, { hostIsUp: false })).toBeUndefined();
  });

  it('that is paused is named with what helps', () => {
    expect(next({ status: 'PAUSED' })).toMatchObject({
      reason: 'is paused, and Nova stops no such server: openstack server unpause s1',
    });
  });
});

it.each(['powering-off', 'powering-on', 'image_snapshot'])(
  'a server with the task %s is waited for',
  (taskState) => {
    expect(next({ taskState })?.kind).toBe('wait');
    expect(next({ taskState, status: 'SHUTOFF' })?.kind).toBe('wait');
  },
);
