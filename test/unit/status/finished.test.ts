import { describe, expect, it } from 'vitest';
import { STRATEGY_STATES, type StrategyState } from '../../../src/crds/vocabulary.ts';
import { newRun, type RunState } from '../../../src/engine/run/run-state.ts';
import { specDigest } from '../../../src/planner/digest.ts';
import type { Stage } from '../../../src/planner/plan.ts';
import { patchStrategy } from '../../../src/resources/stored-strategy.ts';
import { statusOfRun } from '../../../src/status/stored/codec.ts';
import { endOf, type MaybeFinished } from '../../../src/status/finished.ts';
import { strategySpec } from '../support/simulated-run.ts';

const TIME = '2026-11-25T09:00:00.000Z';
const END = Date.parse(TIME);
const SPEC = strategySpec();
const STAGE: Stage = {
  ...{
    name: 'sw-patch-worker-hosts',
    hosts: ['w-1'],
    patches: [],
    level: 'away',
    steps: [{ name: 'verify', timeoutSeconds: 1 }],
    timeoutSeconds: 1,
  },
};
const OUTAGE = {
  name: 'w-1',
  level: 'away',
  step: 'verify',
  attempt: 1,
  since: TIME,
  result: 'failed',
} as const;

/** A strategy whose apply phase, and abort phase if it has one, ended at TIME. */
function strategyIn(
  state: StrategyState,
  run: Partial<RunState> = {},
  stages: readonly Stage[] = [STAGE],
): MaybeFinished {
  const made = newRun('r', { digest: 'd', stages, actions: SPEC });
  const phase = { ...made.apply, endTime: TIME };
  const isAbort = state.startsWith('abort');
  const phases = isAbort ? { currentPhase: 'abort', abort: phase } : { currentPhase: 'apply', apply: phase };
  const record = {
    ...{ id: 'r', planDigest: 'd', specDigest: specDigest(SPEC), fleetRevision: 'f', builtAt: TIME },
    ...{ pool: 'p', actions: {} },
  };
  const status = statusOfRun(
    { run: record },
    { ...made, ...phases, state, ...run } as RunState, // the phase that its currentPhase names
    { reasons: [], order: { mode: 'Run' } },
    1,
    TIME,
  );
  const metadata = {
    name: 's',
    namespace: 'n',
    uid: 'u',
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: TIME,
  };
  return { ...patchStrategy.parse({ metadata, spec: SPEC }), status };
}

describe('a strategy has finished', () => {
  it('in these states, at the end of its last phase', () => {
    const finished = STRATEGY_STATES.filter((state) => endOf(strategyIn(state)) === END);
    expect(finished).toEqual(['applied', 'aborted', 'abort-failed', 'abort-timeout']);
    expect(STRATEGY_STATES.filter((state) => endOf(strategyIn(state)) !== undefined)).toEqual(finished);
  });

  it.each<[string, MaybeFinished]>([
    ['it holds a host', strategyIn('abort-failed', { hosts: [OUTAGE] })],
    ['it had nobody to patch', strategyIn('applied', {}, [])],
    ['it is being deleted', withMetadata({ deletionTimestamp: TIME })],
    ['the operator has not seen its last edit', withMetadata({ generation: 2 })],
    ['its plan is not that of its spec', { ...strategyIn('applied'), spec: strategySpec({ poolRef: 'q' }) }],
    ['its spec cannot be read', { ...strategyIn('applied'), unreadable: 'why' }],
    ['its kind was outdated', { ...strategyIn('applied'), suspendedBy: 'why' }],
    ['a request has no answer', withMetadata({ annotations: { 'careen.dev/abort': 'a' } })],
    ['a request cannot be read', withMetadata({ annotations: { 'careen.dev/request': '{' } })],
  ])('but not while %s', (_, strategy) => {
    expect(endOf(strategy)).toBeUndefined();
  });
});

function withMetadata(metadata: object): MaybeFinished {
  const strategy = strategyIn('applied');
  return { ...strategy, metadata: { ...strategy.metadata, ...metadata } };
}
