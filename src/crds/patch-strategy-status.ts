import { z } from 'zod';
import { conditionList } from './conditions.ts';
import { objectName, observedGeneration, text, time } from './schema.ts';
import {
  EXECUTION_MODES,
  OUTAGE_LEVELS,
  PHASE_NAMES,
  RESULTS,
  STAGE_NAMES,
  STEP_NAMES,
  STRATEGY_STATES,
} from './vocabulary.ts';

const reason = z
  .string()
  .max(4096)
  .optional()
  .describe('Why the result is what it is; nothing when all went well.');
const result = z
  .enum(RESULTS)
  .describe(
    'initial: not begun. inprogress (phase, stage), wait (step): under way. ' +
      'success, degraded (done, with reservations), failed, timed-out, aborted: over.',
  );
const startTime = time().optional().describe('When it began, UTC.');
const endTime = time().optional().describe('When it ended, UTC.');
const seconds = z.int().min(0).max(2147483647);
const timeoutSeconds = seconds.describe('How long it may take.');
const extendedSeconds = seconds
  .optional()
  .describe(
    'By how much its deadline was put off: the time that the strategy was suspended, or that no operator looked after it.',
  );
const index = z.int().min(0).max(10000);

const step = z
  .object({
    id: index.describe('Position in the stage, from 0.'),
    name: z.enum(STEP_NAMES).describe('What is done.'),
    timeoutSeconds,
    result,
    reason,
    startTime,
    endTime,
    extendedSeconds,
  })
  .describe('One step. All hosts of the stage take it together.');
export type StepStatus = z.infer<typeof step>;

const stage = z
  .object({
    id: index.describe('Position in the phase, from 0.'),
    name: z.enum(STAGE_NAMES).describe('Which hosts it is about.'),
    hosts: z
      .array(objectName())
      .max(10000)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe('The hosts that are worked on together.'),
    patches: z
      .array(text(63))
      .max(32)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe('The patches that hosts of the stage lack; each host gets those that it lacks.'),
    level: z
      .enum(OUTAGE_LEVELS)
      .optional()
      .describe('away: the hosts are emptied and locked. touched: they are patched in place.'),
    timeoutSeconds,
    extendedSeconds,
    attempt: z
      .int()
      .min(1)
      .max(100)
      .optional()
      .describe('Which attempt at the stage this is; nothing while it is the first.'),
    totalSteps: index.describe('How many steps there are.'),
    currentStep: index.describe('The running step, or totalSteps once the last one ended.'),
    steps: z
      .array(step)
      .max(16)
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe('The steps, in order.'),
    inProgress: z.boolean().describe('Whether the stage is under way.'),
    result,
    reason,
    startTime,
    endTime,
  })
  .describe('One stage.');
export type StageStatus = z.infer<typeof stage>;

const phase = z.object({
  totalStages: index.describe('How many stages there are.'),
  currentStage: index.describe('The running or next stage, or stopAtStage once that is reached.'),
  stopAtStage: index.describe('The stage before which the run stops: totalStages, or throughStage + 1.'),
  timeoutSeconds,
  timedSince: time()
    .optional()
    .describe(
      'Since when its timeout counts: since it began, or went on after a pause; nothing while it pauses.',
    ),
  extendedSeconds,
  stages: z
    .array(stage)
    .max(10000)
    .meta({ 'x-kubernetes-list-type': 'atomic' })
    .describe('The stages, in order.'),
  inProgress: z.boolean().describe('Whether the phase is under way, or paused between two of its stages.'),
  completionPercentage: z.int().min(0).max(100).describe('Share of the steps that are over.'),
  result,
  reason,
  startTime,
  endTime,
});
export type PhaseStatus = z.infer<typeof phase>;

const hostJob = z.object({
  action: text(63).describe('The patch that the Job applies, or reboot.'),
  name: text(63).describe('The Job, in the namespace of the strategy.'),
  uid: text(36).describe('The uid of the Job.'),
});

const hostProgress = z
  .object({
    name: objectName().describe('The host.'),
    level: z.enum(OUTAGE_LEVELS).describe('away: out of service. touched: patched in place.'),
    step: z.enum(STEP_NAMES).describe('The step that the host is in, or failed in.'),
    attempt: z.int().min(1).max(100).describe('Which attempt of the action this is.'),
    since: time().describe('When the outage began.'),
    result,
    reason: z.string().max(1024).optional().describe('What the host waits for, or why it failed.'),
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
      .describe('The boot id before the reboot that the patches ask for.'),
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
        'Whether the host was closed before it was taken, and nobody was seen to open it since; it is put back so.',
      ),
    uncordoned: z.boolean().optional().describe('Whether somebody uncordoned it while we work on it.'),
    failedBefore: z
      .boolean()
      .optional()
      .describe(
        'Whether it had failed when its stage began anew: it stays locked until it is worked on again.',
      ),
    releaseAsked: z.boolean().optional().describe('Whether somebody asked to give the host back as it is.'),
  })
  .describe('A host whose outage is open.');
