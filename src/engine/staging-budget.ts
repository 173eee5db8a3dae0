/**
 * The hosts of an upgrade that may fail to be staged: `maxUnstagedHosts` of its plan. Such a host is given back and left
 * out of this run. One more of them fails the stage, before any host was locked.
 */
import type { StageStatus } from '../crds/strategy-status.ts';
import { counted } from '../crds/counted.ts';
import type { HostName } from '../planner/facts.ts';
import type { Pass } from './pass.ts';
import { isFinal, type StagesAtHand } from './run-state.ts';
import { sumOver } from './stage-folds.ts';

export function isStaging({ name }: Pick<StageStatus, 'name'>): boolean {
  return name === 'sw-upgrade-stage-hosts';
}

/** How many hosts failed to be staged and were left out, in these stages and in the parts of the plan before. */
export function failedToStage({ stages, earlier }: StagesAtHand): number {
  const failedIn = ({ left = [] }: StageStatus): number => left.filter(({ unstaged }) => unstaged).length;
  return (earlier?.failedToStage ?? 0) + sumOver(stages.filter(isStaging), failedIn);
}

/** The hosts in an open outage that failed to be staged and are left out. An abort releases every host. */
export function excusedHosts(pass: Pass, stage: StageStatus): readonly HostName[] {
  if (pass.run.state === 'aborting' || !isStaging(stage)) return [];
  const failed = failedHosts(pass, stage);
  return failed.length <= budgetLeft(pass) ? failed : [];
}

/** Whether these hosts may fail to be staged, besides those that have. */
export function mayFailToStage(pass: Pass, stage: StageStatus, hosts: readonly HostName[]): boolean {
  const failed = failedHosts(pass, stage);
  return isStaging(stage) && new Set([...failed, ...hosts]).size <= budgetLeft(pass);
}

/** Why a host is left out of the run. */
export function notStaged(host: HostName, failure: string): string {
  return `${host} was not staged: ${failure}`;
}

/** That the failures of a stage are more than the plan allows; nothing where it allows none. */
export function beyondBudget(pass: Pass, stage: StageStatus): readonly string[] {
  const allowed = pass.plan.actions.maxUnstagedHosts;
  if (allowed === undefined || !isStaging(stage)) return [];
  const failed = failedToStage(pass.run.apply) + failedHosts(pass, stage).length;
  return failed > allowed
    ? [`${counted(failed, 'host')} failed to be staged, and maxUnstagedHosts allows ${String(allowed)}`]
    : [];
}

function budgetLeft({ plan, run }: Pass): number {
  return (plan.actions.maxUnstagedHosts ?? 0) - failedToStage(run.apply);
}

function failedHosts({ run }: Pass, { hosts = [] }: StageStatus): readonly HostName[] {
  const isSkipped = (host: HostName): boolean => run.skipped.some(({ name }) => name === host);
  const failed = run.hosts.filter(({ name, result }) => hosts.includes(name) && isFinal(result));
  return failed.map(({ name }) => name).filter((name) => !isSkipped(name));
}
