/** Strategies as the API server returns them, in every state. */
import { patchStrategy, type Strategy } from '../../../src/resources/stored-strategy.ts';
import { strategySamples } from '../../gitops/strategy-samples.ts';
import { strategySpec } from './simulated-run.ts';

/** A minute after the run of the samples has begun. */
export const NOW = Date.parse('2026-11-23T09:01:00.000Z');

const PINNED = { execution: { mode: 'Run', plan: `sha256:${'1'.repeat(64)}` } };

/** The samples by the names of their states, with a spec and the metadata that a stored object has. */
export async function seenStrategies(): Promise<ReadonlyMap<string, Strategy>> {
  const seen = [...(await strategySamples())].map(([state, { metadata, status }]) => {
    const spec = strategySpec(state === 'planned, another plan was approved' ? PINNED : {});
    return [state, seenStrategy(status, { spec, metadata })] as const;
  });
  return new Map(seen);
}

/** A strategy `careen-hosts/sample` with this status. */
export function seenStrategy(
  status: object,
  { spec = strategySpec(), metadata = {} }: { readonly spec?: object; readonly metadata?: object } = {},
): Strategy {
  const stored = {
    ...{ name: 'sample', namespace: 'careen-hosts', uid: 'strategy-1', resourceVersion: '1', generation: 3 },
    creationTimestamp: '2026-01-01T00:00:00Z',
  };
  return patchStrategy.parse({ metadata: { ...stored, ...metadata }, spec, status });
}
