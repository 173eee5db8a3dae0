import { apiAnswer } from '../kube/api-answer.ts';

/** The parts of an error that may be logged: never the headers or the body of a request or an answer. */
export type ErrorDescription = {
  readonly type: string;
  readonly message: string;
  readonly code?: string | number;
  /** The first frames of the stack, without the message. */
  readonly stack?: string;
  readonly cause?: ErrorDescription;
};

const LONGEST_MESSAGE = 1024;
const FRAMES = 12;
const CAUSES = 4;

/**
 * Describes an error for the log; a message is cut to 1,024 characters. The API
 * server's refusal becomes its code and its message.
 */
export function describeError(error: Error, causes = CAUSES): ErrorDescription {
  const stack = framesOf(error);
  const code = codeOf(error);
  return {
    type: error.name === 'Error' ? error.constructor.name : error.name,
    message: messageOf(error).slice(0, LONGEST_MESSAGE),
    ...(code === undefined ? {} : { code }),
    ...(stack ? { stack } : {}),
    ...(error.cause instanceof Error && causes > 0 ? { cause: describeError(error.cause, causes - 1) } : {}),
  };
}

function messageOf(error: Error): string {
  const answer = apiAnswer(error);
  if (!answer) return error.message;
  const said = answer.message || `the API server answered ${answer.code}`;
  return answer.request ? `${answer.request}: ${said}` : said;
}

function codeOf(error: Error): string | number | undefined {
  if (!('code' in error)) return undefined;
  return typeof error.code === 'string' || typeof error.code === 'number' ? error.code : undefined;
}

/** A stack begins with the message, which may contain a secret. */
function framesOf({ stack = '' }: Error): string {
  const frames = stack.split('\n').filter((line) => /^ {4}at /.test(line));
  return frames.slice(0, FRAMES).join('\n');
}
