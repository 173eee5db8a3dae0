import { expect, it } from 'vitest';
import { CLAIM_ANNOTATION, HOST_ANNOTATION } from '../../../src/crds/names.ts';
import { OPERATOR, type Logged } from '../../bench/scale/audit-log.ts';
import { meanOutage, outagesOf } from '../../bench/scale/outage.ts';

type Request = Pick<Logged, 'verb' | 'resource'> & Partial<Logged>;

function at(answered: number, request: Request): Logged {
  return {
    ...{ user: OPERATOR, name: '', received: answered - 1, code: 200, body: undefined, revision: undefined },
    ...{ answered, ...request },
  };
}

const node = (name: string, claim: string | null): Request => ({
  ...{ verb: 'patch', resource: 'nodes', name },
  body: {
    metadata: { annotations: { [CLAIM_ANNOTATION]: claim } },
    spec: { unschedulable: claim === null ? null : true },
  },
});
const made = (name: string, host: string): Request => ({
  ...{ verb: 'create', resource: 'jobs', name },
  body: { metadata: { annotations: { [HOST_ANNOTATION]: host } } },
});
const started = (name: string): Request => ({
  ...{ verb: 'patch', resource: 'jobs', name, body: [{ op: 'add', path: '/spec/suspend', value: false }] },
});
const reported = (name: string, type: string): Request => ({
  ...{ verb: 'update', resource: 'jobs/status', name, user: 'job-controller' },
  body: { status: { conditions: [{ type, status: 'True' }] } },
});
const evicted = (name: string): Request => ({ verb: 'create', resource: 'pods/eviction', name });
const gone = (name: string): Request => ({ verb: 'delete', resource: 'pods', name, user: 'kubelet' });
const changed = (name: string): Request => ({
  verb: 'patch',
  resource: 'nodes/status',
  name,
  user: 'kubelet',
});

/** Two hosts of one stage; `b` is the slower one. */
const permits = ['a', 'b'].map((host) => ({ host }));
const stage = [
  at(110, {
    verb: 'patch',
    resource: 'hostpools/status',
    body: [{ op: 'add', path: '/status/permits', value: permits }],
  }),
  at(120, node('a', 'claim')),
  at(130, node('b', 'claim')),
  at(140, { ...evicted('a-0'), received: 134 }),
  at(150, gone('a-0')),
  at(160, { ...evicted('b-0'), received: 148 }),
  at(200, gone('b-0')),
  ...['a', 'b'].flatMap((host) => [
    at(205, made(`${host}-patch`, host)),
    at(206, made(`${host}-boot`, host)),
  ]),
  at(210, started('a-patch')),
  at(220, started('b-patch')),
  at(300, reported('a-patch', 'Complete')),
  at(305, started('a-boot')),
  at(320, reported('b-patch', 'Complete')),
  at(340, started('b-boot')),
  at(350, reported('b-boot', 'SuccessCriteriaMet')),
  at(400, reported('a-boot', 'Complete')),
  at(410, reported('b-boot', 'Complete')),
  at(500, changed('b')),
  at(521, { ...node('a', null), received: 520 }),
  at(535, { ...node('b', null), received: 525 }),
];

/** Permits and claims, evictions, Jobs made, each Job started, the release. */
const ANSWERS_FOR_A = 3 + 18 + 2 + 1 + 1 + 1;

it('an outage is split into its parts; only what waits for nothing else is our own', () => {
  const [a, b] = outagesOf(stage, 100, (pod) => pod.slice(0, 1));
  expect(a).toEqual({
    ...{ permit: 10, claim: 20, eviction: 30, podsStopping: 40, action: 210, verification: 110, release: 1 },
    own: 10 + 20 + 30 + (210 - 200) + (305 - 300) + (520 - 500) + 1 - ANSWERS_FOR_A,
    answers: ANSWERS_FOR_A,
    evictionsInFlight: 6 + 12,
  });
  const answersForB = 3 + 18 + 2 + 2 + 1 + 1 + 10;
  expect(b).toMatchObject({ verification: 115, release: 10, own: 60 + 20 + 20 + 25 + 10 - answersForB });
  expect(meanOutage([a, b].filter((each) => each !== undefined)).release).toBe(5.5);
});

it('a stage waits for its permits from the end of the one before', () => {
  const later = (each: Logged): Logged => ({
    ...each,
    ...{ received: each.received + 1000, answered: each.answered + 1000, name: each.name.replace(/^./, 'c') },
    body: JSON.parse(JSON.stringify(each.body ?? null).replaceAll(/"[ab]"/g, '"c"')) as unknown,
  });
  const next = stage.filter(({ name }) => !name.startsWith('b')).map(later);
  const outages = outagesOf([...stage, ...next], 100, (pod) => pod.slice(0, 1));
  expect(outages.map(({ permit }) => permit)).toEqual([10, 10, 1110 - 535]);
});

it('a host whose outage is not whole in the log is left out', () => {
  const without = stage.filter(({ name, verb }) => !(name === 'b-boot' && verb === 'update'));
  expect(outagesOf(without, 100, (pod) => pod.slice(0, 1))).toHaveLength(1);
});
