import { describe, expect, it } from 'vitest';
import { leaderIn } from '../../../src/cli/cluster/leader.ts';
import { mayNotRun } from '../../../src/cli/commands/run.ts';
import { humanLine } from '../../../src/telemetry/human-lines.ts';

const NOW = Date.parse('2026-11-27T09:00:10Z');

describe('careen run', () => {
  it('is refused while another operator renews the Lease, or when that is not known', () => {
    const spec = { holderIdentity: 'careen-7d_1', leaseDurationSeconds: 15 };
    const renewed = leaderIn({ spec: { ...spec, renewTime: '2026-11-27T09:00:08.000000Z' } }, NOW);
    expect(mayNotRun(renewed)).toBe(
      'the operator careen-7d leads here: it renewed Lease careen-system/careen 2 s ago, and two never work at once. ' +
        'End it first: kubectl -n careen-system scale deployment careen --replicas=0; if it has ended already, try again when its Lease has lapsed',
    );
    expect(mayNotRun({ kind: 'unknown', because: 'no right' })).toContain('is not known: no right');
  });

  it.each([
    ['was released', { holderIdentity: '' }],
    ['has no holder', {}],
    ['lapsed', { holderIdentity: 'a_1', leaseDurationSeconds: 15, renewTime: '2026-11-27T08:59:50Z' }],
    ['was never renewed', { holderIdentity: 'a_1' }],
  ])('is allowed when the Lease %s', (_how, spec) => {
    expect(mayNotRun(leaderIn({ spec }, NOW))).toBeUndefined();
  });

  it('logs short lines at a terminal', () => {
    const line = { name: 'careen', pid: 7, hostname: 'h', time: '2026-11-27T09:00:00.123Z', level: 30 };
    expect(humanLine(JSON.stringify({ ...line, msg: 'host locked', host: 'w-1', attempt: 2 }))).toBe(
      '09:00:00 host locked  host=w-1 attempt=2',
    );
    const failed = { ...line, level: 50, msg: 'a pass failed', err: { message: 'no right', stack: 'at …' } };
    expect(humanLine(JSON.stringify(failed))).toBe('09:00:00 ERROR a pass failed: no right');
  });
});
