import { z } from 'zod';
import { answeredRequest } from './answered-request.ts';
import { conditionList } from './conditions.ts';
import { findingList } from './finding.ts';
import { hostProgress, released } from './host-progress.ts';
import { result } from './result.ts';
import { affectedBefore, sessionProgress } from './session-progress.ts';
import {
  endTime,
  extendedSeconds,
  index,
  reason,
  seconds,
  startTime,
  step,
  timeoutSeconds,
} from './step-status.ts';
import { objectName, observedGeneration, text, time } from '../schema/schema.ts';
import { LONGEST_TEXT } from '../text/status-text.ts';
import {
  EXECUTION_MODES,
  OUTAGE_LEVELS,
  PHASE_NAMES,
  STAGE_NAMES,
  STEP_NAMES,
  STRATEGY_STATES,
} from '../vocabulary.ts';

const joinedBy = time().optional();

const leaver = z
  .object({
    name: objectName().describe('The host.'),
    reason: z
      .string()
      .max(1024)
      .describe('How it left, or why it was not staged, such as `worker-3 no longer exists`.'),
    unstaged: z
      .literal(true)
      .optional()
      .describe('Set where it is left out because it failed to be staged, or is not staged any more.'),
  })
  .describe(
    'A host that left the cluster or the pool, was skipped, or was not staged, before its stage was done with it.',
  );

const skippedHost = z
  .object({
    name: objectName().describe('The host.'),
    request: text(63).describe('The id of the request skip-host.'),
  })
  .describe('A host that a request leaves out of the run.');
export type SkippedHost = z.infer<typeof skippedHost>;

/** One stage, with what became of it. */
export const stageStatus = z
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
      .describe(
        'Hosts of the stage that left the cluster or the pool, were skipped, or were not staged. Nothing more is done on ' +
          'them.',
      ),
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
    joinedBy: joinedBy.describe(
      'When the last of the machines joined that a stage of staging took, by the clock of the platform. One that joined ' +
        'later is another machine, and is not staged.',
    ),
    inProgress: z.boolean().describe('Whether the stage is running.'),
    result,
    reason,
    startTime,
    endTime,
  })
  .describe('One stage.');
export type StageStatus = z.infer<typeof stageStatus>;

const total = z.int().min(0).max(1000000);

const earlier = z
  .object({
    stages: index.min(1).describe('How many stages they are: the id of the first one in stages.'),
    steps: total.describe('The number of their steps.'),
    hosts: total.describe('The number of their hosts, without those that left.'),
    left: total.describe('The number of their hosts that left the cluster or the pool, or were skipped.'),
    leftOut: z
      .array(objectName())
      .max(10000)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe(
        'Of an upgrade, their hosts that left or were not staged. They are not upgraded in this run.',
      ),
    failedToStage: total
      .optional()
      .describe('How many of those failed to be staged, which maxUnstagedHosts allows.'),
    result,
  })
  .describe('The stages before those in stages. All of them have ended; PlanStages hold them.');
export type EarlierStages = z.infer<typeof earlier>;

/** The sums over the stages of the PlanStages that follow. */
export const laterStages = z
  .object({
    part: index.describe('The position of the next PlanStage in the plan.'),
    digest: text(80).describe('The digest of its spec. A PlanStage with another one is not carried out.'),
    stages: index.min(1).describe('How many stages they are.'),
    steps: total.describe('The number of their steps.'),
    hosts: total.describe('The number of their hosts.'),
    largestAway: total.describe('How many hosts the largest of them takes out of service.'),
    longestTimeoutSeconds: seconds.describe('The longest timeout of one of them.'),
  })
  .describe('The stages after those in stages. PlanStages hold them.');
export type LaterStages = z.infer<typeof laterStages>;

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
    .array(stageStatus)
    .max(10000)
    .meta({ 'x-kubernetes-list-type': 'atomic' })
    .describe(
      'The stages, in order; of a large plan those of one PlanStage, with the running or next one. The id of the ' +
        'first is earlier.stages.',
    ),
  earlier: earlier.optional(),
  later: laterStages.optional(),
  joinedBy: joinedBy.describe(
    'Of a large plan that stages hosts by Jobs alone: when the last host of the pool had joined before the run began, by ' +
      'the clock of the platform. It counts for the hosts that were staged in earlier stages.',
  ),
  inProgress: z.boolean().describe('Whether the phase is running, or paused between two of its stages.'),
  completionPercentage: z.int().min(0).max(100).describe('The percentage of the steps that have ended.'),
  result,
  reason,
  startTime,
  endTime,
});
export type PhaseStatus = z.infer<typeof phase>;

export const strategyStatus = z
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
      .describe(
        'The completion percentage of the apply phase, or of the abort phase after its begin; 0 without a plan.',
      ),
    run: z
      .object({
        id: text(36).describe('The id of this run of the plan. Its permits, claims and Jobs carry it.'),
        planDigest: text(80).describe('Digest of the plan: its stages, hosts, steps, limits and actions.'),
        specDigest: text(80).describe('Digest of the spec without execution. The plan was built from it.'),
        fleetRevision: text(80).describe('Revision of the fleet at the build, as far as plans depend on it.'),
        builtAt: time().describe('When the plan was built.'),
        planStages: z
          .object({
            count: index.min(1).describe('How many PlanStages hold the plan.'),
            selector: text(80).describe('Their label: kubectl get planstages -l SELECTOR shows them.'),
          })
          .optional()
          .describe(
            'Where the stages of a large plan, or the ended stages of a long session are; absent when applyPhase.stages has all of them.',
          ),
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
          .describe(
            'Why Careen aborted the run by itself, and which hosts an abort gives back before the reboot that their work requires.',
          ),
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
    activatedRelease: text(128)
      .optional()
      .describe(
        'The release whose upgrade has begun to activate or to complete: no rollback is planned any more.',
      ),
    completedRelease: text(128)
      .optional()
      .describe('The release whose upgrade was carried out to its end, with activate and complete.'),
    completedHooks: z
      .array(text(63))
      .max(3)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe(
        'The hooks that the plan of this release had at its end. One that is added later is still carried out.',
      ),
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
    skipped: z
      .array(skippedHost)
      .max(10000)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
      .describe(
        'The hosts that requests leave out of the run: nothing more is done on them, and their faults hold nothing up. ' +
          'That ends with the run: with an edit of the spec, an abort, or apply-all after the end.',
      ),
    controllers: z
      .array(objectName())
      .max(1000)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe(
        'The controllers of the pool when the run was planned, three or more, where it works on one of them. One that ' +
          'has left the pool since counts as out of service in the quorum, until a request skip-host gives it up.',
      ),
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

/** The status of a strategy of any kind, as it is read: only a session has the part of sessions. */
export const anyStatus = strategyStatus
  .extend({
    session: sessionProgress.optional(),
    told: z
      .int()
      .min(0)
      .max(1_000_000)
      .optional()
      .describe('How many events the runs before had: the questions of the next run have higher numbers.'),
    affected: affectedBefore.optional(),
  })
  .describe('The plan, the session and their progress, as Careen observes them.');
export type StrategyStatus = z.infer<typeof anyStatus>;
