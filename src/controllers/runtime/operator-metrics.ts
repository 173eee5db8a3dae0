import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { NATIVE_STEP_NAMES, RESULTS, STRATEGY_STATES } from '../../crds/vocabulary.ts';
import { EFFECT_KINDS, OUTCOME_KINDS } from '../../engine/effect.ts';
import { isFinal } from '../../engine/run-state.ts';
import { Metrics } from '../../telemetry/metrics.ts';

const packageJson = z.object({ version: z.string() });

/** The operator's metrics, with the values of their labels. `clock`: Unix time in milliseconds. */
export function operatorMetrics(clock: () => number): Metrics {
  const file = new URL('../../../package.json', import.meta.url);
  const { version } = packageJson.parse(JSON.parse(readFileSync(file, 'utf8')));
  return new Metrics({
    version,
    clock,
    words: {
      strategyStates: STRATEGY_STATES,
      steps: NATIVE_STEP_NAMES,
      stepResults: RESULTS.filter(isFinal),
      effects: EFFECT_KINDS,
      outcomes: OUTCOME_KINDS,
      kinds: ['strategy', 'pool'],
    },
  });
}
