/**
 * Hosts that left while an upgrade staged them. One that comes back is not staged, so it is not upgraded in this run: no
 * host is locked before it is staged. The strategy then says that it lacks the release.
 */
import type { StageStatus } from '../crds/strategy-status.ts';
import type { HostName } from '../planner/facts.ts';
import { countsHosts } from '../planner/plan.ts';
import { editStage, type Pass } from './pass.ts';
import type { StagesAtHand } from './run-state.ts';
import { stagesFrom } from './stage-folds.ts';

/** The hosts that left in these stages before they were staged, and in the parts of the plan before. */
export function unstagedHosts({ stages, earlier }: StagesAtHand): readonly HostName[] {
  const left = stages.filter(isStaging).flatMap((stage) => (stage.left ?? []).map(({ name }) => name));
  return [...new Set([...(earlier?.unstaged ?? []), ...left])];
}

function isStaging({ name }: Pick<StageStatus, 'name'>): boolean {
  return name === 'sw-upgrade-stage-hosts';
}

/** Leaves such hosts out of the stages that upgrade them. */
export function recordUnstaged({ run }: Pass): void {
  const unstaged = run.state === 'applying' ? unstagedHosts(run.apply) : [];
  if (unstaged.length === 0) return;
  for (const stage of stagesFrom(run.apply, run.apply.currentStage).filter(countsHosts)) {
    const { id, hosts = [], left = [] } = stage;
    const known = new Set([...run.hosts, ...left].map(({ name }) => name));
    const ended = unstaged.filter((name) => hosts.includes(name) && !known.has(name));
    const edited = ended.length > 0 ? editStage(run.apply, id) : undefined;
    if (edited)
      edited.left = [
        ...left,
        ...ended.map((name) => ({ name, reason: `${name} left before it was staged` })),
      ];
  }
}
