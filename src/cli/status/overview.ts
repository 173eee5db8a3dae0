/** The table of all strategies. Pure. */
import { counted } from '../../crds/text/counted.ts';
import { span, table, wrapped, type Line } from '../text/lines.ts';
import { duration } from '../text/text-table.ts';
import { STANDING_STYLES } from './report-text.ts';
import type { StatusReport } from './report.ts';
import type { Standing } from './standing.ts';

/** From the best to the worst. */
const GRAVITY: readonly Standing[] = ['done', 'working', 'waits', 'failed'];

/** The worst standing of all; done when there are none. */
export function worstOf(standings: readonly Standing[]): Standing {
  return GRAVITY.findLast((each) => standings.includes(each)) ?? 'done';
}

/** @param place where was looked, such as `namespace careen-hosts` */
export function overviewLines(reports: readonly StatusReport[], place: string, columns: number): Line[] {
  if (reports.length === 0) return wrapped([span(`no strategy in ${place}`)], columns);
  const titles = ['STRATEGY', 'STATE', 'STAGES', 'HOSTS', 'LEFT', 'WHY'];
  return table(
    titles,
    reports.map((report) => rowOf(report, hasNamesake(report, reports))),
    columns,
  );
}

/** Whether a strategy of another kind has the same name. */
function hasNamesake({ namespace, name }: StatusReport, reports: readonly StatusReport[]): boolean {
  return reports.filter((each) => each.namespace === namespace && each.name === name).length > 1;
}

function rowOf(report: StatusReport, withKind: boolean): Line {
  const { namespace, name, state, standing, hosts, message, open, reason = '' } = report;
  const waiting = open.find((host) => host.reason !== '');
  const more = open.length > 1 ? ` (${counted(open.length, 'host')} worked on)` : '';
  return [
    span(`${namespace}/${name}${withKind ? ` (${report.strategyKind})` : ''}`, 'bold'),
    span(state, STANDING_STYLES[standing]),
    span(`${String(report.stagesDone)}/${String(report.stagesTotal)}`),
    span(`${String(hosts.done)}/${String(hosts.total)}`),
    span(leftOf(report)),
    span(waiting && standing !== 'failed' ? `${waiting.reason}${more}` : message || reason),
  ];
}

function leftOf({ times: { leftSeconds }, standing }: StatusReport): string {
  return leftSeconds === undefined || standing === 'failed' ? '' : `about ${duration(leftSeconds)}`;
}
