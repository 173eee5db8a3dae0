import { describe, expect, it } from 'vitest';
import { pendingRequests, refuseAll, withAnswers, withoutOldRequests } from '../../../src/status/requests.ts';
import type { AnsweredRequest } from '../../../src/crds/patch-strategy-status.ts';
import { strategySpec } from '../support/simulated-run.ts';
import type { PatchStrategy } from '../../../src/resources/stored-strategy.ts';

const TIME = '2026-11-25T09:00:00.000Z';

function strategy(annotations: Record<string, string>, answered: string[] = []): PatchStrategy {
  const requests = answered.map((id): AnsweredRequest => ({
    id,
    answer: 'accepted',
    message: '',
    time: TIME,
  }));
  return {
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
    expect(pendingRequests(strategy(placed, ['q-1', 'q-2'])).requests).toEqual([]);
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
    const ids = refused.map(({ id }) => id);
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
    const { requests = [] } = withAnswers([], answers, TIME, new Set());
    expect(requests.map(({ message }) => message.length)).toEqual([1024, 1024]);
  });

  it('keep the last ten answers', () => {
    const answers = Array.from({ length: 12 }, (_, i) => ({
      id: String(i),
      answer: 'accepted' as const,
      message: '',
    }));
    const kept = (standing: string[]): string[] | undefined =>
      withAnswers(undefined, answers, TIME, new Set(standing)).requests?.map(({ id }) => id);
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
