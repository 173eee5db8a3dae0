import { expect, it } from 'vitest';
import { parseLine } from '../../bench/scale/audit-log.ts';

const line = (fields: object): string =>
  JSON.stringify({
    ...{ stage: 'ResponseComplete', verb: 'patch', requestURI: '/api/v1/nodes/a' },
    user: { username: 'somebody' },
    requestReceivedTimestamp: '2026-11-27T03:00:00.000500Z',
    stageTimestamp: '2026-11-27T03:00:00.020700Z',
    objectRef: { resource: 'nodes', name: 'a' },
    responseStatus: { code: 200 },
    ...fields,
  });

it('a write in the audit log has its times and the revision of what it stored', () => {
  const received = Date.parse('2026-11-27T03:00:00Z');
  const responseObject = { metadata: { name: 'a', resourceVersion: '17' } };
  expect(parseLine(line({ responseObject }))).toMatchObject({
    ...{ user: 'somebody', verb: 'patch', resource: 'nodes', name: 'a', code: 200, revision: '17' },
    ...{ received, answered: received + 20 },
  });
  expect(parseLine(line({ objectRef: { resource: 'pods', subresource: 'eviction' } }))?.resource).toBe(
    'pods/eviction',
  );
});

it('a watch is one request, although its beginning and its end are logged', () => {
  const stages = ['ResponseStarted', 'ResponseComplete'].map((stage) => line({ verb: 'watch', stage }));
  expect(stages.map(parseLine).filter((each) => each !== undefined)).toHaveLength(1);
});

it('a path that is no resource counts under its own name', () => {
  const { objectRef, ...rest } = JSON.parse(line({ requestURI: '/version' })) as Record<string, unknown>;
  expect(objectRef).toBeDefined();
  expect(parseLine(JSON.stringify(rest))).toMatchObject({ resource: '/version', name: '' });
});
