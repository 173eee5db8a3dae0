import { describe, expect, it } from 'vitest';
import { CLAIM_ANNOTATION, EFFECT_ANNOTATION, HOST_ANNOTATION } from '../../../src/crds/names.ts';
import type { Claim } from '../../../src/engine/view.ts';
import { writeClaim } from '../../../src/hostops/claims.ts';
import { accountOf } from '../../support/audit/audited-writes.ts';

const SCOPE = { pool: 'p', hosts: ['a', 'b'] };
let revision = 0;

type Event = { readonly [field: string]: unknown };

function event(objectRef: Event, further: Event, code = 200): string {
  revision++;
  return JSON.stringify({ verb: 'patch', objectRef, responseStatus: { code }, ...further });
}

const answer = (metadata: Event) => ({ metadata: { resourceVersion: String(revision + 1), ...metadata } });

const eviction = (uid: string, code?: number): string =>
  event(
    { resource: 'pods', subresource: 'eviction', name: 'web-0' },
    { verb: 'create', requestObject: { deleteOptions: { preconditions: { uid } } } },
    code,
  );

const job = (effect: string, code?: number): string => {
  const annotations = { [EFFECT_ANNOTATION]: effect, [HOST_ANNOTATION]: 'a' };
  return event({ resource: 'jobs' }, { verb: 'create', requestObject: { metadata: { annotations } } }, code);
};

const host = (name: string, run: string | undefined): string => {
  const claim: Claim = {
    run: run ?? 'none',
    pool: 'p',
    epoch: 1,
    owner: { kind: 'PatchStrategy', namespace: 'n', name: 's', uid: 'u' },
    planDigest: 'd',
    stage: 0,
    level: 'away',
    closedToNewWorkBefore: false,
    since: '2026-11-25T09:00:00Z',
  };
  const uid = `uid of ${name}`;
  const annotations = run === undefined ? {} : { [CLAIM_ANNOTATION]: writeClaim(claim, uid) };
  return event({ resource: 'nodes', name }, { responseObject: answer({ name, uid, annotations }) });
};

const pool = (...operations: Event[]): string =>
  event(
    { resource: 'hostpools', subresource: 'status', name: 'p' },
    { requestObject: operations, responseObject: answer({}) },
  );
const grant = (name: string, run = 'r'): string =>
  pool({ op: 'add', path: '/status/permits/-', value: { host: name, run, level: 'away', since: 't' } });
const free = (place: number): string => pool({ op: 'remove', path: `/status/permits/${String(place)}` });

const complaints = (...lines: string[]): readonly string[] => accountOf(lines, SCOPE, ['web-0']).complaints;

describe('the account of audited writes', () => {
  it('accepts hosts that are claimed one after the other, and counts', () => {
    const lines = [
      ...[grant('a'), host('a', 'r'), eviction('1'), job('r/0/patch/a'), host('a', undefined), free(0)],
      ...[grant('b'), host('b', 'r'), eviction('2'), job('r/1/patch/b'), host('b', undefined), free(0)],
    ];
    expect(accountOf(lines, SCOPE, ['web-0'])).toEqual({ complaints: [], evictions: 2, jobs: 2, claims: 2 });
  });

  it('does not count refused writes, writes to other hosts, and a mere reordering', () => {
    const [granted, claimed] = [grant('a'), host('a', 'r')];
    const lines = [claimed, granted, eviction('1', 409), job('r/0/patch/a', 409), host('other', 'r')];
    expect(accountOf(lines, SCOPE, ['web-0'])).toEqual({ complaints: [], evictions: 0, jobs: 0, claims: 1 });
  });

  it('reads the permits of a status that was written in whole, or for the first time', () => {
    const permits = [{ host: 'a', run: 'r', level: 'away', since: 't' }];
    const whole = { op: 'add', path: '/status', value: { permits } };
    const first = { op: 'add', path: '/status/permits', value: permits };
    expect(complaints(pool(whole), host('a', 'r'))).toEqual([]);
    expect(complaints(pool(first), host('a', 'r'))).toEqual([]);
  });

  it('counts a write without an answer as one request, and its repetition as the same one', () => {
    const lines = [eviction('1', 504), eviction('1'), job('r/0/patch/a', 0), job('r/0/patch/a', 409)];
    expect(accountOf(lines, SCOPE, ['web-0'])).toEqual({ complaints: [], evictions: 1, jobs: 1, claims: 0 });
  });

  it('leaves open whether a release without an answer happened', () => {
    const claimed = [grant('a'), host('a', 'r')];
    const metadata = { resourceVersion: String(revision), annotations: { [CLAIM_ANNOTATION]: null } };
    const unanswered = event({ resource: 'nodes', name: 'a' }, { requestObject: { metadata } }, 504);
    const refused = event({ resource: 'nodes', name: 'a' }, { requestObject: { metadata } }, 409);
    expect(complaints(...claimed, unanswered, free(0))).toEqual([]);
    expect(complaints(...claimed, unanswered, host('a', 'r'), host('a', undefined), free(0))).toEqual([]);
    expect(complaints(...claimed, refused, free(0))).toHaveLength(1);
  });

  it('treats a claim that is written again as the same claim', () => {
    expect(complaints(grant('a'), host('a', 'r'), host('a', 'r'))).toEqual([]);
  });

  it.each([
    ['two evictions of one pod', [eviction('1'), eviction('1')], /eviction of pod 1 was accepted more than/],
    [
      'two Jobs for one effect',
      [job('r/0/patch/a'), job('r/0/patch/a')],
      /more than one Job .* r\/0\/patch\/a/,
    ],
    [
      'a claim on a claim',
      [grant('a'), host('a', 'r'), host('a', 'q')],
      /a was claimed by run q while run r had/,
    ],
    ['a claim without a permit', [host('a', 'r')], /a is away for run r with permits of none/],
    ['a permit of another run', [grant('a', 'q'), host('a', 'r')], /a is away for run r with permits of q/],
    ['two permits', [grant('a'), grant('a'), host('a', 'r')], /a is away for run r with permits of r, r/],
    [
      'a permit freed early',
      [grant('a'), host('a', 'r'), free(0), host('a', undefined)],
      /a is away for run r with permits of none/,
    ],
    [
      'a host taken twice',
      [grant('a'), host('a', 'r'), host('a', undefined), host('a', 'r')],
      /a by run r was claimed anew/,
    ],
  ])('complains about %s', (_, lines, complaint) => {
    expect(complaints(...lines)[0]).toMatch(complaint);
  });
});
