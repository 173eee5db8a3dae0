/** The log for a person at a terminal: one short line for each JSON object. */
import type { DestinationStream } from 'pino';
import { z } from 'zod';

const entry = z.looseObject({
  level: z.number(),
  time: z.string(),
  msg: z.string().default(''),
  err: z.looseObject({ message: z.string() }).optional(),
});

const LEVELS = new Map([
  [10, 'trace '],
  [20, 'debug '],
  [40, 'WARNING '],
  [50, 'ERROR '],
  [60, 'FATAL '],
]);

/** Fields of every line, which say nothing to somebody who watches one process. */
const EVERYWHERE: ReadonlySet<string> = new Set(['name', 'pid', 'hostname']);

/** A destination of the logger that writes such lines. */
export function humanLines(write: (text: string) => void): DestinationStream {
  return { write: (line) => write(`${humanLine(line)}\n`) };
}

/** `12:03:04 host locked  host=w-1 attempt=1`, by the clock in UTC. */
export function humanLine(line: string): string {
  const { level, time, msg, err, ...fields } = entry.parse(JSON.parse(line));
  const rest = Object.entries(fields)
    .filter(([name]) => !EVERYWHERE.has(name))
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const head = `${time.slice(11, 19)} ${LEVELS.get(level) ?? ''}${msg}`;
  return [err ? `${head}: ${err.message}` : head, rest.join(' ')].filter((part) => part !== '').join('  ');
}
