import { z } from 'zod';
import { conditionList } from './conditions.ts';
import { findingList } from './finding.ts';
import { objectName, observedGeneration, text, time } from './schema.ts';
import { LONGEST_TEXT } from './status-text.ts';
import {
  EXECUTION_MODES,
  JOB_RESULTS,
  OUTAGE_LEVELS,
  PHASE_NAMES,
  RESULTS,
  STAGE_NAMES,
  STEP_NAMES,
  STRATEGY_STATES,
} from './vocabulary.ts';

const reason = z
  .string()
  .max(LONGEST_TEXT)
  .optional()
  .describe('The reason for the result; absent when all went well.');
const result = z
  .enum(RESULTS)
  .describe(
    'initial: not begun. inprogress (phase, stage) and wait (step): running. ' +
      'success, degraded (done, with problems), failed, timed-out and aborted: ended.',
  );
const startTime = time().optional().describe('The time of its start, UTC.');
const endTime = time().optional().describe('The time of its end, UTC.');
const seconds = z.int().min(0).max(2147483647);
const timeoutSeconds = seconds.describe('How long it may take.');
const extendedSeconds = seconds
  .optional()
  .describe(
    'The extension of its deadline: how long the strategy was suspended, no operator was active, or hosts were unwell ' +
      'while they had time to settle.',
  );
const index = z.int().min(0).max(10000);

const step = z
  .object({
    id: index.describe('Position in the stage, from 0.'),
    name: z.enum(STEP_NAMES).describe('The name of the step.'),
    timeoutSeconds,
    result,
    reason,
    startTime,
    endTime,
    extendedSeconds,
    unwellSince: time()
      .optional()
      .describe(
        'When the step first found one of its hosts unwell while they had time to settle. That time began anew.',
      ),
  })
  .describe('One step. All hosts of the stage take it together.');
export type StepStatus = z.infer<typeof step>;

const leaver = z
  .object({
    name: objectName().describe('The host.'),
    reason: z.string().max(1024).describe('How it left, such as `worker-3 no longer exists`.'),
  })
  .describe('A host that left the cluster or the pool before its stage was done with it.');

/** How many alarms, and how many taints, a host is recorded with at the beginning of its outage. */
export const KEPT_FROM_BEFORE = 64;

/** How many pods that may come back are remembered for a host. */
export const KEPT_ASKED = 256;

const fromBefore = {
  since: time().describe('When the outage began.'),
  alarmsBefore: z
    .array(text(350))
    .max(KEPT_FROM_BEFORE)
    .optional()
    .meta({ 'x-kubernetes-list-type': 'atomic' })
    .describe('The alarm conditions that were True before the outage, and since when.'),
  taintsBefore: z
    .array(text(400))
    .max(KEPT_FROM_BEFORE)
    .optional()
    .meta({ 'x-kubernetes-list-type': 'atomic' })
    .describe('The taints that the host had before the outage, as KEY:EFFECT.'),
};

const released = z
  .object({ name: objectName().describe('The host.'), ...fromBefore })
  .describe('A host that was given back while its stage still watches it.');
export type ReleasedHost = z.infer<typeof released>;

const stage = z
  .object({
    id: index.describe('Position in the phase, from 0.'),
    name: z.enum(STAGE_NAMES).describe('The name of the stage: which hosts it works on.'),
    hosts: z
      .array(objectName())
      .max(10000)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe('The hosts of the stage. They are worked on together.'),
    left: z
      .array(leaver)
      .max(10000)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
      .describe('Hosts of the stage that left the cluster or the pool. Nothing more is done on them.'),
    released: z
      .array(released)
      .max(10000)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
      .describe('Hosts that were given back, and how they were before, until the stage has ended.'),
    patches: z
      .array(text(63))
      .max(32)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe('The patches that hosts of the stage lack; each host gets those that it lacks.'),
    level: z
      .enum(OUTAGE_LEVELS)
      .optional()
      .describe('away: the hosts are locked and drained. touched: the hosts are patched in place.'),
    timeoutSeconds,
    extendedSeconds,
    attempt: z
      .int()
      .min(1)
      .max(100)
      .optional()
      .describe('The number of this attempt at the stage; absent during the first attempt.'),
    totalSteps: index.describe('The number of steps.'),
    currentStep: index.describe('The running step, or totalSteps once the last one ended.'),
    steps: z
      .array(step)
      .max(16)
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe('The steps, in order.'),
    inProgress: z.boolean().describe('Whether the stage is running.'),
    result,
    reason,
    startTime,
    endTime,
  })
  .describe('One stage.');
export type StageStatus = z.infer<typeof stage>;

