/**
 * The log: one JSON object a line. Every line, whatever it was made of, passes
 * the redaction last, so that a secret stays out of it also where nobody
 * thought of one.
 */
import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';
import { describeError } from './describe-error.ts';
import { redactJson } from './redact.ts';

export type { Logger } from 'pino';

export type LoggerOptions = {
  /** The least that is logged: trace, debug, info, warn, error, fatal or silent. */
  readonly level: string;
  /** Where the lines go; standard output without it. */
  readonly destination?: DestinationStream;
};

const LEVELS: readonly string[] = [...Object.keys(pino.levels.values), 'silent'];

/** Makes the process' logger. Throws when there is no such level. */
export function makeLogger({ level, destination = pino.destination(1) }: LoggerOptions): Logger {
  if (!LEVELS.includes(level))
    throw new Error(`there is no log level "${level}": use one of ${LEVELS.join(', ')}`);
  return pino(
    {
      name: 'careen',
      level,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { log: describeErrors },
      // pino's own serializer takes the description for an error and describes that again.
      serializers: { err: (described: unknown) => described },
      hooks: { streamWrite: redactLine },
    },
    destination,
  );
}

function describeErrors(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      value instanceof Error ? describeError(value) : value,
    ]),
  );
}

function redactLine(line: string): string {
  return `${JSON.stringify(redactJson(JSON.parse(line)))}\n`;
}
