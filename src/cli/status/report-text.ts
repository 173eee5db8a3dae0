/** The screen of a strategy, in any number of columns. Pure. */
import { strategyWords } from '../../crds/text/strategy-words.ts';
import { counted } from '../../crds/text/counted.ts';
import {
  commandLines,
  EMPTY,
  indented,
  labelled,
  span,
  table,
  wrapped,
  type Line,
  type Span,
} from '../text/lines.ts';
import type { Style } from '../text/style.ts';
import { lasted, since } from '../text/since.ts';
import { stepWord, stepWords } from '../text/step-words.ts';
import { duration } from '../text/text-table.ts';
import type { Advice } from './advice.ts';
import type { HostCounts } from './progress.ts';
import type { ShownStage, StatusReport } from './report.ts';
import type { Standing } from './standing.ts';

export const STANDING_STYLES: Readonly<Record<Standing, Style>> = {
  done: 'green',
  working: 'bold',
  waits: 'yellow',
  failed: 'red',
};

export const STANDING_WORDS: Readonly<Record<Standing, string>> = {
  done: 'done',
  working: 'working',
  waits: 'waits for a person',
  failed: 'cannot continue',
};

const MOST_HOSTS = 12;
const MOST_STAGES = 8;
const WIDEST = 120;

export function reportLines(report: StatusReport, now: number, width: number): Line[] {
  const columns = Math.min(width, WIDEST);
  const parts = [
    headLines(report, now, columns),
    messageLines(report, columns),
    projectLines(report, now, columns),
    hostLines(report, now, columns),
    stageLines(report, columns),
    findingLines(report, columns),
    adviceLines([...report.blockers, ...report.todo], columns),
    requestLines(report, now, columns),
  ];
  return parts
    .filter((lines) => lines.length > 0)
    .flatMap((lines, at) => (at === 0 ? lines : [EMPTY, ...lines]));
}

/** The name, the state, the bar and the times. */
export function headLines(report: StatusReport, now: number, columns: number): Line[] {
  const { namespace, name, pool, hosts } = report;
  return [
    ...wrapped([span(`${namespace}/${name}`, 'bold'), span(`on HostPool ${pool}`)], columns),
    ...wrapped(stateSpans(report, now), columns, 2),
    ...(hosts.total > 0 ? barLines(hosts, columns) : []),
    ...timeLines(report, columns),
  ];
}

function stateSpans(
  { standing, state, stage, stagesDone, stagesTotal, mode, session }: StatusReport,
  now: number,
): Line {
  const style = STANDING_STYLES[standing];
  const running = stage
    ? [
        span(`stage ${String(stage.id)}${stage.attempt > 1 ? ` (attempt ${String(stage.attempt)})` : ''}:`),
        ...(stage.step ? [span(stepWords(stage.step), 'bold')] : []),
        ...(stage.since === undefined ? [] : [span(`since ${since(stage.since, now)};`)]),
      ]
    : [];
  // Nobody knows how many stages a session will have.
  if (session)
    return [
      ...[span(`${state}:`, style), span(`${STANDING_WORDS[standing]};`, style), ...running],
      ...[span(`${session.state};`, 'bold'), span(`mode ${mode}`)],
    ];
  const stages =
    stagesTotal > 0 ? [span(`${String(stagesDone)} of ${counted(stagesTotal, 'stage')} done,`)] : [];
  return [
    span(`${state}:`, style),
    span(`${STANDING_WORDS[standing]};`, style),
    ...running,
    ...stages,
    span(`mode ${mode}`),
  ];
}

/** While hosts are worked on, the message is made of their reasons. */
function isToldByHosts({ stage, open }: Pick<StatusReport, 'stage' | 'open'>): boolean {
  return stage !== undefined && open.some(({ reason }) => reason !== '');
}

/** `#` done, `=` worked on, `X` failed, `.` to do. */
export function barLines(hosts: HostCounts, columns: number): Line[] {
  const { total, done, open, failed, skipped } = hosts;
  const cells = Math.max(5, Math.min(40, columns - 2));
  const parts: readonly (readonly [number, string, Style])[] = [
    [done, '#', 'green'],
    [open, '=', 'yellow'],
    [failed, 'X', 'red'],
  ];
  let drawn = 0;
  let amounts = 0;
  const bar = parts.map(([amount, mark, style]) => {
    amounts += amount;
    // A part that is there is seen.
    const end = Math.max(Math.round((cells * amounts) / total), amount > 0 ? drawn + 1 : drawn);
    const size = Math.min(end, cells) - drawn;
    drawn += size;
    return { text: mark.repeat(size), style };
  });
  const line: Line = [
    { text: '[' },
    ...bar,
    { text: '.'.repeat(cells - drawn), style: 'dim' },
    { text: ']' },
  ];
  const words = [
    `${String(done)} of ${counted(total, 'host')} done`,
    ...(open > 0 ? [`${String(open)} worked on`] : []),
    ...(failed > 0 ? [`${String(failed)} failed`] : []),
    ...(skipped > 0 ? [`${String(skipped)} skipped`] : []),
  ].join(', ');
  const isRoom = cells + 2 + 1 + words.length <= columns;
  return isRoom ? [[...line, { text: ` ${words}` }]] : [line, ...wrapped([span(words)], columns)];
}

