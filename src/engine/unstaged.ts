/**
 * Hosts that left while an upgrade staged them. One that comes back is not staged, so it is not upgraded in this run: no
 * host is locked before it is staged. The strategy then says that it lacks the release.
 */
import type { StageStatus } from '../crds/strategy-status.ts';
import type { HostName } from '../planner/facts.ts';
import { ROLES } from '../crds/vocabulary.ts';
import { STAGE_OF } from '../planner/careen-profile.ts';
import { countsHosts } from '../planner/plan.ts';
import { isLacking } from '../planner/work.ts';
import { editStage, type Pass } from './pass.ts';
import { currentStage, type StagesAtHand } from './run-state.ts';
import { stagesFrom } from './stage-folds.ts';

/** The hosts that left in these stages before they were staged, and in the parts of the plan before. */
export function unstagedHosts({ stages, earlier }: StagesAtHand): readonly HostName[] {
  const left = stages.filter(isStaging).flatMap((stage) => (stage.left ?? []).map(({ name }) => name));
  return [...new Set([...(earlier?.unstaged ?? []), ...left])];
}

function isStaging({ name }: Pick<StageStatus, 'name'>): boolean {
  return name === 'sw-upgrade-stage-hosts';
}

/** Leaves such hosts out of the stages that upgrade them, and those whose facts show that they are not staged any more. */
export function recordUnstaged(pass: Pass): void {
  const { run, plan } = pass;
  if (run.state !== 'applying' || !plan.actions.release) return;
  const unstaged = [...unstagedHosts(run.apply), ...lostStaging(pass)];
  if (unstaged.length === 0) return;
  for (const stage of stagesFrom(run.apply, run.apply.currentStage).filter(countsHosts)) {
    const { id, hosts = [], left = [] } = stage;
    const known = new Set([...run.hosts, ...left].map(({ name }) => name));
    const ended = unstaged.filter((name) => hosts.includes(name) && !known.has(name));
    const edited = ended.length > 0 ? editStage(run.apply, id) : undefined;
    if (edited)
      edited.left = [
        ...left,
        ...ended.map((name) => ({
          name,
          reason: `${name} left before it was staged, or is not staged any more`,
        })),
      ];
  }
}

/** The hosts of the stage that begins now of which a fact shows that they are not staged, and lack the release. */
function lostStaging({ run, plan, turn }: Pass): HostName[] {
  const stage = currentStage(run.apply);
  const role = ROLES.find((each) => STAGE_OF.upgrade[each] === stage?.name);
  if (!stage || role === undefined || stage.steps[stage.currentStep]?.name !== 'query-alarms') return [];
  const { patches } = plan.actions;
  const staging = patches.find(({ kind, role: of }) => kind === 'stage' && of === role);
  const upgrade = patches.find(({ kind, role: of }) => kind === 'upgrade' && of === role);
  if (!staging || staging.current.length === 0 || !upgrade) return [];
  return (stage.hosts ?? []).filter((name) => {
    const facts = turn.view.host(name)?.facts;
    return facts !== undefined && isLacking(staging, facts) && isLacking(upgrade, facts);
  });
}
