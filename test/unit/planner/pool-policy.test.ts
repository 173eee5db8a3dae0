import { describe, expect, it } from 'vitest';
import { STRATEGY_KINDS } from '../../../src/crds/strategy-kinds.ts';
import type { StrategySpec } from '../../../src/crds/spec/strategy-spec.ts';
import { kernelPatch } from '../../support/operator/strategies.ts';
import { violations } from '../support/judged-pods.ts';

function strategy(fields: object): StrategySpec {
  return STRATEGY_KINDS.PatchStrategy.readSpec.parse({
    patches: [{ ...kernelPatch, rebootRequired: false }],
    ...fields,
  });
}

describe('the consents of a strategy', () => {
  const drain = { evictUnmanagedPods: true, evictPodsWithLocalData: true };

  it('hold where the pool says nothing', () => {
    expect(violations(strategy({ drain }))).toEqual([]);
  });

  it.each(['evictUnmanagedPods', 'evictPodsWithLocalData'])(
    'are refused where the pool forbids %s',
    (consent) => {
      const drainPolicy = { [consent]: false };
      expect(violations(strategy({ drain }), {}, { drainPolicy })).toEqual([
        `spec.drain.${consent} is true, which rule drainPolicy.${consent} of HostPool default does not admit; leave it out`,
      ]);
      expect(violations(strategy({}), {}, { drainPolicy })).toEqual([]);
    },
  );
});

describe('the times of a strategy', () => {
  it('may be any where the pool says nothing', () => {
    expect(violations(strategy({ timing: { drainTimeoutSeconds: 86400 } }))).toEqual([]);
  });

  it('are bounded by the pool, defaults included', () => {
    const timing = { drainTimeoutSeconds: 1801, patchTimeoutSeconds: 900, settleSeconds: 3600 };
    expect(violations(strategy({ timing }), {}, { maxTimeoutSeconds: 1799 })).toEqual([
      'spec.timing.drainTimeoutSeconds is 1801, which rule maxTimeoutSeconds of HostPool default does not admit; ' +
        'set it to 1799 or less',
      expect.stringMatching(/^spec\.timing\.unlockTimeoutSeconds is 1800, /),
      expect.stringMatching(/^spec\.timing\.settleSeconds is 3600, /),
    ]);
    expect(violations(strategy({}), {}, { maxTimeoutSeconds: 1800 })).toEqual([]);
  });
});