const phase = z.object({
  totalStages: index.describe('The number of stages.'),
  currentStage: index.describe('The running or next stage, or stopAtStage once that is reached.'),
  stopAtStage: index.describe('The stage before which the run stops: totalStages, or throughStage + 1.'),
  timeoutSeconds,
  timedSince: time()
    .optional()
    .describe(
      'The time from which its timeout counts: its start, or its continuation after a pause; absent during a pause.',
    ),
  extendedSeconds,
  stages: z
    .array(stage)
    .max(10000)
    .meta({ 'x-kubernetes-list-type': 'atomic' })
    .describe('The stages, in order.'),
  inProgress: z.boolean().describe('Whether the phase is running, or paused between two of its stages.'),
  completionPercentage: z.int().min(0).max(100).describe('The percentage of the steps that have ended.'),
  result,
  reason,
  startTime,
  endTime,
});
export type PhaseStatus = z.infer<typeof phase>;

const hostJob = z.object({
  action: text(63).describe('The patch that the Job applies, or reboot.'),
  name: text(63).describe('The name of the Job, in the namespace of the strategy.'),
  uid: text(36).describe('The uid of the Job.'),
  result: z
    .enum(JOB_RESULTS)
    .optional()
    .describe(
      'How the Job ended, recorded when it was first seen: the Job may be deleted afterwards. not-started: it ended or ' +
        'was withdrawn before any container of it had started. Absent until then.',
    ),
  withdrawn: z
    .literal(true)
    .optional()
    .describe(
      'The run suspends and deletes the Job, because no container of it has started; only then is the host released.',
    ),
  reason: z.string().max(1024).optional().describe('Why the Job failed or did not start.'),
});
export type HostJob = z.infer<typeof hostJob>;

const hostProgress = z
  .object({
    name: objectName().describe('The host.'),
    uid: z
      .string()
      .max(64)
      .optional()
      .describe('The uid of the host. Another uid under the same name is another host.'),
    level: z.enum(OUTAGE_LEVELS).describe('away: out of service. touched: patched in place.'),
    step: z.enum(STEP_NAMES).describe('The step that the host is in, or failed in.'),
    attempt: z.int().min(1).max(100).describe('The number of this attempt of the action.'),
    ...fromBefore,
    result,
    reason: z.string().max(1024).optional().describe('Why the host waits, or why it failed.'),
    patches: z
      .array(text(63))
      .max(32)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe('The patches that the host lacked when it was locked, in order.'),
    bootIdBefore: z
      .string()
      .max(64)
      .optional()
      .describe('The boot id before the reboot that the patches require.'),
    jobs: z
      .array(hostJob)
      .max(33)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['action'] })
      .describe('The Jobs that were made for the host in this outage.'),
    closedToNewWorkBefore: z
      .boolean()
      .optional()
      .describe(
        'Whether a cordon of the host is not ours: it was cordoned before the outage and was not seen uncordoned since, ' +
          'or its claim was lost while it was uncordoned. It then stays cordoned after its release.',
      ),
    mayReturn: z
      .object({
        asked: z
          .array(
            z.object({
              uid: text(64).describe('The uid of the pod.'),
              controller: text(400).describe('Its controller, as NAMESPACE/KIND NAME.'),
            }),
          )
          .max(KEPT_ASKED)
          .optional()
          .meta({ 'x-kubernetes-list-type': 'atomic' })
          .describe(
            'The pods that were asked to leave. Another pod of the same controller has come back, and is not asked.',
          ),
        emptySince: time().optional().describe('Since when the host has been empty after that.'),
      })
      .optional()
      .describe(
        'Set once a pod was seen on the host that its cordon does not keep away. The controller of the pod may start ' +
          'another one there, so the host counts as empty only after it has stayed so for a while.',
      ),
    uncordoned: z.boolean().optional().describe('Whether somebody uncordoned the host during the outage.'),
    failedBefore: z
      .boolean()
      .optional()
      .describe(
        'Whether the host had failed when its stage was restarted. It stays locked until work on it begins again.',
      ),
    releaseAsked: z
      .boolean()
      .optional()
      .describe('Whether somebody requested the release of the host as it is.'),
  })
  .describe('A host with an open outage.');
export type HostProgress = z.infer<typeof hostProgress>;

