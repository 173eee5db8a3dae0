/** A preview as text for people. Pure. */
import { strategyWords, type StrategyWords } from '../../crds/text/strategy-words.ts';
import { hostCount, planSize } from '../../planner/plan.ts';
import { counted } from '../../crds/text/counted.ts';
import type { Preview, StagePreview } from './preview.ts';
import { serverLines } from './server-lines.ts';
import { sessionLines, sessionSummary } from './session-text.ts';
import { stepWords } from '../text/step-words.ts';
import { duration, fitsTable, table, WIDTH, wrap } from '../text/text-table.ts';

/** @param terminal the width of the terminal */
export function previewText(preview: Preview, terminal = WIDTH): string[] {
  const width = Math.min(terminal, WIDTH);
  const { stages } = preview;
  const words = strategyWords(preview);
  return [
    ...wrap(title(preview), width),
    ...(preview.session ? ['', ...sessionLines(preview.session, width)] : []),
    ...(stages.length > 0 && !preview.session
      ? [
          ...['', ...stageLines(stages, width, words), ...stepLists(stages, width, words)],
          ...serverTables(stages, width),
        ]
      : []),
    ...findingLines(preview, width),
    ...heldLines(preview, width),
    '',
    ...summary(preview, words).flatMap((line) => wrap(line, width)),
    ...(stages.length > 0 ? [`plan ${preview.planDigest}`] : []),
  ];
}

/** Names the strategy, the pool, its number of hosts and its limit. */
export function title({ strategy, pool }: Pick<Preview, 'strategy' | 'pool'>): string {
  return (
    `${strategy.namespace}/${strategy.name} on HostPool ${pool.name}: ${counted(pool.hosts, 'host')}, ` +
    `at most ${String(pool.limit)} out of service at once`
  );
}

const stageTitles = (piece: string) => ['STAGE', 'NAME', 'HOSTS', piece.toUpperCase(), 'ABOUT'] as const;
const STEP_TITLES = ['STEP', 'ABOUT', 'TIMES OUT AFTER'] as const;

function stageLines(
  stages: readonly StagePreview[],
  width: number,
  { piece, pieces }: StrategyWords,
): string[] {
  const titles = stageTitles(piece);
  const rows = stages.map(({ id, name, hosts, patches, estimatedSeconds }) => [
    String(id),
    name,
    hosts.join(', '),
    patches.length > 1 ? `${String(patches.length)} ${pieces}` : patches.join(),
    duration(estimatedSeconds),
  ]);
  if (fitsTable(titles, rows, 2, width)) return table(titles, rows, 2, width);
  return rows.flatMap(([id, name, hosts = '', patch, about]) =>
    indented(
      `stage ${String(id)}: ${String(name)}`,
      [hosts, `${String(patch)}, about ${String(about)}`],
      width,
    ),
  );
}

/** Stages with the same steps have the same timeouts. The estimate is that of the longest. */
function stepLists(stages: readonly StagePreview[], width: number, { inPlace }: StrategyWords): string[] {
  return [...Map.groupBy(stages, stepsKey)].flatMap(([, alike]) => {
    const patches = [...new Set(alike.flatMap((stage) => stage.patches))].join(', ');
    const isAway = alike.some(({ level }) => level === 'away');
    const which = `${alike.length === 1 ? 'Stage' : 'Stages'} ${ranges(alike.map(({ id }) => id))}`;
    const rows = longestSteps(alike).map(({ name, estimatedSeconds, timeoutSeconds }) => [
      stepWords(name),
      duration(estimatedSeconds),
      duration(timeoutSeconds),
    ]);
    return [
      '',
      ...wrap(
        `${which}: hosts are ${isAway ? 'taken out of service' : inPlace} for ${patches}, in these steps:`,
        width,
      ),
      ...stepLines(rows, width - INDENT.length).map((line) => `${INDENT}${line}`),
    ];
  });
}

function serverTables(stages: readonly StagePreview[], width: number): string[] {
  return stages.flatMap(({ id, hosts, servers = [] }) => {
    if (servers.length === 0) return [];
    const title = `Stage ${String(id)}: what happens to ${counted(servers.length, 'server')} on ${listed(hosts)}:`;
    const lines = serverLines(servers, width - INDENT.length);
    return ['', ...wrap(title, width), ...lines.map((line) => `${INDENT}${line}`)];
  });
}

function stepsKey({ level, steps }: StagePreview): string {
  return [level, ...steps.map(({ name }) => name)].join();
}

function longestSteps(stages: readonly StagePreview[]): StagePreview['steps'] {
  const [longest] = stages.toSorted((a, b) => b.estimatedSeconds - a.estimatedSeconds);
  return longest?.steps ?? [];
}

function stepLines(rows: readonly (readonly string[])[], width: number): string[] {
  if (fitsTable(STEP_TITLES, rows, 0, width)) return table(STEP_TITLES, rows, 0, width);
  return rows.flatMap(([words = '', about, timeout]) =>
    indented(words, [`about ${String(about)}, times out after ${String(timeout)}`], width),
  );
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
export function findingLines({ findings }: Pick<Preview, 'findings'>, width = WIDTH): string[] {
  return findings.flatMap(({ severity, message, remedy }) => [
    '',
    ...indented(`${severity}: ${message}`, [`to do: ${remedy}`], width),
  ]);
}

/** The hosts that a run of the strategy has now: it may have failed and left them locked. */
function heldLines({ holds, strategy }: Preview, width: number): string[] {
  if (holds.length === 0) return [];
  const { namespace, name } = strategy;
  return [
    '',
    ...indented(
      `warns: a run of this strategy holds ${listed(holds)} now, and no other plan is made before it has ended`,
      [
        `to do: careen status ${name} -n ${namespace} says how it goes; when it has failed: careen retry, resume, skip HOST, release HOST or abort`,
      ],
      width,
    ),
  ];
}

function listed(names: readonly string[]): string {
  const more = names.length > NAMED ? ` and ${String(names.length - NAMED)} more` : '';
  return `${names.slice(0, NAMED).join(', ')}${more}`;
}

const NAMED = 5;
const INDENT = '  ';

function indented(first: string, then: readonly string[], width: number): string[] {
  const below = then.flatMap((each) => wrap(each, width - INDENT.length));
  return [...wrap(first, width), ...below.map((line) => `${INDENT}${line}`)];
}

/** The sum of the timeouts is no estimate, so a sentence says what it is. */
function summary(
  { stages, session, estimate, findings, maxUnstagedHosts }: Preview,
  { lacks }: StrategyWords,
): string[] {
  const blocking = findings.filter(({ severity }) => severity === 'blocks').length;
  if (stages.length === 0)
    return [
      blocking > 0
        ? `No plan is made: ${counted(blocking, 'finding')} to mend first`
        : `Nothing to do: no host of the pool ${lacks} and may be planned`,
    ];
  const toMend = blocking > 0 ? `; ${counted(blocking, 'finding')} to mend before it can run` : '';
  if (session) return [sessionSummary(session, estimate.seconds) + toMend];
  const hosts = hostCount(stages);
  return [
    `${planSize(hosts, stages.length)}, about ${duration(estimate.seconds)} without failures${toMend}`,
    ...(maxUnstagedHosts === undefined
      ? []
      : [
          `Up to ${counted(maxUnstagedHosts, 'host')} may fail to be staged, and would be left out of the run`,
        ]),
    `A run in which every step takes until its timeout ends after ${duration(estimate.atMostSeconds)}`,
  ];
}
