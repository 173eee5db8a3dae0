import type { SuspendedJob } from '../../hostops/port.ts';
import type { PassContext } from './pass-context.ts';
import { performEffects } from './perform-effects.ts';
import { runOf } from '../../status/codec.ts';

/**
 * Removes Jobs of the strategy that were made and will never be started: of a run before, of a host that was given
 * back, or made late by an operator that leads no more. They are suspended, so nothing is lost with them.
 */
export async function sweepJobs(context: PassContext): Promise<void> {
  const { deps, strategy, epoch, attachment, signal } = context;
  const { namespace, name, uid } = strategy.metadata;
  const run = runOf(strategy.status);
  const isWanted = ({ run: of, host }: SuspendedJob): boolean =>
    of === run?.id && run.hosts.some((outage) => outage.name === host);
  for (const job of deps.hosts.suspendedJobs(namespace, uid).filter((each) => !isWanted(each))) {
    const { host, run: of, name: jobName, uid: jobUid, revision } = job;
    const key = [of, 'sweep', host, jobUid, revision].join('/');
    if (attachment.outcomes.all.has(key)) continue; // refused, or on its way: the watch tells when it is gone
    const effect = { kind: 'delete-job', key, host, name: jobName, uid: jobUid, revision } as const;
    await performEffects(context, [effect], { strategy: { namespace, name, uid }, run: of, epoch }, signal);
  }
}
