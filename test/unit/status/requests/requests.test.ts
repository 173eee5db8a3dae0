import { describe, expect, it } from 'vitest';
import {
  pendingRequests,
  refuseAll,
  waitingRequests,
  withAnswers,
  withoutOldRequests,
} from '../../../../src/status/requests/requests.ts';
import type { AnsweredRequest } from '../../../../src/crds/observed/answered-request.ts';
import { strategySpec } from '../../support/simulated-run.ts';
import type { Strategy } from '../../../../src/resources/stored-strategy.ts';

const TIME = '2026-11-25T09:00:00.000Z';

function strategy(annotations: Record<string, string>, answered: string[] = []): Strategy {
  const requests = answered.map((key): AnsweredRequest => ({
    id: key.replace('abort/', ''),
    ...(key.startsWith('abort/') ? { verb: 'abort' } : {}),
    answer: 'accepted',
    message: '',
    time: TIME,
  }));
  return {
    kind: 'PatchStrategy',
    metadata: {
      ...{
        name: 's',
        namespace: 'a',
        uid: 'u',
        resourceVersion: '1',
        generation: 1,
        creationTimestamp: TIME,
      },
      ...{ annotations, finalizers: [] },
    },
    spec: strategySpec(),
    status: { requests },
  };
}

describe('pending requests', () => {
  const placed = { 'careen.dev/request': '{"id":"q-1","verb":"apply-all"}', 'careen.dev/abort': 'q-2/3' };

  it('put an abort first, before every request', () => {
    expect(pendingRequests(strategy(placed)).requests).toEqual([
      { id: 'q-2', verb: 'abort', stage: 3 },
      { id: 'q-1', verb: 'apply-all' },
    ]);
  });

  it('are handled once: an answered id does nothing when it is placed again', () => {
    expect(pendingRequests(strategy(placed, ['q-1', 'abort/q-2'])).requests).toEqual([]);
  });

  it('that are unreadable are refused with the allowed values, once', () => {
    const broken = { 'careen.dev/request': '{"id":"q-3","verb":"aply"}', 'careen.dev/abort': '' };
    const { requests, refused } = pendingRequests(strategy(broken));
    expect(requests).toEqual([]);
    expect(refused).toMatchObject([
      {
        answer: 'refused',
        message: expect.stringMatching(/careen.dev\/abort is "", must be an id/) as unknown,
      },
      { id: 'q-3', message: expect.stringMatching(/verb is "aply", must be one of apply-all/) as unknown },
    ]);
    const ids = refused.map(({ id, verb }) => (verb === 'abort' ? `abort/${id}` : id));
    expect(pendingRequests(strategy(broken, ids)).refused).toEqual([]);
  });

  it('are refused when the status was lost after hosts were claimed: they may have been carried out', () => {
    const held = strategy(placed);
    const lost = {
      ...held,
      status: {},
      metadata: { ...held.metadata, finalizers: ['careen.dev/release-hosts'] },
    };
    expect(withoutOldRequests(lost, TIME).requests).toMatchObject([
      { id: 'q-2', answer: 'refused', message: expect.stringContaining('the status was lost') as unknown },
      { id: 'q-1', answer: 'refused' },
    ]);
  });

  it('are refused when they came with an object that has no status: it may be a restored copy', () => {
    const restored = { ...strategy(placed), status: {} };
    expect(withoutOldRequests(restored, TIME).requests).toMatchObject([
      { id: 'q-2', answer: 'refused', message: expect.stringContaining('restored copy') as unknown },
      { id: 'q-1', answer: 'refused' },
    ]);
    const record = {
      time: TIME,
      fieldsV1: { 'f:metadata': { 'f:annotations': { 'f:careen.dev/abort': {} } } },
    };
    const metadata = { ...restored.metadata, managedFields: [record] };
    const one = withoutOldRequests({ ...restored, metadata }, TIME).requests;
    expect(
      one?.map(({ id }) => id),
      'the abort was placed on this object',
    ).toEqual(['q-1']);
    const seen = { ...metadata, annotations: { ...metadata.annotations, 'careen.dev/seen': 'u' } };
    expect(withoutOldRequests({ ...restored, metadata: seen }, TIME).requests).toMatchObject([
      { id: 'q-2', message: expect.stringContaining('the status was lost') as unknown },
      { id: 'q-1' },
    ]);
    const known = { ...restored, status: { uid: 'u' } };
    expect(withoutOldRequests(known, TIME)).toBe(known.status);
  });

  it('are all answered while there is no plan', () => {
    const answers = refuseAll(pendingRequests(strategy(placed)), 'x'.repeat(3000));
    expect(answers.map(({ id, answer }) => [id, answer])).toEqual([
      ['q-2', 'refused'],
      ['q-1', 'refused'],
    ]);
    const { requests = [] } = withAnswers([], answers, TIME, new Map());
    expect(requests.map(({ message }) => message.length)).toEqual([1024, 1024]);
  });

  it('are told apart by their annotation: an answered abort says nothing about a request with its id', () => {
    const same = { 'careen.dev/request': '{"id":"q-1","verb":"apply-all"}', 'careen.dev/abort': 'q-1' };
    expect(pendingRequests(strategy(same, ['abort/q-1'])).requests).toEqual([
      { id: 'q-1', verb: 'apply-all' },
    ]);
    expect(pendingRequests(strategy(same, ['q-1'])).requests).toEqual([{ id: 'q-1', verb: 'abort' }]);
    expect([...pendingRequests(strategy(same)).placed.keys()]).toEqual(['abort/q-1', 'request/q-1']);
  });

  it('that wait are valid for the spec that they were placed on', () => {
    const suspended = strategy({ 'careen.dev/request': '{"id":"q-1","verb":"apply-all"}' });
    const pending = pendingRequests(suspended);
    const waiting = waitingRequests(pending, [], suspended.spec);
    const stored = withAnswers([], waiting, TIME, pending.placed);
    expect(stored.requests).toMatchObject([{ id: 'q-1', verb: 'apply-all', answer: 'waiting', time: TIME }]);
    const seen = { ...suspended, status: stored };
    const later = '2026-11-25T10:00:00.000Z';
    expect(withAnswers(stored.requests, waiting, later, pending.placed), 'keeps its time').toEqual(stored);
    expect(pendingRequests(seen).requests).toEqual([{ id: 'q-1', verb: 'apply-all' }]);

    const edited = { ...seen, spec: { ...seen.spec, maxParallelWorkerHosts: 7 } };
    const { requests, refused, placed } = pendingRequests(edited);
    expect([requests, refused]).toMatchObject([[], [{ id: 'q-1', answer: 'refused' }]]);
    expect(refused[0]?.message).toMatch(/^the spec was edited after this was placed: review the plan/);
    expect(withAnswers(stored.requests, refused, later, placed).requests).toEqual([
      { ...refused[0], time: later, placed: placed.get('request/q-1') },
    ]);
    expect(withAnswers(stored.requests, [], later, new Map()), 'a withdrawn one').toEqual({});
  });

  it('keep the last ten answers', () => {
    const answers = Array.from({ length: 12 }, (_, i) => ({
      id: String(i),
      answer: 'accepted' as const,
      message: '',
    }));
    const kept = (standing: string[]): string[] | undefined =>
      withAnswers(
        undefined,
        answers,
        TIME,
        new Map(standing.map((id) => [`request/${id}`, 'd'])),
      ).requests?.map(({ id }) => id);
    expect(kept([])).toEqual(['2', '3', '4', '5', '6', '7', '8', '9', '10', '11']);
    expect(kept(['0', '11']), 'and those to what is still asked for').toEqual([
      '0',
      '3',
      '4',
      '5',
      '6',
      '7',
      '8',
      '9',
      '10',
      '11',
    ]);
  });
});
