import type { EffectFacts } from '../view.ts';
import { ask, jobKey, type HostStep, type Verdict } from './verdict.ts';

/**
 * Makes a Job again what it was, after somebody changed it. A suspended Job is not started before that; a running one
 * is awaited in any case. Undefined when nothing is to be done.
 */
export function mendJob(
  step: HostStep,
  action: string,
  { name, uid, state, altered }: EffectFacts,
): Exclude<Verdict, { kind: 'done' }> | undefined {
  if (altered === undefined) return undefined;
  const what = `somebody changed Job ${name} on ${step.name} (${altered})`;
  const effect = jobKey(step, action);
  // A change that cannot be undone is refused once, and is asked for again when more is changed or a pod fails.
  const key = `${effect}/mend/${uid}/${altered}`;
  const timeoutSeconds = Math.max(1, Math.ceil((step.endsBy - step.now) / 1000));
  const mend = { kind: 'mend-job', key, host: step.name, name, uid, effect, action, timeoutSeconds } as const;
  const verdict = ask(step, mend, `${what}: changing it back`);
  if (state !== 'running' || verdict.kind === 'act') return verdict;
  return { kind: 'wait', reason: `Job ${name} runs on ${step.name}; ${what}` };
}