export type HostProgress = z.infer<typeof hostProgress>;

const answeredRequest = z
  .object({
    id: text(63).describe('The id of the request, as its author chose it.'),
    verb: text(32).optional().describe('What was asked for; nothing when that could not be read.'),
    answer: z.enum(['accepted', 'refused']).describe('Whether it is done, or why not in message.'),
    message: z.string().max(1024).describe('What comes of it, or what would be right, in one sentence.'),
    time: time().describe('When it was answered.'),
  })
  .describe('One request and its answer.');
export type AnsweredRequest = z.infer<typeof answeredRequest>;

export const patchStrategyStatus = z
  .object({
    observedGeneration: observedGeneration(),
    state: z.enum(STRATEGY_STATES).optional().describe('Where the strategy stands, in the words of the VIM.'),
    stages: z.string().max(32).optional().describe('Stages done and in all, such as 3/12.'),
    message: z
      .string()
      .max(4096)
      .optional()
      .describe('What is going on, or what is waited for, in one sentence.'),
    currentPhase: z.enum(PHASE_NAMES).optional().describe('The phase that the strategy is in.'),
    completionPercentage: z.int().min(0).max(100).optional().describe('That of the current phase.'),
    run: z
      .object({
        id: text(36).describe('Identifies this run of the plan; it stands on its permits, claims and Jobs.'),
        planDigest: text(80).describe('Digest of the plan: its stages, hosts, steps, limits and actions.'),
        specDigest: text(80).describe('Digest of the spec without execution: what the plan was built from.'),
        fleetRevision: text(80).describe(
          'What the fleet looked like, as far as plans depend on it, at the build.',
        ),
        builtAt: time().describe('When the plan was built.'),
        pool: objectName().describe('The pool that the plan is for; permits are held there.'),
        actions: z
          .looseObject({})
          .optional()
          .describe(
            'Patches, reboot, drain, timing and onForeignUncordon as they were at the build: an edit changes the ' +
              'next plan.',
          ),
        epoch: z
          .int()
          .min(1)
          .max(2147483647)
          .optional()
          .describe('The epoch of the pool in which the run was last written.'),
        authority: z
          .object({ throughStage: z.int().min(0).max(9999).describe('The last stage (its id, from 0).') })
          .optional()
          .describe('How far requests allow to run, whatever the mode.'),
        abortedIn: z
          .enum(EXECUTION_MODES)
          .optional()
          .describe('The execution mode at the time of the abort; nothing when there was none.'),
        suspendedSince: time().optional().describe('Since when the run is suspended.'),
        lastObservedTime: time()
          .optional()
          .describe(
            'When an operator last looked after the open step, to within 20 s; after a longer gap its deadlines are put off.',
          ),
        summary: text(1024)
          .optional()
          .describe('The plan in one sentence, as message shows it until the run begins.'),
        change: text(1024).optional().describe('How the plan differs from the one before.'),
      })
      .optional()
      .describe('The plan and its one execution.'),
    buildPhase: phase.optional().describe('The queries that the plan was built from.'),
    applyPhase: phase.optional().describe('The plan, and how far it was carried out.'),
    abortPhase: phase.optional().describe('What an abort put back.'),
    progress: z
      .object({
        stage: index.describe('The open stage.'),
        step: z.enum(STEP_NAMES).describe('Its running step.'),
        deadline: time().optional().describe('When the step times out.'),
        hosts: z
          .array(hostProgress)
          .max(10000)
          .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
          .describe('The hosts with an open outage, failed ones included.'),
      })
      .optional()
      .describe('The hosts that are out of service or worked on now, and what each waits for.'),
    requests: z
      .array(answeredRequest)
      .max(10)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe('The last requests and their answers, the newest last.'),
    conditions: conditionList
      .optional()
      .describe('Ready, Reconciling, Stalled and ForeignUncordon, for tools that wait.'),
  })
  .describe('The plan and its progress, as Careen observes them.');
export type PatchStrategyStatus = z.infer<typeof patchStrategyStatus>;
