/** Which stages of an upgrade cannot be undone by `spec.rollback`. Pure. */
import type { Finding } from '../../crds/observed/finding.ts';
import type { TargetRelease } from '../../crds/spec/strategy-spec.ts';
import { ROLES } from '../../crds/vocabulary.ts';
import { STAGE_OF } from '../careen-profile.ts';
import { listed } from '../listed.ts';
import type { Stage } from '../plan.ts';
import type { Situation } from './situation.ts';

type Told = { readonly spec: Pick<Situation['spec'], 'release'> } & Pick<Situation, 'stages'>;

export function wayBackFindings({ spec, stages }: Told): Finding[] {
  if (!spec.release || spec.release.rollback) return [];
  return [...started(stages), ...withoutRollback(spec.release, stages), ...activation(stages)];
}

function started(stages: readonly Stage[]): Finding[] {
  return idsOf(stages, 'sw-upgrade-start').map((id) => ({
    severity: 'tells',
    reason: 'NoWayBack',
    subjects: [...(stages[id]?.hosts ?? [])],
    message: `what stage ${String(id)} does cannot be undone: spec.rollback brings hosts back, and not what spec.start did`,
    remedy: 'make sure that hosts can be brought back after it, or undo it by hand',
  }));
}

function withoutRollback({ fact, waysBack = [] }: TargetRelease, stages: readonly Stage[]): Finding[] {
  return ROLES.filter((role) => !waysBack.includes(role)).flatMap((role): Finding[] => {
    const ids = idsOf(stages, STAGE_OF.upgrade[role]);
    if (ids.length === 0) return [];
    const [why, remedy] =
      fact === undefined
        ? [
            'nothing shows which hosts have the release',
            `give spec.release.fact and spec.hosts.${role}.rollback`,
          ]
        : [`spec.hosts.${role} has no rollback`, `give spec.hosts.${role}.rollback`];
    return [
      {
        severity: 'tells',
        reason: 'NoWayBack',
        subjects: ids.flatMap((id) => stages[id]?.hosts ?? []),
        message: `what ${stagesText(ids)} ${ids.length === 1 ? 'does' : 'do'} cannot be undone: ${why}`,
        remedy: `${remedy}, if there is a way back to the release before`,
      },
    ];
  });
}

function activation(stages: readonly Stage[]): Finding[] {
  const [id] = idsOf(stages, 'sw-upgrade-complete');
  if (id === undefined) return [];
  return [
    {
      severity: 'tells',
      reason: 'NoWayBack',
      subjects: [...(stages[id]?.hosts ?? [])],
      message: `once stage ${String(id)} has begun, spec.rollback is refused: the release is activated`,
      remedy:
        id === 0
          ? 'leave execution.mode at Hold, if somebody is to look first'
          : 'set execution.throughStage to the stage before, if somebody is to look first',
    },
  ];
}

function idsOf(stages: readonly Stage[], name: Stage['name']): number[] {
  return stages.flatMap((stage, id) => (stage.name === name ? [id] : []));
}

function stagesText(ids: readonly number[]): string {
  return ids.length === 1 ? `stage ${String(ids[0])}` : `stages ${listed(ids.map(String))}`;
}