const answeredRequest = z
  .object({
    id: text(63).describe('The id of the request. Its author chose it.'),
    verb: text(32).optional().describe('The verb of the request; absent when the request could not be read.'),
    answer: z
      .enum(['accepted', 'refused', 'waiting'])
      .describe(
        'accepted: Careen does it. refused: message says why. waiting: it is answered when Suspend ends, unless the ' +
          'spec is edited before.',
      ),
    message: z
      .string()
      .max(1024)
      .describe('The effect of the request, or the correction it needs, in one sentence.'),
    specDigest: text(80)
      .optional()
      .describe(
        'The digest of the spec that a waiting request was placed on. It is valid for this spec only.',
      ),
    time: time().describe(
      'When the request was answered; for a waiting request, when it was first observed.',
    ),
  })
  .describe('One request and its answer.');
export type AnsweredRequest = z.infer<typeof answeredRequest>;

export const patchStrategyStatus = z
  .object({
    observedGeneration: observedGeneration(),
    uid: text(36)
      .optional()
      .describe(
        'The uid of the object that this status describes. A status with the uid of another object is a copy, and is ' +
          'built again.',
      ),
    state: z.enum(STRATEGY_STATES).optional().describe('The state of the strategy, in the terms of the VIM.'),
    stages: z.string().max(32).optional().describe('Stages done, and their total number, such as 3/12.'),
    message: z
      .string()
      .max(LONGEST_TEXT)
      .optional()
      .describe('The current activity, or the reason to wait, in one sentence.'),
    currentPhase: z.enum(PHASE_NAMES).optional().describe('The phase that the strategy is in.'),
    completionPercentage: z
      .int()
      .min(0)
      .max(100)
      .optional()
      .describe('The completion percentage of the current phase.'),
    run: z
      .object({
        id: text(36).describe('The id of this run of the plan. Its permits, claims and Jobs carry it.'),
        planDigest: text(80).describe('Digest of the plan: its stages, hosts, steps, limits and actions.'),
        specDigest: text(80).describe('Digest of the spec without execution. The plan was built from it.'),
        fleetRevision: text(80).describe('Revision of the fleet at the build, as far as plans depend on it.'),
        builtAt: time().describe('When the plan was built.'),
        pool: objectName().describe('The pool of the plan. It holds the permits.'),
        actions: z
          .looseObject({})
          .optional()
          .describe(
            'Patches, reboot, drain, timing and onForeignUncordon as they were at the build. An edit changes only ' +
              'the next plan.',
          ),
        epoch: z
          .int()
          .min(1)
          .max(2147483647)
          .optional()
          .describe('The epoch of the pool at the last write of the run.'),
        authority: z
          .object({
            throughStage: z.int().min(0).max(9999).describe('The last stage (its id, from 0).'),
            request: text(63).optional().describe('The id of the last of these requests.'),
          })
          .optional()
          .describe('How far requests allow the run to continue, in any mode.'),
        abortedIn: z
          .enum(EXECUTION_MODES)
          .optional()
          .describe('The execution mode at the time of the abort; absent without an abort.'),
        abortedBecause: text(1024)
          .optional()
          .describe('Why Careen aborted the run by itself; absent when a person did.'),
        suspendedSince: time().optional().describe('When the run was suspended; absent while it is not.'),
        lastObservedTime: time()
          .optional()
          .describe(
            'When an operator last observed the open step, to within 20 s. A longer gap extends its deadlines.',
          ),
        summary: text(1024)
          .optional()
          .describe('The plan in one sentence, as message shows it until the run begins.'),
        change: text(1024).optional().describe('How the plan differs from the one before.'),
      })
      .optional()
      .describe('The plan and its one execution.'),
    findings: findingList
      .optional()
      .describe(
        'What will block the plan or hurt it, the gravest first, as `careen plan` prints it; kept up to date until the ' +
          'run begins. Then the findings about the plan itself stay until the run has ended.',
      ),
    buildPhase: phase.optional().describe('The queries that the plan was built from.'),
    applyPhase: phase.optional().describe('The plan and its progress.'),
    abortPhase: phase.optional().describe('The release of hosts by an abort.'),
    progress: z
      .object({
        stage: index.describe('The open stage.'),
        step: z.enum(STEP_NAMES).describe('Its running step.'),
        deadline: time().optional().describe('When the step times out.'),
        hosts: z
          .array(hostProgress)
          .max(10000)
          .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
          .describe('The hosts with an open outage, including failed hosts.'),
      })
      .optional()
      .describe('The hosts that are out of service or worked on now, and why each waits.'),
    requests: z
      .array(answeredRequest)
      .max(10)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe('The last requests and their answers, the newest last.'),
    conditions: conditionList
      .optional()
      .describe(
        'Ready, Reconciling, Stalled, ForeignUncordon and, when applied, Drifted, for tools that wait.',
      ),
  })
  .describe('The plan and its progress, as Careen observes them.');
export type PatchStrategyStatus = z.infer<typeof patchStrategyStatus>;
