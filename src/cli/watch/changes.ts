/** What has changed between two looks at a strategy, one line each, for output that is no terminal. Pure. */
import { counted } from '../../crds/text/counted.ts';
import type { OpenHost, StatusReport } from '../status/report.ts';
import { STANDING_WORDS } from '../status/report-text.ts';
import { stepWord, stepWords } from '../text/step-words.ts';

export function changesBetween(before: StatusReport | undefined, after: StatusReport): string[] {
  return [
    ...stateLines(before, after),
    ...doneLines(before, after),
    ...stageLines(before, after),
    ...hostLines(before?.open ?? [], after.open),
    ...messageLines(before, after),
    ...findingLines(before, after),
    ...requestLines(before, after),
  ];
}

function stateLines(before: StatusReport | undefined, { state, standing }: StatusReport): string[] {
  const isSame = before?.state === state && before.standing === standing;
  return isSame ? [] : [`${state}: ${STANDING_WORDS[standing]}`];
}

function doneLines(before: StatusReport | undefined, after: StatusReport): string[] {
  const { hosts, stagesDone, stagesTotal } = after;
  const isSame = before
    ? before.hosts.done === hosts.done && before.stagesDone === stagesDone
    : hosts.total === 0;
  if (isSame) return [];
  return [
    `${String(hosts.done)} of ${counted(hosts.total, 'host')}, ${String(stagesDone)} of ${counted(stagesTotal, 'stage')} done`,
  ];
}

function stageLines(before: StatusReport | undefined, { stage }: StatusReport): string[] {
  if (!stage?.step) return [];
  const old = before?.stage;
  if (old?.id === stage.id && old.attempt === stage.attempt && old.step === stage.step) return [];
  const attempt = stage.attempt > 1 ? `, attempt ${String(stage.attempt)}` : '';
  return [`stage ${String(stage.id)}${attempt}: ${stepWords(stage.step)}`];
}

function hostLines(before: readonly OpenHost[], after: readonly OpenHost[]): string[] {
  const old = new Map(before.map((host) => [host.name, host]));
  const now = new Set(after.map(({ name }) => name));
  const changed = after.filter((host) => {
    const known = old.get(host.name);
    return host.reason !== known?.reason || host.failed !== known.failed;
  });
  return [
    ...before.filter(({ name }) => !now.has(name)).map(({ name }) => `${name}: no longer worked on`),
    ...changed
      .filter(({ reason, failed }) => reason !== '' || failed)
      .map(
        ({ name, step, failed, reason }) => `${name}: ${stepWord(step)}${failed ? ' failed' : ''}: ${reason}`,
      ),
  ];
}

/** While hosts are worked on, the message is made of their reasons. */
function messageLines(before: StatusReport | undefined, { message, stage, open }: StatusReport): string[] {
  const isTold = stage !== undefined && open.length > 0;
  return isTold || message === '' || message === before?.message ? [] : [message];
}

function findingLines(before: StatusReport | undefined, after: StatusReport): string[] {
  const known = new Set(before?.findings.map(({ message }) => message));
  return after.findings
    .filter(({ message }) => !known.has(message))
    .map(({ severity, message, remedy }) => `${severity}: ${message}; to do: ${remedy}`);
}

function requestLines(before: StatusReport | undefined, { lastRequest }: StatusReport): string[] {
  if (!lastRequest) return [];
  const { id, verb = 'unreadable', answer, message } = lastRequest;
  const old = before?.lastRequest;
  if (old?.id === id && old.answer === answer) return [];
  return [`request ${verb} (${id}) ${answer}: ${message}`];
}
