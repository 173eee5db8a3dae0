import { describe, expect, it } from 'vitest';
import { beyondBounds } from '../../../src/crds/spec/bounds.ts';
import { patchStrategy, type Strategy } from '../../../src/resources/stored-strategy.ts';
import { strategySpec } from '../support/simulated-run.ts';

function nested(levels: number): object {
  let value = {};
  for (let i = 0; i < levels; i++) value = { a: value };
  return value;
}

function read(spec: object): Strategy {
  const metadata = {
    ...{ name: 's', namespace: 'n', uid: 'u', resourceVersion: '1', generation: 1 },
    creationTimestamp: '2026-11-25T09:00:00Z',
  };
  return patchStrategy.parse({ metadata, spec });
}

describe('a spec', () => {
  it('is within the bounds when people have written it', () => {
    expect(beyondBounds(strategySpec(), 'spec')).toBeUndefined();
    expect(beyondBounds(nested(32), 'spec')).toBeUndefined();
    expect(beyondBounds('x'.repeat(262_144), 'spec')).toBeUndefined();
  });

  it.each([
    ['levels', nested(9_000), 'spec is nested deeper than 32 levels'],
    ['values', Array.from({ length: 400_000 }, () => 0), 'spec has more than 10000 values'],
    ['characters', { a: 'x'.repeat(262_144) }, 'spec has more than 262144 characters'],
    ['characters in keys', { ['k'.repeat(262_145)]: 1 }, 'spec has more than 262144 characters'],
  ])('may not have any number of %s', (_what, value, message) => {
    expect(beyondBounds(value, 'spec')).toBe(message);
  });

  it('that is beyond the bounds counts as unreadable, and an order that stops the run is heard', () => {
    const reboot = { job: { template: nested(9_000) } };
    expect(read({ ...strategySpec(), reboot, execution: { mode: 'Abort' } })).toMatchObject({
      unreadable: 'the spec cannot be read by this version of Careen: spec is nested deeper than 32 levels',
      spec: { execution: { mode: 'Abort' } },
    });
  });

  it('with many mistakes names the first ones', () => {
    const patches = Array.from({ length: 30 }, () => ({ ['k'.repeat(100)]: 1 }));
    const { unreadable = '' } = read({ ...strategySpec(), patches });
    expect(unreadable).toMatch(/ and [0-9]+ more$/);
    expect(unreadable.length).toBeLessThan(1024);
  });
});
