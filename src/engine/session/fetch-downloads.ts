/** The downloads of a session: fetched and checked before its first project is told. */
import type { RunJudge } from '../pass.ts';
import { runningStep, type RunState } from '../run/run-state.ts';
import { DONE, failed } from '../steps/verdict.ts';
import { sessionOf } from './session-of.ts';

/** Waits for the downloads, and records where each is stored. One that cannot be had fails the session. */
export const fetchDownloads: RunJudge = (pass) => {
  const { terms } = sessionOf(pass);
  const waiting: string[] = [];
  let until = Infinity;
  for (const { name } of terms.downloads ?? []) {
    const { session } = sessionOf(pass);
    const { downloads = [] } = session;
    if (downloads.some((each) => each.name === name)) continue;
    const facts = pass.turn.downloads?.get(name);
    switch (facts?.kind) {
      case 'stored':
        pass.run.session = { ...session, downloads: [...downloads, facts.stored] };
        break;
      case 'failed':
        return failed(`download ${name} failed: ${facts.reason}`);
      case 'later':
        waiting.push(`download ${name} is tried again: ${facts.reason}`);
        until = Math.min(until, facts.retryAt);
        break;
      default:
        waiting.push(`download ${name} is fetched`);
    }
  }
  if (waiting.length === 0) return DONE;
  return {
    ...{ kind: 'blocked', reason: waiting.join('; ') },
    ...(Number.isFinite(until) ? { until } : {}),
  };
};

/** Whether the session waits for its downloads now. */
export function awaitsDownloads(run: RunState): boolean {
  return run.state === 'applying' && runningStep(run)?.step.name === 'fetch-downloads';
}
