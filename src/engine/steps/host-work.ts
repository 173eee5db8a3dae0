import type { HostJob, HostProgress } from '../../crds/observed/host-progress.ts';
import type { HostAction, JobAction } from '../../crds/spec/host-action.ts';
import { REBOOT } from '../../crds/vocabulary.ts';
import { againstQuorum } from '../../planner/hosts/quorum.ts';
import { isEmptying, type StepKindName } from '../../planner/step-kinds.ts';
import { plannedStage } from '../../planner/plan.ts';
import { isLacking, stepOfWork } from '../../planner/hosts/work.ts';
import type { Effect } from '../effect.ts';
import type { EffectFacts } from '../view.ts';
import { claimLost, lockHost } from './lock-hosts.ts';
import { awaitPerson } from './manual-work.ts';
import { mendJob } from './mend-job.ts';
import { emptyAgain } from './migrate-instances-from-host.ts';
import { rebootAsked } from './reboot.ts';
import { DONE, ask, failed, jobKey, type HostStep, type Verdict } from './verdict.ts';
import { withDownloads } from './with-downloads.ts';

type Act = Extract<Verdict, { kind: 'act' }>;
/** A step that runs Jobs. */
export type WorkStepName = StepKindName | 'reboot-hosts';

/** The step is judged before its Job is ended: a Job that has not started is then withdrawn. */
const JOB_GRACE_SECONDS = 5;

/**
 * The judge of a step that does work on its hosts: one missing piece of work of this step after another, each by a Job
 * or a person, then a Job for the reboot if one of them requires it. What the host lacks is recorded once, before the
 * first of them changes it.
 */
export function doWork(name: WorkStepName): (step: HostStep) => Verdict {
  return (step) => workOn(step, name);
}

function workOn(step: HostStep, act: WorkStepName): Verdict {
  const { outage, facts, name } = step;
  if (outage?.level === 'touched') {
    const lock = lockHost(step);
    if (lock.kind !== 'done') return lock;
  }
  const lost = claimLost(step);
  if (lost) return lost;
  if (!outage || !facts) return failed(`${name} has no open outage`);
  return outage.patches ? runActions(step, act, outage) : begin(step, act, outage);
}

/** What is lacking is recorded together with the first effect, which creates a suspended Job, or with the first manual work. */
function begin(step: HostStep, act: WorkStepName, outage: HostProgress): Verdict {
  const patches = workToDo(step, outage);
  const verdict = runActions(step, act, { ...outage, patches });
  switch (verdict.kind) {
    case 'done':
      return {
        kind: 'act',
        effects: [],
        reason: `${step.name} lacks none of the ${step.plan.actions.release ? 'work' : 'patches'}`,
        progress: { patches },
      };
    case 'act':
    case 'wait':
      return { ...verdict, progress: { ...verdict.progress, patches } };
    default:
      return verdict;
  }
}

function runActions(step: HostStep, act: WorkStepName, outage: HostProgress): Verdict {
  for (const { id, job, manual } of actionsOf(step, act, outage)) {
    const verdict = job
      ? runJob(step, outage, id, job)
      : manual
        ? awaitPerson(step, outage, id, manual)
        : failed(`${id} has no action that this version knows`);
    if (verdict.kind === 'act' && beginsWork(verdict)) return whenAllowed(step, act, outage, verdict);
    if (verdict.kind !== 'done') return verdict;
  }
  return DONE;
}

function beginsWork({ effects, progress }: Act): boolean {
  return (
    effects.some(({ kind }) => kind === 'create-job' || kind === 'start-job') ||
    progress?.manual !== undefined
  );
}

/**
 * Each Job and each person waits for an empty host: a pod may have started just before the lock, or while the host was uncordoned. The
 * first one waits for a quorum, too.
 */
