/** `careen approve`. */
import type { Command } from 'commander';
import { planSize } from '../../planner/plan.ts';
import { wordsOf, type Located } from '../cluster/strategies.ts';
import { CommandError } from '../command-error.ts';
import type { Io } from '../io.ts';
import { plannedHosts } from '../status/progress.ts';
import { addActing, addAskOptions, addStrategyArgument, ask, planDigest, type ActOptions } from './ask.ts';

type ApproveOptions = ActOptions & { readonly plan?: string };

export function addApprove(program: Command, io: Io): void {
  const command = addActing(
    program,
    'approve',
    'approve the plan as the status shows it: it is carried out, and no other plan',
  );
  addAskOptions(
    addStrategyArgument(command).option(
      '--plan <digest>',
      'the plan that was reviewed; refused when the strategy has another one',
      planDigest,
    ),
  ).action(async (name: string | undefined, _own: unknown, self: Command) => {
    const options = self.optsWithGlobals<ApproveOptions>();
    await ask(name, options, io, (located) => {
      const plan = options.plan ?? presentPlan(located);
      if (options.output === 'table') io.out(`approves ${aboutPlan(located, plan)}\n`);
      return { verb: 'approve', plan };
    });
  });
}

/** The digest of the plan in the status. Throws CommandError when there is none. */
function presentPlan(located: Located): string {
  const { run, message = 'no operator has looked at it yet' } = located.strategy.status;
  if (run && run.planDigest !== NO_PLAN) return run.planDigest;
  throw new CommandError(`${wordsOf(located)} has no plan to approve: ${message}`);
}

/** The digest of a run whose plan is not made. */
const NO_PLAN = 'none';

function aboutPlan({ strategy: { status } }: Located, plan: string): string {
  const { run, applyPhase } = status;
  if (run?.planDigest !== plan || !applyPhase) return plan;
  const hosts = plannedHosts(applyPhase);
  const change = run.change === undefined ? '' : `; differs from the last plan: ${run.change}`;
  return `${plan}: ${planSize(hosts, applyPhase.totalStages)}${change}`;
}
