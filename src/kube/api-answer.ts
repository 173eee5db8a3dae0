/**
 * Recognizes the API server's refusals by their shape. The client's ApiException
 * carries the whole answer; only these parts of it may leave this file.
 */
import { z } from 'zod';

export type ApiAnswer = {
  /** The HTTP status. */
  readonly code: number;
  /** The request, such as `PATCH /api/v1/nodes/worker-3`; empty when the error does not name it. */
  readonly request: string;
  /** The server's own message; empty when there is none. */
  readonly message: string;
  /** The reasons of the causes in the answer, such as `NamespaceTerminating`. */
  readonly causes: readonly string[];
};

const statusSchema = z.looseObject({
  message: z.string().catch(''),
  details: z
    .looseObject({ causes: z.array(z.looseObject({ reason: z.string().catch('') })).catch([]) })
    .catch({ causes: [] }),
});

/** The API server's answer; undefined when the error is not one of its refusals. */
export function apiAnswer(error: unknown): ApiAnswer | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('body' in error)) return undefined;
  const { code, body } = error;
  if (typeof code !== 'number') return undefined;
  const status = statusSchema.safeParse(typeof body === 'string' ? parseJson(body) : body);
  return {
    code,
    request: /^HTTP-Code: \d+\nMessage: (.*)$/m.exec(error.message)?.[1] ?? '',
    message: status.data?.message ?? '',
    causes: status.data?.details.causes.map(({ reason }) => reason) ?? [],
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
