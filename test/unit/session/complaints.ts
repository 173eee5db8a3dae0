/** The rules of sessions that a trace shows to be broken. */
import type { PlayedSession } from '../../../src/cli/vectors/sessions/play-session.ts';
import type { RecordedSession } from '../../../src/cli/vectors/sessions/recorded-session.ts';

/** What may not happen in any session, in the words of its trace. */
export function complaints(
  { world, create }: RecordedSession,
  { trace, endState, hostsAfterDelete }: PlayedSession,
): string[] {
  const found: string[] = [];
  const at = new Map(world.instances.map(({ id, host }) => [id, host]));
  const open = new Set([...world.computeHosts, ...world.controllerHosts]);
  const waiting = new Set<string>();
  const inMaintenance = new Set<string>();
  const failed = new Set<string>();
  const maintained = new Set<string>();
  let began = false;
  let state = '';
  for (const event of trace) {
    if (event.kind === 'asked' && event.instance === undefined) waiting.add(event.project);
    if (event.kind === 'answered' && event.instance === undefined) waiting.delete(event.project);
    if (event.kind === 'state') state = event.state;
    if (event.kind === 'state' && event.state !== 'MAINTENANCE') began = true;
    if (event.kind === 'told-of-host' && event.state === 'MAINTENANCE_COMPLETE') maintained.add(event.host);
    if (event.kind === 'move') {
      if (waiting.size > 0) found.push(`${event.instance} moved before ${[...waiting].join(', ')} answered`);
      if (!began) found.push(`${event.instance} moved before the start`);
      if (state === 'PLANNED_MAINTENANCE' && !maintained.has(event.target ?? ''))
        found.push(`${event.instance} moved to ${event.target ?? ''}, which is still to be maintained`);
      at.set(event.instance, event.target ?? '');
    }
    if (event.kind === 'removed') at.delete(event.instance);
    if (event.kind === 'host') {
      if (event.schedulable) open.add(event.host);
      else open.delete(event.host);
    }
    if (event.kind === 'told-of-host') {
      if (event.state === 'IN_MAINTENANCE') inMaintenance.add(event.host);
      else inMaintenance.delete(event.host);
      if (inMaintenance.size > 1) found.push(`${[...inMaintenance].join(', ')} are in maintenance at once`);
      if (open.has(event.host)) found.push(`${event.host} is told of while it takes new work`);
    }
    if (event.kind === 'plug-in') {
      const { type } = create.actions.find(({ plugin }) => plugin === event.plugin) ?? {};
      const isAway = world.computeHosts.includes(event.host) && (type === 'host' || type === 'compute');
      if (isAway && open.has(event.host))
        found.push(`${event.plugin} ran on ${event.host}, which took new work`);
      if (isAway && [...at.values()].includes(event.host))
        found.push(`${event.plugin} ran on ${event.host}, which was not empty`);
      if (event.state === 'FAILED') failed.add(event.host);
    }
  }
  for (const { host, schedulable } of hostsAfterDelete)
    if (!schedulable && !failed.has(host)) found.push(`${host} stays closed`);
  if (endState !== 'MAINTENANCE_DONE' && endState !== 'MAINTENANCE_FAILED')
    found.push(`it ends in ${endState}`);
  return found;
}
