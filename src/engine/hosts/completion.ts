/**
 * What rests on hosts that have the release. `activate` and `complete` are for all hosts, and a storage host or worker
 * must not be newer than the controllers: while such hosts that the run left out lack the release, the stage waits for a
 * person. A request skip-host is the decision to go on without a host.
 */
import { strategyWords } from '../../crds/text/strategy-words.ts';
import type { StageStatus } from '../../crds/observed/strategy-status.ts';
import type { StageName } from '../../crds/vocabulary.ts';
import { STAGE_OF } from '../../planner/careen-profile.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import { listed } from '../../planner/listed.ts';
import { lacksRelease } from '../../planner/hosts/work.ts';
import type { Pass } from '../pass.ts';
import { leftOutHosts } from './unstaged.ts';

const AFTER_CONTROLLERS: ReadonlySet<StageName> = new Set([
  STAGE_OF.upgrade.storage,
  STAGE_OF.upgrade.worker,
]);

/**
 * Why a stage that rests on hosts that were left out does not begin, and what a person can do; undefined when nothing is
 * against it.
 */
export function againstCompletion({ plan, run, turn }: Pass, stage: StageStatus): string | undefined {
  const { release } = plan.actions;
  if (!release || release.rollback || stage.inProgress) return undefined;
  const ofAll = stage.name === 'sw-upgrade-complete';
  if (!ofAll && !AFTER_CONTROLLERS.has(stage.name)) return undefined;
  const restsOn = (host: HostName): boolean => ofAll || turn.view.fleet.controllers.all.has(host);
  const isSkipped = (host: string): boolean => run.skipped.some(({ name }) => name === host);
  const lacking = leftOutHosts(run.apply).filter((name) => {
    const host = turn.view.host(name);
    return restsOn(name) && host?.isMember === true && !isSkipped(name) && lacksRelease(release, host.facts);
  });
  if (lacking.length === 0) return undefined;
  const { lacks, lack } = strategyWords(plan.actions);
  const [one, all] = lacking.length === 1 ? ['it', 'it'] : ['each', 'them'];
  // Where no fact shows the release, nobody would see that somebody brought the host to it.
  const bring = release.fact === undefined ? '' : `bring ${all} to the release, or `;
  const left = lacking.length === 1 ? `${lacks} and was` : `${lack} and were`;
  return `${listed(lacking)} ${left} left out: ${bring}place the request skip-host for ${one}`;
}
