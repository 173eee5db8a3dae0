/**
 * Hosts that a request leaves out of a run, such as a dead one. The plan stays as it is: their stages record them like
 * hosts that have left, and their faults hold nothing up.
 */
import type { SkippedHost } from '../../crds/observed/strategy-status.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import { editStage, type Pass } from '../pass.ts';
import { stagesFrom } from '../run/stage-folds.ts';
import { jobAtWork } from '../steps/outage-jobs.ts';

/** Why a host cannot be skipped, and what to do; undefined when it can. */
export function againstSkip(
  host: HostName,
  skipped: readonly SkippedHost[],
  isKnown: boolean,
  pool: string,
): string | undefined {
  if (skipped.some(({ name }) => name === host)) return `${host} is skipped already: nothing more is needed`;
  return isKnown ? undefined : `HostPool ${pool} has no host ${host}: correct its name`;
}

/** Why the run does nothing more on a host; undefined when no request skips it. */
export function skippedBecause(
  { run }: { readonly run: Pick<Pass['run'], 'skipped'> },
  host: HostName,
): string | undefined {
  const skip = run.skipped.find(({ name }) => name === host);
  return skip && `${host} was skipped at the request ${skip.request}`;
}

/** Records the skipped hosts that are in no outage in their stages, also in those that have not begun. */
export function recordSkipped(pass: Pass): void {
  const { run, profile } = pass;
  if (!profile.goesOnWithoutLeavers || run.state === 'aborting') return;
  if (run.skipped.length === 0) return;
  for (const { id, hosts = [], left = [] } of stagesFrom(run.apply, run.apply.currentStage)) {
    const ended = hosts.flatMap((name) => {
      const reason = skippedBecause(pass, name);
      const isOpen = [...run.hosts, ...left].some((each) => each.name === name);
      return reason === undefined || isOpen ? [] : [{ name, reason }];
    });
    const stage = ended.length > 0 ? editStage(run.apply, id) : undefined;
    if (stage) stage.left = [...left, ...ended];
  }
}

/** The answer to a request that skips a host: the effect, and the next command that the person needs. */
export function skipMessage({ run, turn }: Pass, host: HostName): string {
  const outage = run.hosts.find(({ name }) => name === host);
  const job = outage && jobAtWork(turn.view, turn.owner, outage);
  const hasFailed = run.state === 'apply-failed' || run.state === 'apply-timeout';
  return [
    `${host} is left out of the rest of this run`,
    ...(job === undefined ? [] : [`Job ${job} must end there first: on a dead host delete it`]),
    ...(hasFailed ? ['then place the request retry to go on with the others'] : []),
  ].join('; ');
}
