/** Bugs that maintenance sessions may well have. */
import type { Bug } from './bug.ts';

export const SESSION_BUGS: readonly Bug[] = [
  {
    name: 'take the answer in a notice of another project',
    file: 'src/resources/notices.ts',
    of: '    return this.#watched.get(namespace, noticeName(session, project));\n',
    instead:
      '    const name = noticeName(session, project);\n' +
      '    const others = this.#watched.all.filter((each) => each.name === name && each.namespace !== namespace);\n' +
      '    return others[0] ?? this.#watched.get(namespace, name);\n',
    worlds: ['sessions'],
  },
  {
    name: 'leave hosts closed that a session has closed',
    file: 'src/engine/session/session-engine.ts',
    of: '  if (end !== undefined) openHosts(pass);\n',
    instead: "  if (end !== undefined && pass.run.state !== 'apply-failed') openHosts(pass);\n",
    worlds: ['sessions'],
  },
  {
    name: 'take silence for consent',
    file: 'src/engine/session/ask-projects.ts',
    of: "  if (terms.silent === 'fail')\n    return failed(`${namesOf(overdue)}",
    instead: "  if (terms.silent === 'fail' && state === 'SCALE_IN')\n    return failed(`${namesOf(overdue)}",
    worlds: ['sessions'],
  },
  {
    name: 'swallow an answer that came between two reads',
    file: 'src/controllers/session/tenants.ts',
    of: 'heard: then.generation, verdict, at',
    instead: 'heard: notice.generation, verdict, at',
    worlds: ['sessions'],
  },
  {
    name: 'go on when the first project has agreed',
    file: 'src/engine/session/ask-projects.ts',
    of: '  if (silent.length === 0) return DONE;\n  // A project',
    instead: '  if (silent.length === 0 || silent.length < projects.length) return DONE;\n  // A project',
    worlds: ['sessions'],
  },
  {
    name: 'accept an answer in place of another one',
    file: 'src/engine/session/replies.ts',
    of: '  if (answer) return `project ${id} has answered ${asked} already, with ${answer.kind}`;\n  if (!lateCounts',
    instead: '  if (!lateCounts',
    worlds: ['sessions'],
  },
  {
    name: 'show a project the instances of others',
    file: 'src/status/notices/notices.ts',
    of: '  return Map.groupBy(all, ({ instance }) => projectOf(instance));\n',
    instead:
      '  return new Map([...Map.groupBy(all, ({ instance }) => projectOf(instance)).keys()].map((id) => [id, all]));\n',
    worlds: ['sessions'],
  },
  {
    name: 'take over a session without its closed hosts',
    file: 'src/controllers/strategy/adopt-run.ts',
    of: 'run.session?.closed.filter(({ name }) => !held.has(name)) ?? [];',
    instead: 'run.session?.closed.filter(({ name }) => held.has(name)) ?? [];',
    worlds: ['sessions'],
  },
  {
    name: 'number the questions of each run from the first again',
    file: 'src/controllers/strategy/build-plan.ts',
    of: 'told: toldBefore(before), ',
    instead: 'told: 0 * (toldBefore(before) ?? 0), ',
    worlds: ['sessions'],
  },
  {
    name: 'take a host out of service that was empty when it was chosen',
    file: 'src/engine/session/rounds.ts',
    of: "'away', [empty, ...away, empty, ...rest])",
    instead: "'away', [...away, empty, ...rest])",
    from: 1_000,
    worlds: ['sessions'],
  },
  {
    name: 'wait for a host of a session that has left',
    file: 'src/engine/session/occupancy.ts',
    of: 'turn.view.host(host)?.isMember !== true ||',
    instead: 'turn.view.host(host)?.isMember === false ||',
    from: 1_000,
    worlds: ['sessions'],
  },
  {
    name: 'let what leaves an open host come back',
    file: 'src/engine/session/plan-session.ts',
    of: '  closesFirst: true,\n',
    instead: '',
    worlds: ['sessions'],
  },
];
