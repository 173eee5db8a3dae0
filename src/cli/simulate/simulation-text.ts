/** A simulation as text for people. Pure. */
import { hostCount } from '../../planner/plan.ts';
import { counted } from '../../crds/text/counted.ts';
import { findingLines, title } from '../plan/preview-text.ts';
import { duration, table, WIDTH, wrap } from '../text/text-table.ts';
import { chart } from './chart.ts';
import { failedHooks, LEFT_STATES, type LeftHost } from './left-hosts.ts';
import type { SimulatedSession, Simulation } from './simulation.ts';

const NAMED = 12;

const ASSUMED =
  'Assumed: one instance on each of these hosts, with room for a second one, of a project that answers at once and has ' +
  'stated no constraint.';

/** @param width how many columns the chart may take */
export function simulationText(simulation: Simulation, width: number): string[] {
  const { left, remedies } = simulation;
  const bars = chart(simulation, width);
  const text = Math.min(width, WIDTH);
  return [
    ...wrap(title(simulation), text),
    ...(bars.length > 0 ? ['', ...bars] : []),
    ...(simulation.session ? ['', ...stateTable(simulation.session, text)] : []),
    ...findingLines(simulation, text),
    '',
    ...wrap(ending(simulation), text),
    ...wrap(simulation.message, text - 2).map((line) => `  ${line}`),
    ...(left.length > 0 ? ['', ...leftTable(left, text)] : []),
    ...remedies.flatMap(({ does, command }) => ['', `to do: ${does}`, `  ${command}`]),
  ];
}

/** The states of a session, with the times at which it entered them. */
function stateTable({ states }: SimulatedSession, width: number): string[] {
  const rows = states.map(({ state, atSeconds, percentDone }) => [
    atSeconds === 0 ? '0' : duration(Math.ceil(atSeconds)),
    state,
    `${String(percentDone)} %`,
  ]);
  return table(['AFTER', 'STATE', 'MAINTAINED'], rows, 1, width);
}

function ending({ outcome, durationSeconds, stages, left, session }: Simulation): string {
  if (session) {
    const { maintained, hosts } = session;
    const after = durationSeconds > 0 ? ` after ${duration(Math.ceil(durationSeconds))}` : '';
    return `${outcome}${after}, ${String(maintained)} of ${counted(hosts, 'host')} maintained. ${ASSUMED}`;
  }
  const hosts = hostCount(stages);
  const planned = left.filter(({ state }) => state !== 'not-planned').length;
  const after = durationSeconds > 0 ? ` after ${duration(Math.ceil(durationSeconds))}` : '';
  const done = hosts > 0 ? `, ${String(hosts - planned)} of ${counted(hosts, 'host')} done` : '';
  const hooks = failedHooks(stages).map((step) => `, the hook failed in ${step}`);
  return `${outcome}${after}${done}${hooks.join('')}`;
}

function leftTable(left: readonly LeftHost[], width: number): string[] {
  const rows = LEFT_STATES.flatMap((state) => {
    const names = left.filter((host) => host.state === state).map(({ name }) => name);
    return names.length > 0 ? [[state, named(names)]] : [];
  });
  return table(['LEFT', 'HOSTS'], rows, 1, width);
}

function named(names: readonly string[]): string {
  const more = names.length > NAMED ? ` and ${String(names.length - NAMED)} more` : '';
  return `${names.slice(0, NAMED).join(', ')}${more}`;
}