function timeLines({ times, state, standing }: StatusReport, columns: number): Line[] {
  const { elapsedSeconds, leftSeconds, endedAt, startedAt } = times;
  const took = elapsedSeconds === undefined ? '' : lasted(elapsedSeconds);
  const began = startedAt === undefined ? [] : [endedAt === undefined ? `began ${took} ago` : `took ${took}`];
  const left =
    leftSeconds === undefined || standing === 'failed' || state === 'being deleted'
      ? []
      : [
          `${startedAt === undefined ? 'takes about' : 'about'} ${duration(leftSeconds)}${startedAt === undefined ? '' : ' left'}`,
        ];
  const words = [...began, ...left].join(', ');
  return words === '' ? [] : wrapped([span(words)], columns);
}

/** The operator's sentence. While hosts are worked on, their rows say the same. */
export function messageLines(report: StatusReport, columns: number): Line[] {
  const { message, left } = report;
  const sentences = isToldByHosts(report) || message === '' ? left : [message];
  return sentences.flatMap((sentence) => wrapped([span(sentence)], columns));
}

export function hostLines(
  report: Pick<StatusReport, 'open' | 'message' | 'stage'>,
  now: number,
  columns: number,
): Line[] {
  const { open } = report;
  if (open.length === 0) return [];
  const message = isToldByHosts(report) ? '' : report.message;
  const rows = open
    .slice(0, MOST_HOSTS)
    .map(({ name, step, since: taken, stepSince, failed, reason }) => [
      span(name, failed ? 'red' : 'bold'),
      span(stepWord(step)),
      span(since(stepSince ?? taken, now)),
      whyOf(failed, message.includes(reason) ? '' : reason),
    ]);
  const more = open.length - MOST_HOSTS;
  return [
    ...table(['HOST', 'STEP', 'SINCE', 'WHY'], rows, columns),
    ...(more > 0 ? [[span(`and ${counted(more, 'more host')}`)]] : []),
  ];
}

/** What the projects of a session were asked, and what they have answered. */
function projectLines({ session }: StatusReport, now: number, columns: number): Line[] {
  const asked = session?.asked ?? [];
  if (asked.length === 0) return [];
  const more = asked.length - MOST_HOSTS;
  const rows = asked
    .slice(0, MOST_HOSTS)
    .map(({ project, asked: state, answer, replyBy, instances }) => [
      span(project, 'bold'),
      span(state),
      span(String(instances)),
      span(answer, answer === 'NACK' ? 'red' : answer === 'awaited' ? 'yellow' : undefined),
      span(answer === 'awaited' ? dueText(replyBy, now) : ''),
    ]);
  return [
    ...table(['PROJECT', 'ASKED', 'INSTANCES', 'ANSWER', 'DUE'], rows, columns),
    ...(more > 0 ? [[span(`and ${counted(more, 'more question')}`)]] : []),
  ];
}

function dueText(replyBy: string, now: number): string {
  const seconds = Math.ceil((Date.parse(replyBy) - now) / 1000);
  return seconds > 0 ? `in ${duration(seconds)}` : `was due ${since(replyBy, now)} ago`;
}

function whyOf(failed: boolean, reason: string): Span {
  if (!failed) return span(reason);
  return span(reason === '' ? 'failed' : `failed: ${reason}`, 'red');
}

/** The stages, while nothing is worked on: what would come next is then the question. */
function stageLines({ stages, open, standing, release, session }: StatusReport, columns: number): Line[] {
  if (session || open.length > 0 || standing === 'done' || standing === 'failed') return [];
  const next = stages.filter(({ result }) => result !== 'success');
  if (next.length === 0) return [];
  const more = next.length - MOST_STAGES;
  const { pieces } = strategyWords({ release });
  return [
    ...table(
      ['STAGE', pieces.toUpperCase(), 'HOSTS'],
      next.slice(0, MOST_STAGES).map((each) => stageRow(each, pieces)),
      columns,
    ),
    ...(more > 0 ? [[span(`and ${counted(more, 'more stage')}`)]] : []),
  ];
}

function stageRow({ id, patches, hosts }: ShownStage, pieces: string): Line {
  const more = hosts.length > 6 ? ` and ${String(hosts.length - 6)} more` : '';
  const what = patches.length > 1 ? `${String(patches.length)} ${pieces}` : patches.join();
  return [span(String(id)), span(what), span(`${hosts.slice(0, 6).join(', ')}${more}`)];
}

export function findingLines({ findings }: Pick<StatusReport, 'findings'>, columns: number): Line[] {
  return findings.flatMap(({ severity, message, remedy }) => [
    ...labelled(span(`${severity}:`, severity === 'blocks' ? 'red' : 'yellow'), [span(message)], columns),
    ...indented(wrapped([span(`to do: ${remedy}`)], columns - 2), 2),
  ]);
}

export function adviceLines(todo: readonly Advice[], columns: number): Line[] {
  return todo.flatMap(({ does, command }, at) => [
    ...wrapped([span(at === 0 || !does.startsWith('or ') ? `to do: ${does}` : does)], columns, 2),
    ...(command === undefined ? [] : commandLines(command, columns)),
  ]);
}

function requestLines({ lastRequest }: StatusReport, now: number, columns: number): Line[] {
  if (!lastRequest) return [];
  const { id, verb = 'unreadable', answer, message, time } = lastRequest;
  const style = answer === 'refused' ? 'red' : undefined;
  const spans = [
    span(`last request, ${since(time, now)} ago: ${verb} (${id})`),
    span(`${answer}:`, style),
    span(message),
  ];
  return wrapped(spans, columns, 2);
}
