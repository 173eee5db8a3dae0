/**
 * The end of an upgrade. `activate` and `complete` are for all hosts: while hosts that the run left out lack the release,
 * their stage waits for a person. A request skip-host is the decision to go on without a host.
 */
import { strategyWords } from '../crds/strategy-words.ts';
import type { StageStatus } from '../crds/strategy-status.ts';
import { listed } from '../planner/listed.ts';
import { lacksRelease } from '../planner/work.ts';
import type { Pass } from './pass.ts';
import { leftOutHosts } from './unstaged.ts';

/** Why the stage that ends an upgrade does not begin, and what a person can do; undefined when nothing is against it. */
export function againstCompletion({ plan, run, turn }: Pass, stage: StageStatus): string | undefined {
  const { release } = plan.actions;
  if (!release || stage.name !== 'sw-upgrade-complete' || stage.inProgress) return undefined;
  const isSkipped = (host: string): boolean => run.skipped.some(({ name }) => name === host);
  const lacking = leftOutHosts(run.apply).filter((name) => {
    const host = turn.view.host(name);
    return host?.isMember === true && !isSkipped(name) && lacksRelease(release, host.facts);
  });
  if (lacking.length === 0) return undefined;
  const { lacks, lack } = strategyWords(plan.actions);
  return lacking.length === 1
    ? `${listed(lacking)} ${lacks} and was left out: bring it to the release, or place the request skip-host for it`
    : `${listed(lacking)} ${lack} and were left out: bring them to the release, or place the request skip-host for each`;
}
