/**
 * Hosts that are not staged when their turn to be upgraded comes: they left while an upgrade staged them, or a fact shows
 * that they are not staged any more. They are not upgraded in this run, since no host is locked before it is staged. The
 * strategy then says that they lack the release.
 */
import type { StageStatus } from '../crds/strategy-status.ts';
import { ROLES } from '../crds/vocabulary.ts';
import { STAGE_OF } from '../planner/careen-profile.ts';
import type { HostName } from '../planner/facts.ts';
import { isLacking } from '../planner/work.ts';
import { remainingHosts } from './leavers.ts';
import type { Pass } from './pass.ts';
import type { StagesAtHand } from './run-state.ts';

/** The hosts that left in these stages before they were staged, and in the parts of the plan before. */
export function unstagedHosts({ stages, earlier }: StagesAtHand): readonly HostName[] {
  const staging = stages.filter(({ name }) => name === 'sw-upgrade-stage-hosts');
  const left = staging.flatMap((stage) => (stage.left ?? []).map(({ name }) => name));
  return [...new Set([...(earlier?.unstaged ?? []), ...left])];
}

/** Leaves such hosts out of the stage whose hosts are about to be taken. */
export function recordUnstaged(pass: Pass, stage: StageStatus): void {
  const role = ROLES.find((each) => STAGE_OF.upgrade[each] === stage.name);
  const { patches } = pass.plan.actions;
  const [staging, upgrade] = (['stage', 'upgrade'] as const).map((kind) =>
    patches.find((work) => work.kind === kind && work.role === role),
  );
  if (role === undefined || !staging || !upgrade) return;
  const left = new Set(unstagedHosts(pass.run.apply));
  const isOpen = (name: HostName): boolean => pass.run.hosts.some((each) => each.name === name);
  for (const name of remainingHosts(stage).filter((each) => !isOpen(each))) {
    const facts = pass.turn.view.host(name)?.facts;
    const isLost =
      facts && staging.current.length > 0 && isLacking(staging, facts) && isLacking(upgrade, facts);
    if (!left.has(name) && isLost !== true) continue;
    const reason = left.has(name) ? `${name} left before it was staged` : `${name} is not staged any more`;
    stage.left = [...(stage.left ?? []), { name, reason }];
  }
}
