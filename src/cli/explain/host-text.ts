/** What is known of a host, as text for people. Pure. */
import { adviceLines } from '../status/report-text.ts';
import { EMPTY, labelled, span, wrapped, type Line } from '../text/lines.ts';
import { since } from '../text/since.ts';
import { stepWords } from '../text/step-words.ts';
import type { CordonedBy, HostReport } from './host-report.ts';

const WIDEST = 120;
const LEVELS = {
  away: 'out of service',
  touched: 'worked on in place',
  closed: 'closed to new work',
} as const;

export function hostText(report: HostReport, now: number, width: number): Line[] {
  const columns = Math.min(width, WIDEST);
  const { host, cordoned } = report;
  const state = cordoned ? span('cordoned', 'yellow') : span('not cordoned', 'green');
  const title = wrapped([span(`${host}:`, 'bold'), state], columns);
  const facts = factsOf(report, now).flatMap(([label, text]) =>
    labelled(span(`${label}:`, 'dim'), [span(text)], columns),
  );
  const advice = adviceLines(report.todo, columns);
  return [...title, ...facts, ...(advice.length > 0 ? [EMPTY, ...advice] : [])];
}

function factsOf(report: HostReport, now: number): [label: string, text: string][] {
  const { spoiltClaim, leftLocked, cordonedBy, notReady, taints, planned } = report;
  return [
    ...heldFacts(report, now),
    ...(spoiltClaim === undefined
      ? []
      : [fact('claim', `${spoiltClaim}: nobody acts on it, and no run may take the host`)]),
    ...(leftLocked
      ? [
          fact(
            'left locked',
            leftLocked.owner === undefined ? leftLocked.reason : `${leftLocked.reason} (${leftLocked.owner})`,
          ),
        ]
      : []),
    ...(cordonedBy ? [fact('cordoned by', cordonText(cordonedBy, now))] : []),
    ...(notReady === undefined ? [] : [fact('health', notReady)]),
    ...(taints.length > 0 ? [fact('taints', taints.join(', '))] : []),
    fact('pool', poolText(report)),
    ...(planned.length > 0
      ? [
          fact(
            'planned by',
            planned.map(({ strategy, stage }) => `${strategy} in stage ${String(stage)}`).join(', '),
          ),
        ]
      : []),
  ];
}

function fact(label: string, text: string): [string, string] {
  return [label, text];
}

function heldFacts({ held, cordoned }: HostReport, now: number): [string, string][] {
  if (!held) return [];
  const { owner, level, since: taken, ownerExists, cordonedBefore, step, failed, reason } = held;
  const gone = ownerExists === false ? ', which no longer exists' : '';
  const opened = level === 'away' && !cordoned ? ['somebody uncordoned it meanwhile'] : [];
  const stays = cordonedBefore ? ['it was cordoned before, and stays so at the end'] : [];
  const work = [
    ...(step === undefined ? [] : [stepWords(step)]),
    ...(failed ? ['failed'] : []),
    ...(reason === undefined ? [] : [reason]),
  ];
  return [
    fact(
      'taken by',
      [`${owner}${gone}`, LEVELS[level], `since ${since(taken, now)} (${taken})`, ...opened, ...stays].join(
        ', ',
      ),
    ),
    ...(work.length > 0 ? [fact('work', work.join(': '))] : []),
  ];
}

function cordonText({ manager, time }: CordonedBy, now: number): string {
  return time === undefined
    ? `${manager}, not by Careen`
    : `${manager}, not by Careen, since ${since(time, now)} (${time})`;
}

function poolText({ pool, alsoSelectedBy }: HostReport): string {
  const others =
    alsoSelectedBy.length > 0 ? `; also selected by ${alsoSelectedBy.join(', ')}, which must not be` : '';
  return pool === undefined ? `none: no strategy works on it${others}` : `${pool}${others}`;
}
