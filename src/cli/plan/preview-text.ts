/** A preview as text for people. Pure. */
import { counted } from '../../crds/counted.ts';
import type { Preview, StagePreview } from './preview.ts';
import { duration, table, WIDTH, wrap } from '../text/text-table.ts';

const LEVELS = { away: 'taken out of service', touched: 'patched in place' } as const;

export function previewText(preview: Preview): string[] {
  return [
    ...wrap(title(preview), WIDTH),
    ...(preview.stages.length > 0
      ? ['', ...stageTable(preview.stages), '', ...stepLists(preview.stages)]
      : []),
    ...findingLines(preview),
    '',
    ...wrap(summary(preview), WIDTH),
    ...(preview.stages.length > 0 ? [`plan ${preview.planDigest}`] : []),
  ];
}

/** Names the strategy, the pool, its number of hosts and its limit. */
export function title({ strategy, pool }: Pick<Preview, 'strategy' | 'pool'>): string {
  return (
    `${strategy.namespace}/${strategy.name} on HostPool ${pool.name}: ${counted(pool.hosts, 'host')}, ` +
    `at most ${String(pool.limit)} out of service at once`
  );
}

function stageTable(stages: readonly StagePreview[]): string[] {
  const rows = stages.map(({ id, name, hosts, patches, estimatedSeconds, timeoutSeconds }) => [
    String(id),
    name,
    hosts.join(', '),
    patches.length > 1 ? `${String(patches.length)} patches` : patches.join(),
    duration(estimatedSeconds),
    duration(timeoutSeconds),
  ]);
  return table(['STAGE', 'NAME', 'HOSTS', 'PATCH', 'ABOUT', 'AT MOST'], rows, 2);
}

/** Stages of one level have the same steps, with the same timeouts. */
function stepLists(stages: readonly StagePreview[]): string[] {
  return [...Map.groupBy(stages, ({ level }) => level)].flatMap(([level, ofLevel]) => {
    const steps = ofLevel[0]?.steps ?? [];
    const text = steps.map(({ name, timeoutSeconds }) => `${name} ${duration(timeoutSeconds)}`).join(', ');
    const patches = [...new Set(ofLevel.flatMap((stage) => stage.patches))].join(', ');
    const which = `${ofLevel.length === 1 ? 'Stage' : 'Stages'} ${ranges(ofLevel.map(({ id }) => id))}`;
    return indented(`${which}: hosts are ${LEVELS[level]} for ${patches}, in these steps, at most:`, text);
  });
}

/** `0 to 3, 5` */
function ranges(ids: readonly number[]): string {
  const all = new Set(ids);
  const starts = ids.filter((id) => !all.has(id - 1));
  const ends = ids.filter((id) => !all.has(id + 1));
  return starts
    .map((start, at) => (start === ends[at] ? String(start) : `${String(start)} to ${String(ends[at])}`))
    .join(', ');
}

/** The findings, each after an empty line. */
export function findingLines({ findings }: Pick<Preview, 'findings'>): string[] {
  return findings.flatMap(({ severity, message, remedy }) => [
    '',
    ...indented(`${severity}: ${message}`, `to do: ${remedy}`),
  ]);
}

function indented(first: string, then: string): string[] {
  return [...wrap(first, WIDTH), ...wrap(then, WIDTH - 2).map((line) => `  ${line}`)];
}

function summary({ stages, estimate, findings }: Preview): string {
  const blocking = findings.filter(({ severity }) => severity === 'blocks').length;
  if (stages.length === 0)
    return blocking > 0
      ? `No plan is made: ${counted(blocking, 'finding')} to mend first`
      : 'Nothing to do: no host of the pool lacks a patch and may be planned';
  const hosts = stages.reduce((sum, stage) => sum + stage.hosts.length, 0);
  return (
    `${counted(hosts, 'host')} in ${counted(stages.length, 'stage')}, about ${duration(estimate.seconds)}, ` +
    `at most ${duration(estimate.atMostSeconds)} (timeouts)` +
    (blocking > 0 ? `; ${counted(blocking, 'finding')} to mend before it can run` : '')
  );
}
