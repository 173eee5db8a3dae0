/**
 * The hosts of an upgrade that may fail to be staged: `maxUnstagedHosts` of its plan. Such a host is given back and left
 * out of this run. One more of them fails the stage, before any host was locked. So does a controller, since the rest of
 * the upgrade builds on it, and the last host that is to be upgraded.
 */
import type { StageStatus } from '../../crds/observed/strategy-status.ts';
import { counted } from '../../crds/text/counted.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import { countsHosts } from '../../planner/plan.ts';
import type { Pass } from '../pass.ts';
import { isFinal, type StagesAtHand } from '../run/run-state.ts';
import { sumOver } from '../run/stage-folds.ts';

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
  return failed.length <= budgetLeft(pass, stage) ? failed : [];
}

/** Whether these hosts may fail to be staged, besides those that have. */
export function mayFailToStage(pass: Pass, stage: StageStatus, hosts: readonly HostName[]): boolean {
  const failed = failedHosts(pass, stage);
  return isStaging(stage) && new Set([...failed, ...hosts]).size <= budgetLeft(pass, stage);
}

/** Why a host is left out of the run. */
export function notStaged(host: HostName, failure: string): string {
  return `${host} was not staged: ${failure}`;
}

/** Why the failures of a stage count, where the plan allows some; nothing where it allows none. */
export function beyondBudget(pass: Pass, stage: StageStatus): readonly string[] {
  const allowed = pass.plan.actions.maxUnstagedHosts;
  const now = failedHosts(pass, stage).length;
  if (allowed === undefined || !isStaging(stage) || now === 0) return [];
  const failed = failedToStage(pass.run.apply) + now;
  if (isOfControllers(pass, stage))
    return ['maxUnstagedHosts does not count for controllers: the rest of the upgrade builds on them'];
  if (failed > allowed)
    return [`${counted(failed, 'host')} failed to be staged, and maxUnstagedHosts allows ${String(allowed)}`];
  return now > budgetLeft(pass, stage) ? ['no host is left to be upgraded'] : [];
}

function budgetLeft(pass: Pass, stage: StageStatus): number {
  const { plan, run } = pass;
  if (isOfControllers(pass, stage)) return 0;
  const allowed = Math.min(plan.actions.maxUnstagedHosts ?? 0, toUpgrade(run.apply) - 1);
  return allowed - failedToStage(run.apply);
}

function isOfControllers({ plan }: Pass, { patches = [] }: StageStatus): boolean {
  return plan.actions.patches.some(({ id, role }) => role === 'controller' && patches.includes(id));
}

/** How many hosts the stages at hand and those after them upgrade: no host is upgraded before all are staged. */
function toUpgrade({ stages, later }: Pass['run']['apply']): number {
  const hostsOf = ({ hosts = [], left = [] }: StageStatus): number => hosts.length - left.length;
  return sumOver(stages.filter(countsHosts), hostsOf) + (later?.hosts ?? 0);
}

function failedHosts({ run }: Pass, { hosts = [] }: StageStatus): readonly HostName[] {
  const isSkipped = (host: HostName): boolean => run.skipped.some(({ name }) => name === host);
  const failed = run.hosts.filter(({ name, result }) => hosts.includes(name) && isFinal(result));
  return failed.map(({ name }) => name).filter((name) => !isSkipped(name));
}
