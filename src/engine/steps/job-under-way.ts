import type { HostProgress } from '../../crds/patch-strategy-status.ts';
import { effectKey } from '../effect.ts';
import type { View } from '../view.ts';

/**
 * The Job of an outage that still runs on its host: until it has ended, which its own deadline sees to, the host is not
 * given back and no other attempt begins. It may be one of an attempt before.
 */
export function jobUnderWay(
  view: View,
  run: string,
  stage: number,
  { name, attempt, jobs = [] }: HostProgress,
): string | undefined {
  for (const job of jobs)
    for (let of = attempt; of >= 1; of -= 1) {
      const found = view.effect(effectKey(run, stage, 'sw-patch-hosts', name, job.action, of));
      if (found?.uid === job.uid && found.state === 'running') return job.name;
    }
  return undefined;
}
