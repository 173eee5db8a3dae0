/** The strategies of commands that show every stage of a plan, also of one that is stored in PlanStages. */
import { PlanStages } from '../../resources/plan-stages.ts';
import { withWholePlan } from '../../status/stored/whole-plan.ts';
import { CommandError } from '../command-error.ts';
import { asking } from './asking.ts';
import type { Connection } from './connection.ts';
import { commandOf, type Located } from './strategies.ts';

/** The strategy with all stages of its plan; `note` says why some are missing. */
export async function withAllStages(
  connection: Connection,
  located: Located,
  note: (text: string) => void,
): Promise<Located> {
  const { metadata, status } = located.strategy;
  const { run } = status;
  if (!run?.planStages) return located;
  const { namespace } = metadata;
  const rest = `the other stages of ${commandOf(located)} are not shown`;
  try {
    const ask = { verb: 'list', resource: 'planstages', namespace } as const;
    const parts = await asking(connection, ask, () =>
      new PlanStages(connection.config).ofRun(namespace, run.id),
    );
    const whole = withWholePlan(status, parts);
    if (whole.applyPhase?.stages.length !== whole.applyPhase?.totalStages)
      note(`${rest}: of ${String(run.planStages.count)} PlanStages some are missing`);
    return { ...located, strategy: { ...located.strategy, status: whole } };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    note(`${rest}: ${error.message}`);
    return located;
  }
}
