/** The results of work that persons do: what a request says, or that its time is over. */
import type { HostProgress } from '../../crds/observed/host-progress.ts';
import type { Pass } from '../pass.ts';
import { isManualDone, openManual, withManualEnded } from '../steps/manual-work.ts';
import type { RunRequest } from '../turn.ts';

type Done = Extract<RunRequest, { verb: 'done' }>;

/** Why a request that work is done says nothing that somebody waits for, and what would be right. */
export function againstDone({ run }: Pass, { host, action }: Done): string | undefined {
  const outage = run.hosts.find(({ name }) => name === host);
  if (!outage) return `this run holds no host ${host}`;
  const open = openManual(outage);
  if (!open) return notAwaited(outage);
  return action === undefined || action === open.action
    ? undefined
    : `${host} does not wait for ${action}, but for ${open.action}`;
}

function notAwaited({ name, manual = [] }: HostProgress): string {
  const late = manual.find((each) => !isManualDone(each));
  return late
    ? `${late.action} on ${name} is not waited for any more: place the request resume if it is done, or retry to ask for it again`
    : `${name} does not wait for a person: nothing is needed`;
}

/** Records what the request says. */
export function recordDone({ run }: Pass, { id, host, failed = false }: Done): void {
  const result = failed ? 'failed' : 'done';
  run.hosts = run.hosts.map((each) =>
    each.name === host ? withManualEnded(each, { result, request: id }) : each,
  );
}

/** Records the work whose time is over. Requests come first: what was said before this pass counts. */
export function recordOverdue(pass: Pass): void {
  const { run, turn } = pass;
  const isOver = (outage: HostProgress): boolean => {
    const open = openManual(outage);
    return open !== undefined && turn.now >= Date.parse(open.deadline);
  };
  if (!run.hosts.some(isOver)) return;
  run.hosts = run.hosts.map((each) =>
    isOver(each) ? withManualEnded(each, { result: resultOf(pass, each) }) : each,
  );
}

function resultOf({ plan }: Pass, outage: HostProgress): 'overdue' | 'proceeded' {
  const id = openManual(outage)?.action;
  const work = plan.actions.patches.find((each) => each.id === id);
  return work?.action.manual?.onTimeout === 'proceed' ? 'proceeded' : 'overdue';
}
