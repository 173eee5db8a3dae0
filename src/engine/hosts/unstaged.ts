/**
 * Hosts that are not staged when their turn to be upgraded comes: they left while an upgrade staged them, failed to be
 * staged (staging-budget.ts), or are not staged any more, by their facts or as another machine. They are not upgraded in
 * this run, since no host is locked before it is staged. The strategy then says that they lack the release.
 */
import type { PhaseStatus, StageStatus } from '../../crds/observed/strategy-status.ts';
import { statusText } from '../../crds/text/status-text.ts';
import { ROLES, type StageName } from '../../crds/vocabulary.ts';
import { STAGE_OF } from '../../planner/careen-profile.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import { isLacking } from '../../planner/hosts/work.ts';
import { remainingHosts } from './leavers.ts';
import type { Pass } from '../pass.ts';
import type { StagesAtHand } from '../run/run-state.ts';
import { isStaging, mayFailToStage, notStaged } from './staging-budget.ts';
import { leftLockedFailure } from '../steps/verdict.ts';
import type { HostFacts } from '../view.ts';

/** The hosts that these stages and the parts of the plan before do not upgrade: they left, or were not staged. */
export function leftOutHosts({ stages, earlier }: StagesAtHand): readonly HostName[] {
  const ofHosts = stages.filter((stage) => isStaging(stage) || UPGRADING.has(stage.name));
  const left = ofHosts.flatMap((stage) => (stage.left ?? []).map(({ name }) => name));
  return [...new Set([...(earlier?.leftOut ?? []), ...left])];
}

const UPGRADING: ReadonlySet<StageName> = new Set(Object.values(STAGE_OF.upgrade));

/** Why a host was not staged. Of one that failed, the stage of its staging says it. */
function unstagedBecause({ stages }: StagesAtHand, host: HostName): string {
  const left = stages.filter(isStaging).flatMap((stage) => stage.left ?? []);
  return left.find(({ name, unstaged }) => unstaged && name === host)?.reason ?? `${host} was not staged`;
}

/**
 * Whether the machine of a host joined after all those that were staged with the host: where no fact shows staging, it
 * counts as another machine. Of a part of the plan before, only those are known that had joined when the run began.
 */
function hasJoinedSince({ stages, joinedBy }: PhaseStatus, { name, joinedAt }: HostFacts): boolean {
  const stagedIn = stages.find((stage) => isStaging(stage) && stage.hosts?.includes(name));
  return joinedAt !== undefined && joinedAt > Date.parse(stagedIn?.joinedBy ?? joinedBy ?? '');
}

/** Remembers when the last of the machines joined that a stage stages: one that joins later is another. */
export function recordJoined({ run, turn }: Pass, stage: StageStatus): void {
  if (!isStaging(stage)) return;
  const open = run.hosts.filter(({ name }) => stage.hosts?.includes(name));
  const machines = open.flatMap(({ name, uid }) => {
    const host = turn.view.host(name);
    return host && host.uid === uid ? [host] : [];
  });
  noteLatest(stage, machines);
}

/** Remembers when the last host of the pool joined before the run: a plan in parts forgets the stages that have ended. */
export function recordJoinedBefore({ plan, run, turn }: Pass): void {
  const isStagedByJob = plan.actions.patches.some(
    ({ kind, current }) => kind === 'stage' && current.length === 0,
  );
  if (!isStagedByJob || run.apply.later === undefined) return;
  noteLatest(
    run.apply,
    turn.view.seeds().flatMap(({ name }) => turn.view.host(name) ?? []),
  );
}

/** The times are those of the platform: our own clock may be wrong against it. */
function noteLatest(part: StageStatus | PhaseStatus, hosts: readonly HostFacts[]): void {
  const before = part.joinedBy === undefined ? [] : [Date.parse(part.joinedBy)];
  const times = [...before, ...hosts.flatMap(({ joinedAt }) => joinedAt ?? [])];
  if (times.length > 0) part.joinedBy = new Date(Math.max(...times)).toISOString();
}

/** Leaves hosts out of a stage of staging that only a person may open, as long as the plan allows that. */
export function recordUnstageable(pass: Pass, stage: StageStatus): void {
  const { run, turn } = pass;
  const isOpen = (name: HostName): boolean => run.hosts.some((each) => each.name === name);
  for (const name of remainingHosts(stage).filter((each) => !isOpen(each))) {
    const failure = leftLockedFailure(name, turn.view.host(name), turn.owner, turn.view.words);
    if (!failure || !mayFailToStage(pass, stage, [name])) continue;
    const reason = statusText(notStaged(name, failure.reason));
    stage.left = [...(stage.left ?? []), { name, reason, unstaged: true }];
  }
}

/** Leaves hosts that are not staged out of the stage that would upgrade them, before they are taken. */
export function recordUnstaged(pass: Pass, stage: StageStatus): void {
  const role = ROLES.find((each) => STAGE_OF.upgrade[each] === stage.name);
  const { patches } = pass.plan.actions;
  const [staging, upgrade] = (['stage', 'upgrade'] as const).map((kind) =>
    patches.find((work) => work.kind === kind && work.role === role),
  );
  if (role === undefined || !staging || !upgrade) return;
  const left = new Set(leftOutHosts(pass.run.apply));
  const isOpen = (name: HostName): boolean => pass.run.hosts.some((each) => each.name === name);
  for (const name of remainingHosts(stage).filter((each) => !isOpen(each))) {
    const host = pass.turn.view.host(name);
    const isLost =
      host &&
      isLacking(upgrade, host.facts) &&
      (staging.current.length > 0 ? isLacking(staging, host.facts) : hasJoinedSince(pass.run.apply, host));
    if (!left.has(name) && isLost !== true) continue;
    const reason = left.has(name) ? unstagedBecause(pass.run.apply, name) : `${name} is not staged any more`;
    stage.left = [...(stage.left ?? []), { name, reason, unstaged: true }];
  }
}
