/** One picture of a strategy at work, as `careen watch` draws it. Pure. */
import { counted } from '../../crds/text/counted.ts';
import { adviceLines, findingLines, headLines, hostLines, messageLines } from '../status/report-text.ts';
import type { ShownStage, StatusReport } from '../status/report.ts';
import { EMPTY, lineWidth, span, table, wrapped, type Line, type Span } from '../text/lines.ts';
import type { Style } from '../text/style.ts';
import { lasted, secondsBetween } from '../text/since.ts';

/** The connection to the API server, when it is lost. */
export type Lost = { readonly since: number; readonly why: string };

export type Picture = {
  readonly report: StatusReport;
  readonly lost?: Lost | undefined;
  /** The last picture, which stays on the terminal. */
  readonly isLast?: boolean;
};

export type Size = { readonly columns: number; readonly rows: number };

const WIDEST = 120;
const STAGE_CELLS = 8;
/** Stages that are shown before the running one. */
const STAGES_BEFORE = 2;

/** The lines of a picture; never more than the rows, never wider than the columns. */
export function frameLines(picture: Picture, now: number, { columns: given, rows }: Size): Line[] {
  const { report } = picture;
  const columns = Math.min(given, WIDEST);
  const head = headLines(report, now, columns);
  const rest = [
    messageLines(report, columns),
    hostLines(report, now, columns),
    findingLines(report, columns),
    todoLines(report, columns),
    lostLines(picture, now, columns),
    wrapped([span(footerOf(picture), 'dim')], columns),
  ].filter((lines) => lines.length > 0);
  const fixed = head.length + rest.reduce((sum, lines) => sum + lines.length + 1, 0);
  const stages = stageLines(report, columns, rows - fixed - 1);
  const parts = [head, stages, ...rest].filter((lines) => lines.length > 0);
  const lines = parts.flatMap((part, at) => (at === 0 ? part : [EMPTY, ...part]));
  return cut(lines, rows, columns);
}

/** While it works, only what holds it up. */
function todoLines({ standing, blockers, todo }: StatusReport, columns: number): Line[] {
  return adviceLines(standing === 'working' ? blockers : [...blockers, ...todo], columns);
}

function footerOf({ report: { standing }, isLast }: Picture): string {
  const isOver = isLast === true || standing === 'done' || standing === 'failed';
  return isOver ? '' : 'Ctrl-C ends this view, not the run';
}

function lostLines({ lost }: Picture, now: number, columns: number): Line[] {
  if (!lost) return [];
  const seconds = lasted(secondsBetween(lost.since, now));
  const text = `the watch is interrupted since ${seconds}, trying again; what stands above is the last known state: ${lost.why}`;
  return wrapped([span(text, 'red')], columns);
}

function cut(lines: readonly Line[], rows: number, columns: number): Line[] {
  if (lines.length <= rows) return [...lines];
  const kept = lines.slice(0, Math.max(0, rows - 1));
  const more = span(`${counted(lines.length - kept.length, 'more line')}: make the window higher`, 'dim');
  return [...kept, ...wrapped([more], columns).slice(0, 1)];
}

/** A bar for each stage, around the running one. */
function stageLines({ stages, stage }: StatusReport, columns: number, most: number): Line[] {
  if (stages.length === 0) return [];
  const current = stage?.id ?? stages.find(({ result }) => result !== 'success')?.id ?? 0;
  const isStacked = table(['STAGE', '', 'HOSTS'], stages.slice(0, 1).map(stageRow), columns).length === 1;
  const room = isStacked ? most : most - 1;
  if (room < 1) return [];
  const first = Math.max(0, Math.min(current - STAGES_BEFORE, stages.length - room));
  const shown = stages.slice(first, first + room);
  const hidden = stages.length - shown.length;
  const title = hidden > 0 ? `HOSTS (${counted(hidden, 'more stage')})` : 'HOSTS';
  const lines = table(['STAGE', '', title], shown.map(stageRow), columns);
  return lines.every((line) => lineWidth(line) <= columns) ? lines.slice(0, most) : [];
}

function stageRow(stage: ShownStage): Line {
  const { id, hosts } = stage;
  const more = hosts.length > 4 ? ` and ${String(hosts.length - 4)} more` : '';
  return [span(String(id)), stageBar(stage), span(`${hosts.slice(0, 4).join(', ')}${more}`)];
}

const BAR_STYLES: Readonly<Partial<Record<ShownStage['result'], Style>>> = {
  success: 'green',
  degraded: 'yellow',
  inprogress: 'yellow',
  failed: 'red',
  'timed-out': 'red',
};

function stageBar({ result, stepsDone, stepsTotal }: ShownStage): Span {
  const isOver = result === 'success' || result === 'degraded';
  const share = stepsTotal === 0 || isOver ? 1 : stepsDone / stepsTotal;
  const cells = result === 'initial' ? 0 : Math.round(STAGE_CELLS * share);
  const end = result === 'failed' || result === 'timed-out' ? 'X' : isOver ? '#' : '=';
  const begun = '#'.repeat(Math.max(0, cells - 1)) + (cells > 0 ? end : '');
  return span(`[${begun.padEnd(STAGE_CELLS, '.')}]`, BAR_STYLES[result]);
}
