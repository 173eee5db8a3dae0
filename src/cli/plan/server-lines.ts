/** What will happen to servers, as text for people. Pure. */
import { fitsTable, table, wrap } from '../text/text-table.ts';
import type { ServerPreview } from './server-preview.ts';

/** How a server leaves, in a word or two. */
const HOW: Readonly<Record<ServerPreview['how'], string>> = {
  'live-migrate': 'live',
  'cold-migrate': 'cold, confirmed',
  evacuate: 'evacuated',
  confirm: 'confirmed',
  stop: 'stopped, started',
  moving: 'moves already',
  wait: 'later',
  stuck: 'stays',
};
const TITLES = ['SERVER', 'PROJECT', 'HOST', 'HOW', 'TO'] as const;
const TO = TITLES.indexOf('TO');

/** A table, or a list where the table does not fit. */
export function serverLines(servers: readonly ServerPreview[], width: number): string[] {
  const rows = servers.map((each) => {
    const { id, name, project, host, how } = each;
    return [name === '' ? id : name, project, host, HOW[how], whither(each)];
  });
  if (fitsTable(TITLES, rows, TO, width)) return table(TITLES, rows, TO, width);
  return rows.flatMap(([name = '', project, host, how, to]) => [
    ...wrap(`${name} of project ${String(project)}, on ${String(host)}`, width),
    ...wrap(`${String(how)}: ${String(to)}`.replace(/: $/, ''), width - 2).map((line) => `  ${line}`),
  ]);
}

function whither({ how, to, hosts, why }: ServerPreview): string {
  const place = to === undefined ? undefined : `${to} (${String(hosts)})`;
  if (how === 'wait') return [why, place].filter((each) => each !== undefined).join('; then ');
  if (why === undefined) return place ?? '';
  return how === 'stuck' ? why : `nowhere: ${why}`;
}
