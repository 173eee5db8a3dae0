import { STRATEGY_KIND_NAMES } from '../../crds/strategy-kinds.ts';
import { VERSION } from '../../crds/version.ts';
import { NATIVE_STEP_NAMES, RESULTS, STRATEGY_STATES } from '../../crds/vocabulary.ts';
import { EFFECT_KINDS, OUTCOME_KINDS } from '../../engine/effect.ts';
import { isFinal } from '../../engine/run/run-state.ts';
import { Metrics } from '../../telemetry/metrics.ts';

/** The operator's metrics, with the values of their labels. `clock`: Unix time in milliseconds. */
export function operatorMetrics(clock: () => number): Metrics {
  return new Metrics({
    version: VERSION,
    clock,
    words: {
      strategyKinds: STRATEGY_KIND_NAMES,
      strategyStates: STRATEGY_STATES,
      steps: NATIVE_STEP_NAMES,
      stepResults: RESULTS.filter(isFinal),
      effects: EFFECT_KINDS,
      outcomes: OUTCOME_KINDS,
      kinds: ['strategy', 'pool'],
    },
  });
}
