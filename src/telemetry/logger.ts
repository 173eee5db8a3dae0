/**
 * The log: one JSON object a line. Redaction is the last step for every line, so
 * it also removes a secret from a place where nobody expected one.
 */
import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';
import { printable } from '../crds/text/printable.ts';
import { describeError } from './describe-error.ts';
import { redactJson } from './redact.ts';

export type { Logger } from 'pino';

export type LoggerOptions = {
  /** The lowest level that is logged: trace, debug, info, warn, error, fatal or silent. */
  readonly level: string;
  /** The destination of the lines; by default standard output. */
  readonly destination?: DestinationStream;
};

const LEVELS: readonly string[] = [...Object.keys(pino.levels.values), 'silent'];

/** Makes the logger of the process. Throws when the level does not exist. */
export function makeLogger({ level, destination = pino.destination(1) }: LoggerOptions): Logger {
  if (!LEVELS.includes(level))
    throw new Error(`there is no log level "${level}": use one of ${LEVELS.join(', ')}`);
  return pino(
    {
      name: 'careen',
      level,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { log: describeErrors },
      // pino's own serializer would take the description for an error and describe it again.
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
  // JSON escapes only some of the characters that a terminal would carry out.
  return `${printable(JSON.stringify(redactJson(JSON.parse(line))))}\n`;
}
