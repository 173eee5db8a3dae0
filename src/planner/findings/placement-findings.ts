/** The findings about the places for the instances on the hosts of a plan: which find none while their host is away. */
import type { Finding } from '../../crds/observed/finding.ts';
import { counted } from '../../crds/text/counted.ts';
import { listed } from '../listed.ts';
import type { Stage } from '../plan.ts';
import type { PlacementForecast, Situation, Unplaced } from './situation.ts';

type Judged = { readonly id: number; readonly stage: Stage; readonly forecast: PlacementForecast };

/** Each stage is judged by itself: where the instances are before the first of them. */
export function placementFindings(
  situation: Pick<Situation, 'placement' | 'stages' | 'pool' | 'words'>,
): Finding[] {
  const judged = situation.stages.flatMap((stage, id): Judged[] => {
    const forecast = stage.level === 'away' ? situation.placement?.(stage.hosts) : undefined;
    return forecast ? [{ id, stage, forecast }] : [];
  });
  return [...withoutTarget(situation, judged), ...shortOfRoom(situation, judged), ...roomUnknown(judged)];
}

function withoutTarget({ words }: Pick<Situation, 'words'>, judged: readonly Judged[]): Finding[] {
  const all = judged.flatMap(({ forecast }) => forecast.unplaced.filter(({ alone }) => alone));
  const [first] = all;
  if (!first) return [];
  const hosts = hostsOf(all);
  const more = all.length > 1 ? `, and ${counted(all.length - 1, 'other')} can go nowhere either` : '';
  return [
    {
      severity: 'warns',
      reason: 'NoTarget',
      subjects: hosts,
      message: `the drain of ${listed(hosts)} waits until its deadline: ${words.instance(first)} ${first.why}${more}`,
      remedy: first.remedy,
    },
  ];
}

/** Names the stage that lacks the most. */
function shortOfRoom(
  { pool, words }: Pick<Situation, 'pool' | 'words'>,
  judged: readonly Judged[],
): Finding[] {
  const short = judged.map((each) => ({
    ...each,
    left: each.forecast.unplaced.filter(({ alone }) => !alone),
  }));
  const [worst] = short.toSorted((a, b) => b.left.length - a.left.length || a.id - b.id);
  const [first] = worst?.left ?? [];
  if (!worst || !first) return [];
  const { id, stage, left, forecast } = worst;
  const others = short.filter((each) => each.left.length > 0).length - 1;
  const more = others > 0 ? `; so it is in ${counted(others, 'other stage')}` : '';
  return [
    {
      severity: 'warns',
      reason: 'CapacityShort',
      subjects: hostsOf(short.flatMap((each) => each.left)),
      message:
        `stage ${String(id)} takes ${listed(stage.hosts)} out of service, and the other hosts have no place for ` +
        `${String(left.length)} of the ${words.instances(forecast.seeking)} there: ${words.instance(first)} ${first.why}${more}`,
      remedy:
        `make room on the other hosts, or take fewer out of service at once: a smaller maxUnavailable of HostPool ${pool.name}, ` +
        'or maxParallelWorkerHosts of the strategy',
    },
  ];
}

function roomUnknown(judged: readonly Judged[]): Finding[] {
  const unknown = judged.find(({ forecast }) => forecast.seeking > 0 && forecast.roomUnknown !== undefined);
  if (!unknown) return [];
  return [
    {
      severity: 'tells',
      reason: 'CapacityUnknown',
      subjects: [],
      message: `whether the other hosts have room was not checked: ${unknown.forecast.roomUnknown ?? ''}`,
      remedy: 'let Careen ask Placement (docs/guides/openstack.md), or see for yourself',
    },
  ];
}

function hostsOf(unplaced: readonly Unplaced[]): string[] {
  return [...new Set(unplaced.map(({ host }) => host))];
}
