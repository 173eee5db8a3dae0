import { describe, expect, it } from 'vitest';
import { Checker } from '../../simulation/checker.ts';
import { ApiServer } from '../../simulation/world/api-server.ts';

const HOST = 'w-1';
const OPERATOR = 'op-a1';
const apiVersion = 'v1';

/** The complaints about a Job that starts on a host some time after the host was replaced by one without a claim. */
function complaintsAfter(milliseconds: number, isViewFresh: boolean): readonly string[] {
  const complaints: string[] = [];
  let now = 0;
  const server = new ApiServer(() => now);
  new Checker({
    ...{ server, now: () => now, pool: 'default', wanted: {} },
    ...{
      isOperator: (by) => by === OPERATOR,
      wasAnswered: () => true,
      isViewFresh: () => isViewFresh,
      ledForMs: () => Infinity,
      isReturning: () => false,
    },
    failed: (complaint) => complaints.push(complaint),
  });
  const claim = JSON.stringify({ run: 'r1', level: 'away', epoch: 1 });
  const node = { apiVersion, kind: 'Node', spec: {} };
  server.create(
    'nodes',
    { ...node, metadata: { name: HOST, annotations: { 'careen.dev/claim': claim } } },
    'cluster',
  );
  const annotations = { 'careen.dev/host': HOST, 'careen.dev/effect': 'e', 'careen.dev/epoch': '1' };
  const labels = { 'careen.dev/run': 'r1' };
  const metadata = { name: 'job', namespace: 'n', annotations, labels };
  server.create('jobs', { apiVersion, kind: 'Job', metadata, spec: { suspend: true } }, OPERATOR);
  server.remove('nodes', HOST, 'cluster');
  server.create('nodes', { ...node, metadata: { name: HOST } }, 'cluster');
  now += milliseconds;
  server.update('jobs', 'n/job', (job) => ({ ...job, spec: { suspend: false } }), OPERATOR);
  return complaints.filter((each) => each.includes('does not hold'));
}

describe('a Job that is started on a host that was replaced under its name', () => {
  it('is no fault while the watch of the operator may lag', () => {
    expect(complaintsAfter(5_000, true)).toEqual([]);
    expect(complaintsAfter(100_000, false)).toEqual([]);
  });

  it('is a fault once the operator knows the new host', () => {
    const complaint = '(4) a Job was started on w-1, which r1 does not hold';
    expect(complaintsAfter(11_000, true)).toEqual([complaint]);
    expect(complaintsAfter(151_000, false)).toEqual([complaint]);
  });
});