function whenAllowed(step: HostStep, act: WorkStepName, outage: HostProgress, begins: Act): Verdict {
  const emptied = isDrained(step) ? emptyAgain(step) : DONE;
  if (emptied.kind !== 'done') return emptied;
  const against = act === 'stage-hosts' ? undefined : againstFirstJob(step, outage);
  if (against === undefined) return begins;
  const { progress } = begins;
  // The Job is there, and is recorded. Nobody was asked yet.
  if (progress?.jobs) return { kind: 'act', effects: [], reason: against, progress };
  return { kind: 'blocked', reason: against, obstacle: 'WaitingForPermits' };
}

/**
 * Why no work begins on a controller: others have gone out of service since its permit was granted. A host in the middle
 * of its work goes on.
 */
function againstFirstJob(
  { judgesQuorum, name, view }: HostStep,
  { jobs = [], manual = [] }: HostProgress,
): string | undefined {
  const hasBegun = manual.length > 0 || jobs.some(({ result = 'not-started' }) => result !== 'not-started');
  if (!judgesQuorum || hasBegun) return undefined;
  const { controllers, claimedAway } = view.fleet;
  const against = againstQuorum(controllers.all, controllers.down.union(claimedAway), [name]);
  return against === undefined ? undefined : `the work on ${name} has not begun: ${against}`;
}

/** Whether the hosts of a stage are drained: then each Job waits for an empty host. The VIM empties each host that it locks. */
function isDrained({ stage: { steps, level = 'away' }, plan }: HostStep): boolean {
  return plan.actions.profile ? level === 'away' : steps.some(({ name }) => isEmptying(name));
}

/** What the host lacks, and what was begun before a retry and did not succeed, whatever the host shows of it. */
function workToDo({ plan, stage, facts }: HostStep, { unfinished = [], jobs = [] }: HostProgress): string[] {
  const isUnfinished = (id: string): boolean =>
    unfinished.includes(id) && jobs.every(({ action }) => action !== id);
  return plan.actions.patches
    .filter((work) => stage.patches?.includes(work.id))
    .filter((work) => isLacking(work, facts?.facts ?? {}) || isUnfinished(work.id))
    .map(({ id }) => id);
}

function actionsOf(
  step: HostStep,
  act: WorkStepName,
  outage: HostProgress,
): (HostAction & { readonly id: string })[] {
  const { actions } = step.plan;
  const { patches, reboot } = actions;
  const wanted = patches
    .filter(({ id }) => outage.patches?.includes(id) && stepOfWork(actions, id) === act)
    .map(({ id, action }) => ({ ...action, id }));
  const reboots = rebootsApart(step) === (act === 'reboot-hosts') && rebootAsked(step, outage);
  return reboot && reboots ? [...wanted, { id: REBOOT, job: reboot.job }] : wanted;
}

/** Whether the host has a step of its own for its reboot: the VIM reboots so what others had locked before. */
export function rebootsApart({ plan, planStage, name }: HostStep): boolean {
  const step = plannedStage(plan, planStage)?.steps.find((each) => each.name === 'reboot-hosts');
  return step !== undefined && step.hosts?.includes(name) !== false;
}

/**
 * Runs one Job: created suspended, recorded, started, awaited. Its recorded result counts, whatever became of it. A
 * recorded Job that was deleted without a result is never recreated.
 */
