import { describe, expect, it } from 'vitest';
import { StrategyIndex } from '../../../src/controllers/strategy/strategy-index.ts';
import type { StrategyStatus } from '../../../src/crds/observed/strategy-status.ts';
import { patchStrategy, type Strategy } from '../../../src/resources/stored-strategy.ts';
import { strategySpec } from '../support/simulated-run.ts';

function read(status: StrategyStatus = {}, poolRef = 'named'): Strategy {
  const metadata = {
    ...{ name: 's', namespace: 'n', uid: 'u', resourceVersion: '1', generation: 1 },
    creationTimestamp: '2026-11-25T09:00:00Z',
  };
  return { ...patchStrategy.parse({ metadata, spec: strategySpec({ poolRef }) }), status };
}

const digest = 'sha256:0';
const withRun = (id: string): StrategyStatus => ({
  run: {
    ...{ id, pool: 'held', planDigest: digest, specDigest: digest, fleetRevision: 'f' },
    ...{ builtAt: '2026-11-25T09:00:00Z', actions: {} },
  },
});

/** The pools of runs that are gone after these changes of the strategy `s`. */
function goneAfter(...changes: ((index: StrategyIndex) => void)[]): string[] {
  const gone: string[] = [];
  const index = new StrategyIndex((pool) => gone.push(pool));
  for (const change of changes) change(index);
  return gone;
}
const note = (status: StrategyStatus) => (index: StrategyIndex) => index.note('s', read(status));

describe('the pool that granted permits to a run', () => {
  it.each([
    ['its status was wiped', note({})],
    ['another run has begun', note(withRun('r-2'))],
    ['its strategy was deleted', (index: StrategyIndex) => index.delete('s')],
  ])('is told that the run is gone: %s', (_why, change) => {
    expect(goneAfter(note(withRun('r-1')), change)).toEqual(['held']);
  });

  it('is not told while the run begins or continues', () => {
    expect(goneAfter(note({}), note(withRun('r-1')), note(withRun('r-1')))).toEqual([]);
    expect(
      goneAfter(
        (index) => index.add('s'),
        (index) => index.delete('s'),
      ),
    ).toEqual([]);
  });
});

describe('a pool', () => {
  it('concerns the strategies whose spec or run names it, and those that nobody has read', () => {
    const index = new StrategyIndex(() => undefined);
    index.note('by-spec', read({}, 'a'));
    index.note('by-run', read(withRun('r-1'), 'b'));
    index.add('unread');
    index.add('by-spec');
    expect(index.ofPool('a')).toEqual(['by-spec', 'unread']);
    expect(index.ofPool('held')).toEqual(['by-run', 'unread']);
    expect(index.ofPool('c')).toEqual(['unread']);
  });
});

describe('a resync', () => {
  it('takes each open run, and the others in turn', () => {
    const index = new StrategyIndex(() => undefined);
    for (const name of ['a', 'b', 'c']) index.note(name, read());
    index.note('open', read({ ...withRun('r-1'), state: 'applying' }));
    expect(index.due(2)).toEqual(['open', 'a', 'b']);
    expect(index.due(2)).toEqual(['open', 'c', 'a']);
    expect(index.due(9)).toEqual(['open', 'b', 'c', 'a']);
  });
});
