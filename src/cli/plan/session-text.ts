/** The part of a preview that only sessions have, as text for people. Pure. */
import { counted } from '../../crds/text/counted.ts';
import { table, duration, fitsTable, wrap } from '../text/text-table.ts';
import type { SessionHostPreview, SessionPreview } from './session-preview.ts';

const TITLES = ['HOST', 'TYPE', 'WHAT IS DONE', 'ABOUT'] as const;

/** The hosts in their order, what is asked first, and what follows from the answers. */
export function sessionLines(session: SessionPreview, width: number): string[] {
  const rows = session.hosts.map((host) => [
    host.name,
    host.type,
    doneOn(host),
    host.estimatedSeconds > 0 ? duration(host.estimatedSeconds) : '',
  ]);
  const hosts = fitsTable(TITLES, rows, 2, width)
    ? table(TITLES, rows, 2, width)
    : rows.flatMap(([name, type, done]) => wrap(`${String(name)} (${String(type)}): ${String(done)}`, width));
  return [
    ...hosts,
    '',
    ...[...onceText(session), firstText(session), NEXT, ...startText(session)].flatMap((each) =>
      wrap(each, width),
    ),
  ];
}

function doneOn({ type, actions }: SessionHostPreview): string {
  const work = actions.join(', ');
  switch (type) {
    case 'compute':
      return work === '' ? 'emptied, taken out of service, given back' : `emptied, then ${work}`;
    case 'controller':
      return work === '' ? 'nothing' : `keeps its work: ${work}`;
    case 'other':
      return 'nothing: it is no worker and no controller';
  }
}

function onceText({ before, after }: SessionPreview): string[] {
  const parts = [
    ...(before.length > 0 ? [`before all others ${before.join(', ')}`] : []),
    ...(after.length > 0 ? [`after all others ${after.join(', ')}`] : []),
  ];
  return parts.length > 0 ? [`Once, on the first of these hosts: ${parts.join('; ')}.`] : [];
}

function firstText({ replySeconds, onSilence }: SessionPreview): string {
  return (
    `First, all projects with instances on these hosts are asked to agree (MAINTENANCE), and have ${duration(replySeconds)}. ` +
    SILENCE[onSilence]
  );
}

const SILENCE: Readonly<Record<SessionPreview['onSilence'], string>> = {
  fail: 'A project that refuses or does not answer makes the session fail.',
  proceed: 'A project that refuses makes the session fail; one that does not answer agrees.',
  wait: 'A project that refuses makes the session fail; one that does not answer is waited for.',
};

const NEXT =
  'The stages after that follow from their answers and from the free room: an empty host is worked on at once; others are ' +
  'emptied one after another, as their projects choose; where there is no room for that, projects are asked to scale in.';

function startText({ startsAt }: SessionPreview): string[] {
  return startsAt === undefined ? [] : [`No host is closed and no instance is moved before ${startsAt}.`];
}

/** The size of a session, and how long the work takes. */
export function sessionSummary({ hosts }: SessionPreview, seconds: number): string {
  const workers = hosts.filter(({ type }) => type === 'compute').length;
  return `${counted(workers, 'host')} to empty in turn; the work takes about ${duration(seconds)} without failures, besides answers and moves`;
}
