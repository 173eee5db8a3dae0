/** Whose the last stop of a server is, by what Nova remembers of it. */
import { describe, expect, it } from 'vitest';
import { powerHistory } from '../../../../src/hostops/openstack/leaving/power-history.ts';
import type { InstanceAction } from '../../../../src/openstack/compute-answers.ts';
import { ago } from './cloud-objects.ts';

const OURS = 'careen';
const did = (action: string, secondsAgo: number, user = OURS): InstanceAction => ({
  ...{ action, userId: user === 'nova' ? undefined : user, startedAt: ago(secondsAgo) },
  ...{ requestId: undefined, hasFailed: false },
});
const of = (...actions: InstanceAction[]) => powerHistory({ actions, userId: OURS, since: ago(600) });

describe('a server', () => {
  it.each([
    ['that nobody touched', [], { kind: 'untouched' }],
    ['that its owner has stopped', [did('stop', 60, 'owner')], { kind: 'untouched' }],
    ['that Nova found shut down', [did('stop', 60, 'nova')], { kind: 'untouched' }],
    ['that we have stopped', [did('stop', 60)], { kind: 'stopped' }],
    [
      'whose owner did something else since',
      [did('rebuild', 30, 'owner'), did('stop', 60)],
      { kind: 'stopped' },
    ],
    [
      'that its owner has started since',
      [did('start', 30, 'owner'), did('stop', 60)],
      { kind: 'taken-over' },
    ],
    [
      'that its owner has started and stopped since',
      [did('stop', 20, 'owner'), did('start', 30, 'owner'), did('stop', 60)],
      { kind: 'taken-over' },
    ],
    ['that we have started again', [did('start', 30), did('stop', 60)], { kind: 'started', times: 1 }],
    [
      'that does not stay up',
      [did('start', 10), did('start', 30), did('stop', 60)],
      { kind: 'started', times: 2 },
    ],
    [
      'that we have stopped once more',
      [did('stop', 10), did('start', 30, 'owner'), did('stop', 60)],
      { kind: 'stopped' },
    ],
    ['that we had stopped in an earlier outage', [did('stop', 900)], { kind: 'untouched' }],
    ['of a Nova whose clock is a little behind ours', [did('stop', 640)], { kind: 'stopped' }],
  ])('%s', (_, actions, history) => {
    expect(of(...actions)).toEqual(history);
    expect(of(...actions.toReversed()), 'in any order').toEqual(history);
  });
});
