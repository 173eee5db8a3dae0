/** Work that a person does on a host: its deadline is recorded first, then a request that says that it is done is awaited. */
import type { HostProgress, ManualWork } from '../../crds/observed/host-progress.ts';
import { REQUEST_ANNOTATION } from '../../crds/names.ts';
import type { OwnerRef } from '../../crds/owner-ref.ts';
import type { ManualAction } from '../../crds/spec/host-action.ts';
import type { Instant } from '../view.ts';
import { DONE, failed, type HostStep, type Verdict } from './verdict.ts';

/**
 * Awaits the work of a person, as a Job is awaited: an abort waits for it, too, since somebody may be at the host. Its
 * result is recorded before it is judged.
 */
export function awaitPerson(
  step: HostStep,
  outage: HostProgress,
  action: string,
  manual: ManualAction,
): Verdict {
  const found = outage.manual?.find((each) => each.action === action);
  if (!found) return askPerson(step, outage, action, manual);
  const { name } = step;
  switch (found.result) {
    case undefined:
      return {
        kind: 'wait',
        reason: waitsFor(step, found, manual),
        until: Date.parse(found.deadline),
        obstacle: 'WaitingForPerson',
      };
    case 'done':
    case 'proceeded':
      return DONE;
    case 'failed':
      return failed(`${action} failed on ${name}: request ${found.request ?? ''} says so`);
    case 'overdue':
      return failed(`nobody said by ${found.deadline} that ${action} is done on ${name}`);
  }
}

/** Begins to wait. The deadline never lies behind that of the step: what is to happen then is decided by the action. */
function askPerson(step: HostStep, outage: HostProgress, action: string, manual: ManualAction): Verdict {
  const { now, endsBy } = step;
  const deadline = Math.min(now + manual.timeoutSeconds * 1000, endsBy);
  const begun = { action, since: timeOf(now), deadline: timeOf(deadline) };
  return {
    kind: 'act',
    effects: [],
    reason: waitsFor(step, begun, manual),
    progress: { manual: [...(outage.manual ?? []), begun] },
    obstacle: 'WaitingForPerson',
  };
}

function timeOf(instant: Instant): string {
  return new Date(instant).toISOString();
}

function waitsFor({ name, owner }: HostStep, work: ManualWork, { message, onTimeout }: ManualAction): string {
  const what = message === undefined ? '' : ` (${message})`;
  const then = onTimeout === 'fail' ? 'fails' : 'goes on';
  return (
    `${name} waits until ${work.deadline} for a person to do ${work.action}${what}, then it ${then}; when it is done: ` +
    `careen done ${name} ${owner.name} -n ${owner.namespace}, or ${annotateCommand(owner, name, work)}`
  );
}

/** Its id is the same each time, so a repetition is no second request; and another one for each time that a host waits. */
function annotateCommand(
  { kind, namespace, name }: OwnerRef,
  host: string,
  { action, since }: ManualWork,
): string {
  const id = `done-${host.slice(0, 45)}-${Date.parse(since).toString(36)}`;
  const request = JSON.stringify({ id, verb: 'done', host, action });
  return `kubectl annotate --overwrite -n ${namespace} ${kind.toLowerCase()}/${name} ${REQUEST_ANNOTATION}='${request}'`;
}

/** The work that a host waits for now: one piece at a time. */
export function openManual({ manual = [] }: Pick<HostProgress, 'manual'>): ManualWork | undefined {
  return manual.find(({ result }) => result === undefined);
}

/** Whether the run goes on as after success. */
export function isManualDone({ result }: ManualWork): boolean {
  return result === 'done' || result === 'proceeded';
}

/** An outage in which the work that it waits for has ended so. */
export function withManualEnded(
  outage: HostProgress,
  ending: Required<Pick<ManualWork, 'result'>> & Pick<ManualWork, 'request'>,
): HostProgress {
  const open = openManual(outage);
  const ended = outage.manual?.map((each) => (each === open ? { ...each, ...ending } : each));
  return { ...outage, ...(ended ? { manual: ended } : {}) };
}