function runJob(step: HostStep, outage: HostProgress, action: string, job: JobAction): Verdict {
  const { view, owner, name } = step;
  const key = jobKey(step, action);
  const recorded = outage.jobs?.find((each) => each.action === action);
  if (recorded?.result !== undefined) return ended(step, action, recorded);
  const found = view.effect(key, owner);
  if (!found) {
    if (recorded && action === REBOOT && showsBoots(step)) return DONE;
    if (recorded)
      return failed(`Job ${recorded.name} for ${action} on ${name} was deleted; its result is not known`);
    return makeJob(step, outage, {
      ...{ kind: 'create-job', key, host: name, action },
      job: withDownloads(job, step.downloads),
    });
  }
  if (recorded && recorded.uid !== found.uid)
    return failed(
      `Job ${found.name} on ${name} was replaced by one that this run did not make: delete it, then retry`,
    );
  const progress = recorded
    ? undefined
    : { jobs: [...(outage.jobs ?? []), { action, name: found.name, uid: found.uid }] };
  const mending = mendJob(step, action, found);
  if (mending)
    return progress && (mending.kind === 'act' || mending.kind === 'wait')
      ? { ...mending, progress }
      : mending;
  switch (found.state) {
    case 'suspended': {
      if (found.containerStarted !== false)
        return failed(`Job ${found.name} was suspended on ${name} when a container of it may have started`);
      const { name: jobName, uid, revision, startRevision } = found;
      const start = {
        kind: 'start-job',
        key: `${key}/start`,
        host: name,
        name: jobName,
        uid,
        revision: startRevision ?? revision,
        timeoutSeconds: Math.max(1, Math.ceil((step.endsBy - step.now) / 1000)) + JOB_GRACE_SECONDS,
      } as const;
      return ask(step, start, `starting Job ${jobName} on ${name}`, progress);
    }
    default:
      return running(step, found, progress);
  }
}

/** A Job that has ended counts as running until its result is recorded. */
function running(
  { name }: HostStep,
  found: EffectFacts,
  progress: Partial<HostProgress> | undefined,
): Verdict {
  const { containerStarted, waitsFor } = found;
  const job = `Job ${found.name}`;
  const isStuck = containerStarted === false && waitsFor !== undefined;
  // Nothing of it runs that would have to be awaited.
  const stuck = isStuck ? ({ obstacle: 'JobNotStarted' } as const) : {};
  if (isStuck && !progress)
    return { kind: 'blocked', reason: `${job} has not started on ${name}: ${waitsFor}`, ...stuck };
  const reason = containerStarted === false ? `${job} starts on ${name}` : `${job} runs on ${name}`;
  return {
    kind: 'wait',
    reason: waitsFor === undefined ? reason : `${reason}: ${waitsFor}`,
    ...stuck,
    ...(progress ? { progress } : {}),
  };
}

/** Makes a Job. If it is refused for now, the Jobs of the host that have succeeded make room: a quota may count them. */
function makeJob(step: HostStep, outage: HostProgress, effect: Effect & { kind: 'create-job' }): Verdict {
  const making = ask(step, effect, `making the Job for ${effect.action} on ${step.name}`);
  if (step.outcomes.get(effect.key)?.kind !== 'blocked') return making;
  const done = (outage.jobs ?? []).filter(({ result }) => result === 'succeeded');
  const effects = done.flatMap(({ action, uid }) => {
    const found = step.view.effect(jobKey(step, action), step.owner);
    if (found?.uid !== uid) return [];
    const { name, revision } = found;
    const key = `${jobKey(step, action)}/remove`;
    const removal = ask(step, { kind: 'delete-job', key, host: step.name, name, uid, revision }, '');
    return effectsOf(removal);
  });
  if (effects.length === 0) return making;
  return {
    ...{ kind: 'act', effects: [...effects, ...effectsOf(making)] },
    ...{ reason: making.reason, obstacle: 'JobNotStarted' },
  };
}

function effectsOf(verdict: Verdict): readonly Effect[] {
  return verdict.kind === 'act' ? verdict.effects : [];
}

/** Whether the boot id shows if the host rebooted, and not the Job: the reboot itself may have killed that. */
function showsBoots({ facts }: HostStep): boolean {
  return facts?.bootId !== undefined;
}

function ended(step: HostStep, action: string, job: HostJob): Verdict {
  const { name } = step;
  const why = job.reason ?? 'no reason is known';
  if (job.result === 'not-started')
    return failed(`Job ${job.name} for ${action} did not start on ${name}: ${why}`);
  if (job.result === 'succeeded' || (action === REBOOT && showsBoots(step))) return DONE;
  return failed(`Job ${job.name} for ${action} failed on ${name}: ${why}`);
}
