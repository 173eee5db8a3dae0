import { SimulatedOperator } from '../../../src/cli/simulate/simulated-operator.ts';
import type { RunState } from '../../../src/engine/run/run-state.ts';

/** Begins anew from the stored run, as another process does, before some of its passes. */
export class RestartingOperator extends SimulatedOperator {
  #made = 0;
  override async pass(): Promise<boolean> {
    this.#made += 1;
    if (this.#made % 3 === 0) this.restart(JSON.parse(JSON.stringify(this.run)) as RunState);
    return super.pass();
  }
}
