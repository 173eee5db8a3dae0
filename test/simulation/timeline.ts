/** The events of a seed as lines for people. */
import { z } from 'zod';
import { at, type Change } from './world/api-server.ts';
import { makeLogger, type Logger } from '../../src/telemetry/logger.ts';
import { claimOf, modeOf, outagesOf, permitsOf, stateOf } from './seen.ts';

/** Takes a line of the timeline, and its milliseconds since the beginning. */
export type WriteLine = (time: number, line: string) => void;

const SILENT = makeLogger({ level: 'silent' });
const NAME_WIDTH = 10;
const LONGEST = 400;
const logLine = z.looseObject({ msg: z.string() });

export class Timeline {
  readonly #writeLine: WriteLine | undefined;
  readonly #now: () => number;

  /** Without `writeLine` there are no lines. `now` is in milliseconds since the beginning. */
  constructor(writeLine: WriteLine | undefined, now: () => number) {
    this.#writeLine = writeLine;
    this.#now = now;
  }

  note(who: string, what: string): void {
    this.#writeLine?.(this.#now(), `${who.padEnd(NAME_WIDTH)} ${what.slice(0, LONGEST)}`);
  }

  change({ resource, type, object, by }: Change): void {
    const about = this.#writeLine && ABOUT[resource]?.(object);
    if (about === undefined) return;
    const { name, resourceVersion } = object.metadata;
    this.note(by, `${type.padEnd(8)} ${resource}/${name}@${resourceVersion} ${about}`);
  }

  /** The log of a process, as part of the timeline. */
  logger(name: string): Logger {
    if (!this.#writeLine) return SILENT;
    const write = (line: string): void => {
      const {
        msg,
        level: _level,
        time: _time,
        pid: _pid,
        hostname: _host,
        name: _name,
        ...fields
      } = logLine.parse(JSON.parse(line));
      this.note(name, `log: ${msg} ${JSON.stringify(fields)}`);
    };
    return makeLogger({ level: 'info', destination: { write } });
  }
}

type About = (object: Change['object']) => string;

/** The kinds that a timeline shows. */
const ABOUT: Readonly<Partial<Record<Change['resource'], About>>> = {
  nodes: (node) => {
    const claim = claimOf(node);
    const closed = node.spec?.['unschedulable'] === true ? 'cordoned' : 'open';
    return `${closed}, claim=${claim ? `${claim.run}@${String(claim.epoch)}` : 'none'}, ${JSON.stringify(node.status)}`;
  },
  pods: ({ spec, metadata }) =>
    `on ${String(spec?.['nodeName'])}${metadata.deletionTimestamp === undefined ? '' : ', leaving'}`,
  jobs: ({ spec, status }) => `suspended=${String(spec?.['suspend'])} ${JSON.stringify(status ?? {})}`,
  hostpools: (pool) => {
    const permits = permitsOf(pool).map(({ host, run }) => `${host}:${run}`);
    return `epoch=${String(pool.status?.['epoch'])} limit=${String(pool.spec?.['maxUnavailable'])} permits=${permits.join(',')}`;
  },
  planstages: ({ spec, status }) => `from ${String(at(spec, 'firstStage'))}${status ? ', ended' : ''}`,
  patchstrategies: aboutStrategy,
  upgradestrategies: aboutStrategy,
  maintenancesessions: aboutStrategy,
  maintenancenotices: ({ metadata, spec, status }) =>
    `of ${metadata.namespace ?? ''} g${String(metadata.generation)} ${JSON.stringify(spec)} ${String(at(status, 'answer'))} ${JSON.stringify(at(status, 'question'))} ${JSON.stringify(at(status, 'lastReply'))}`,
};

function aboutStrategy(strategy: Change['object']): string {
  const hosts = outagesOf(strategy).map(({ name, step, result }) => `${name}:${step}:${result}`);
  return `${modeOf(strategy)}, ${stateOf(strategy) ?? 'new'} [${hosts.join(', ')}] ${String(at(strategy.status, 'message'))}`;
}
