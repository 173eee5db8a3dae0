import type { HostProgress } from '../../crds/patch-strategy-status.ts';
import type { JobAction } from '../../crds/host-action.ts';
import { REBOOT } from '../../crds/vocabulary.ts';
import { unmetRequirements } from '../../planner/current.ts';
import { claimLost, lockHost } from './lock-hosts.ts';
import { emptyAgain } from './migrate-instances-from-host.ts';
import { rebootAsked } from './reboot.ts';
import { DONE, ask, failed, keyOf, type HostStep, type Verdict } from './verdict.ts';

/**
 * Runs the Jobs of a host one after another: one for each missing patch, then one for the reboot if a patch requires
 * it. The missing patches are recorded once, before the first Job changes the host.
 */
export function patchHost(step: HostStep): Verdict {
  const { outage, facts, name } = step;
  if (outage?.level === 'touched') {
    const lock = lockHost(step);
    if (lock.kind !== 'done') return lock;
  }
  const lost = claimLost(step);
  if (lost) return lost;
  if (!outage || !facts) return failed(`${name} has no open outage`);
  if (!outage.patches) {
    const progress = { patches: lackingPatches(step) };
    return { kind: 'act', effects: [], reason: `${name} is about to be patched`, progress };
  }
  for (const action of actionsOf(step, outage)) {
    const verdict = runJob(step, outage, action.id, action.job);
    if (verdict.kind === 'act' && outage.level === 'away') return whenEmpty(step, verdict);
    if (verdict.kind !== 'done') return verdict;
  }
  return DONE;
}

/** Each Job waits for an empty host: a pod may have started just before the lock, or while the host was uncordoned. */
function whenEmpty(step: HostStep, act: Verdict): Verdict {
  const emptied = emptyAgain(step);
  return emptied.kind === 'done' ? act : emptied;
}

function lackingPatches({ plan, stage, facts }: HostStep): string[] {
  return plan.actions.patches
    .filter(
      ({ id, current }) =>
        stage.patches?.includes(id) && unmetRequirements(current, facts?.facts ?? {}).length > 0,
    )
    .map(({ id }) => id);
}

function actionsOf(step: HostStep, outage: HostProgress): { id: string; job: JobAction }[] {
  const { patches, reboot } = step.plan.actions;
  const wanted = patches
    .filter(({ id }) => outage.patches?.includes(id))
    .map(({ id, action }) => ({ id, job: action.job }));
  return reboot && rebootAsked(step, outage) ? [...wanted, { id: REBOOT, job: reboot.job }] : wanted;
}

/** Runs one Job: created suspended, recorded, started, awaited. A recorded Job that was deleted is never recreated. */
function runJob(step: HostStep, outage: HostProgress, action: string, job: JobAction): Verdict {
  const { view, name } = step;
  const key = keyOf(step, 'sw-patch-hosts', action);
  const recorded = outage.jobs?.find((each) => each.action === action);
  const found = view.effect(key);
  if (!found) {
    if (recorded)
      return failed(`Job ${recorded.name} for ${action} on ${name} was deleted; its result is not known`);
    return ask(
      step,
      { kind: 'create-job', key, host: name, action, job },
      `making the Job for ${action} on ${name}`,
    );
  }
  if (recorded && recorded.uid !== found.uid)
    return failed(`Job ${found.name} on ${name} was replaced by another one`);
  const progress = recorded
    ? undefined
    : { jobs: [...(outage.jobs ?? []), { action, name: found.name, uid: found.uid }] };
  switch (found.state) {
    case 'suspended': {
      const { name: jobName, uid, revision } = found;
      const start = {
        kind: 'start-job',
        key: `${key}/start`,
        host: name,
        name: jobName,
        uid,
        revision,
        timeoutSeconds: Math.max(1, Math.ceil((step.endsBy - step.now) / 1000)),
      } as const;
      return ask(step, start, `starting Job ${jobName} on ${name}`, progress);
    }
    case 'running':
      return { kind: 'wait', reason: `Job ${found.name} runs on ${name}`, ...(progress ? { progress } : {}) };
    case 'succeeded':
      return DONE;
    case 'failed':
      // The boot id shows whether the host rebooted: the reboot itself may have killed the Job.
      return action === REBOOT ? DONE : failed(jobFailed(step, action, found));
  }
}

function jobFailed({ name }: HostStep, action: string, job: { name: string; failure?: string }): string {
  return `Job ${job.name} for ${action} failed on ${name}: ${job.failure ?? 'no reason is known'}`;
}
