/** Applies a strategy that waits for approval, shows its plan, has it carried out, and shows it to its end. */
import type { KubeConfig } from '@kubernetes/client-node';
import { z } from 'zod';
import { strategyStatus, type StrategyStatus } from '../../src/crds/observed/strategy-status.ts';
import { apply, mergePatch, read, type Manifest } from '../../test/support/controlplane/apply.ts';
import { eventually } from '../../test/support/eventually.ts';
import type { RunningOperator } from '../../test/support/operator/operator.ts';
import { printEnd, printPlan, printProgress, say } from './print.ts';

const STRATEGY_SECONDS = 300;

export type Surroundings = { readonly admin: KubeConfig; readonly operator: RunningOperator };

/**
 * Returns the state in which it ended.
 * @param meanwhile is called again and again while it runs
 */
export async function runStrategy(
  { admin, operator }: Surroundings,
  strategy: Manifest,
  meanwhile: () => Promise<void> = async () => undefined,
): Promise<string | undefined> {
  await apply(admin, strategy);
  let seen: StrategyStatus = {};
  const observe = async (): Promise<StrategyStatus> => (seen = statusOf(await read(admin, strategy)));
  const describe = (): unknown => ({ message: seen.message, operator: operator.lines.slice(-3) });
  await eventually('a plan', async () => (await observe()).state === 'ready-to-apply', { describe });
  printPlan(seen);

  say('setting spec.execution.mode to Run');
  await mergePatch(admin, strategy, { spec: { execution: { mode: 'Run' } } });
  const printed = new Set<string>();
  await eventually(
    'the end of the strategy',
    async () => {
      printProgress((await observe()).applyPhase, printed);
      await meanwhile();
      return ['applied', 'apply-failed', 'apply-timeout', 'aborted'].includes(seen.state ?? '');
    },
    { seconds: STRATEGY_SECONDS, describe },
  );
  printEnd(strategy, seen);
  return seen.state;
}

function statusOf(object: unknown): StrategyStatus {
  return z.looseObject({ status: strategyStatus.default({}) }).parse(object).status;
}
