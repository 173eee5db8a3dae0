import { describe, expect, it } from 'vitest';
import { readClaim, writeClaim } from '../../../src/hostops/claims.ts';
import { claimOfAnother as CLAIM } from '../support/fleets.ts';

describe('a node', () => {
  it.each([
    ['run', 'r'.repeat(37)],
    ['pool', '../nodes'],
    ['epoch', 2 ** 31],
    ['epoch', 0.5],
    ['owner.namespace', { ...CLAIM.owner, namespace: '..' }],
    ['owner.name', { ...CLAIM.owner, name: '..' }],
    ['owner.name', { ...CLAIM.owner, name: 'a/b' }],
    ['owner.kind', { ...CLAIM.owner, kind: 'secrets' }],
    ['owner.uid', { ...CLAIM.owner, uid: 'u'.repeat(100_000) }],
    ['planDigest', 'd'.repeat(81)],
    ['stage', -1],
    ['since', 'yesterday'],
  ])('has no claim when %s is beyond what Careen writes, although the seal fits', (field, value) => {
    const key = field.split('.')[0] ?? '';
    expect(readClaim(writeClaim({ ...CLAIM, [key]: value }, 'uid-a'), 'uid-a')).toEqual({
      claim: undefined,
      spoilt: `its annotation careen.dev/claim cannot be read: its field ${field} is not as Careen writes it`,
    });
  });
});
