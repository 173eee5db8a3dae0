import { expect, it } from 'vitest';
import { aggregate, CONTROLLERS, instance, patchBuild, worker } from './vim-platform.ts';

const hosts = [...CONTROLLERS, worker('w0'), worker('w1'), worker('w2')];
const digestOf = (given: Parameters<typeof patchBuild>[1], among = hosts): string | undefined =>
  patchBuild(among, given).digest;
const stopped = { params: { 'default-instance-action': 'stop-start' } };

it('a plan has a digest, and a failed build has none', () => {
  expect(digestOf({})).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(digestOf({ patches: [] })).toBeUndefined();
  expect(digestOf({ failQuery: 'query-alarms' })).toBeUndefined();
});

it('the digest does not depend on the stopped instances of the same hosts, nor on findings', () => {
  const digest = digestOf({ ...stopped, instances: [instance('a', 'w0'), instance('b', 'w0')] });
  expect(digestOf({ ...stopped, instances: [instance('c', 'w0')] })).toBe(digest);
  const odd = { instances: [instance('c', 'w0')], hostAggregates: [aggregate('x', 'ghost')] };
  expect(digestOf({ ...stopped, ...odd })).toBe(digest);
});

it('the digest differs with another profile, limit, restrictions, hosts or steps', () => {
  const parallel = (most: number) => ({
    params: { 'worker-apply-type': 'parallel', 'max-parallel-worker-hosts': most },
  });
  const digests = [
    digestOf(parallel(10)),
    digestOf(parallel(11)),
    digestOf({ params: { ...parallel(10).params, 'alarm-restrictions': 'relaxed' } }),
    digestOf({ ...parallel(10), profile: 'vim-2020' }),
    digestOf(parallel(10), hosts.toReversed()),
    digestOf({ ...parallel(10), instances: [instance('a', 'w0')] }),
  ];
  expect(new Set(digests).size).toBe(digests.length);
});
