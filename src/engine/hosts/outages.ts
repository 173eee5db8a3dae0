/**
 * The outages of a run. The outage of a host lasts from the permission to take it out of service until its release. It
 * is recorded in the run before the first effect on the host.
 */
import type { HostProgress } from '../../crds/observed/host-progress.ts';
import type { StepStatus } from '../../crds/observed/step-status.ts';
import type { StageStatus } from '../../crds/observed/strategy-status.ts';
import { statusText } from '../../crds/text/status-text.ts';
import type { StepName } from '../../crds/vocabulary.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import type { HostVerdict } from '../evaluate.ts';
import type { EngineProfile, Pass } from '../pass.ts';
import { currentStage, isFinal, type RunState } from '../run/run-state.ts';
import { faultsOf } from '../steps/unwell.ts';
import { isReached, reasonOf } from '../steps/verdict.ts';
import { allows } from '../turn.ts';

type KindsOf = Pick<EngineProfile, 'steps'>;

/**
 * Whether this step takes the hosts of the stage out of service. No earlier step touches them: of several steps that could
 * take hosts away, the first one does.
 */
export function opensOutage(
  { steps }: KindsOf,
  { level = 'away', steps: planned }: Pick<StageStatus, 'level' | 'steps'>,
  step: StepName,
): boolean {
  if (level === 'touched') return steps[step]?.opensOutage === level;
  return planned.find(({ name }) => steps[name]?.opensOutage !== undefined)?.name === step;
}

/** Whether the run no longer holds the hosts of the stage after this step. */
function closesOutage({ steps }: KindsOf, { level = 'away' }: StageStatus, step: StepName): boolean {
  return steps[step]?.closesOutage === level;
}

/**
 * Records the outage of a host for which the run has a permit, unless it is recorded already; with the alarms and taints
 * that the host has before the first effect on it. A claim records them anew, as the host has them when it is claimed.
 */
export function openOutage({ run, turn }: Pass, stage: StageStatus, step: StepStatus, name: HostName): void {
  const { level = 'away', attempt = 1 } = stage;
  if (run.hosts.some((each) => each.name === name) || !allows(turn.permits.held.get(name), level)) return;
  const since = new Date(turn.now).toISOString();
  const facts = turn.view.host(name);
  run.hosts.push({
    ...{
      name,
      ...(facts?.uid === undefined ? {} : { uid: facts.uid }),
      level,
      step: step.name,
      attempt,
      since,
      result: 'wait',
    },
    ...(facts ? faultsOf(facts) : {}),
  });
}

/** Whether the work on the host has ended, in this step or an earlier one. */
export function judgedBefore({ run }: Pass, name: HostName): boolean {
  const outage = run.hosts.find((each) => each.name === name);
  return outage !== undefined && isFinal(outage.result);
}

/** Records the state of the host before the next effect on it. */
export function record(pass: Pass, stage: StageStatus, step: StepStatus, each: HostVerdict): void {
  const { verdict } = each;
  if (verdict.kind === 'failed') return setResult(pass, step, each, 'failed');
  const over = isReached(verdict);
  const outage = pass.run.hosts.find(({ name }) => name === each.host);
  if (over && closesOutage(pass.profile, stage, step.name)) {
    if (outage) remember(stage, outage);
    return closeOutage(pass, each.host);
  }
  if (!outage) return;
  outage.step = step.name;
  // The uncordon also ended any cordon from before the claim: a later cordon only lets the work continue.
  if (!isReached(verdict) && verdict.uncordoned)
    Object.assign(outage, { uncordoned: true, closedToNewWorkBefore: false });
  else if (outage.uncordoned) {
    delete outage.uncordoned;
    // Pods that started while the host was open are not pods that came back.
    if (outage.mayReturn) outage.mayReturn = {};
  }
  if (over) delete outage.reason;
  // A failure stays the reason while the outage of a skipped host is ended.
  else if (!isFinal(outage.result)) outage.reason = statusText(reasonOf(verdict));
  if (verdict.kind === 'act' || verdict.kind === 'wait') Object.assign(outage, verdict.progress);
}

/**
 * Records the hosts that lost our claim while they were open. Only our mark is left, and it no longer says whose a cordon
 * is: one that comes later is that of somebody else, and stays. So does one that may have come before the claim was lost.
 */
export function recordLostCordons({ run, turn, profile }: Pass): void {
  run.hosts = run.hosts.map((outage) => {
    const facts = turn.view.host(outage.name);
    const wasOpen = facts?.closedToNewWork === false || outage.uncordoned === true;
    const isLost = facts?.hasMaintenanceMark === true && facts.claim === undefined && wasOpen;
    // The claim of a host that somebody had opened before may be on its way again.
    if (!isLost || mayBeInFlight(profile, run, outage)) return outage;
    return { ...outage, closedToNewWorkBefore: true };
  });
}

/** Remembers how a host was before its outage: its stage watches it until the end. An earlier version recorded nothing. */
function remember(stage: StageStatus, { name, since, alarmsBefore, taintsBefore }: HostProgress): void {
  if (!alarmsBefore || !taintsBefore) return;
  const others = stage.released?.filter((each) => each.name !== name) ?? [];
  stage.released = [...others, { name, since, alarmsBefore, taintsBefore }];
}

/** Records the progress of a host, before the effects that rest on it. */
export function recordProgress({ run }: Pass, host: HostName, progress: Partial<HostProgress> = {}): void {
  const outage = run.hosts.find(({ name }) => name === host);
  if (outage) Object.assign(outage, progress);
}

/** Removes a released host from the run; its permit is freed after this is stored. */
export function closeOutage({ run }: Pass, name: HostName): void {
  run.hosts = run.hosts.filter((each) => each.name !== name);
}

/** Ends the work on a host whose outage stays open. */
export function setResult(
  { run }: Pass,
  step: StepStatus,
  { host, verdict }: HostVerdict,
  result: HostProgress['result'],
): void {
  const outage = run.hosts.find(({ name }) => name === host);
  if (!outage) return;
  Object.assign(outage, { step: step.name, result, reason: statusText(reasonOf(verdict)) });
}

/**
 * Whether the claim of a host may still be in flight: its intent is stored, with the earlier state of the host, and the
 * step that claims is the current one. After that step, a missing claim was removed by somebody.
 */
export function mayBeInFlight(
  kinds: KindsOf,
  { apply }: RunState,
  { step, result, closedToNewWorkBefore }: HostProgress,
): boolean {
  const stage = currentStage(apply);
  const isAsked = closedToNewWorkBefore !== undefined && !isFinal(result);
  return stage !== undefined && isAsked && opensOutage(kinds, stage, step);
}
