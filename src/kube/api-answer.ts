/**
 * The API server's refusals, told by their shape: the client's ApiException
 * carries the whole answer, of which only these parts may go any further.
 */
import { z } from 'zod';

export type ApiAnswer = {
  /** The HTTP status. */
  readonly code: number;
  /** What was asked, such as `PATCH /api/v1/nodes/worker-3`; empty when the error does not say. */
  readonly request: string;
  /** What the server says, in its own words; empty when it says nothing. */
  readonly message: string;
  /** The reasons of the causes that it names, such as `NamespaceTerminating`. */
  readonly causes: readonly string[];
};

const statusSchema = z.looseObject({
  message: z.string().catch(''),
  details: z
    .looseObject({ causes: z.array(z.looseObject({ reason: z.string().catch('') })).catch([]) })
    .catch({ causes: [] }),
});

/** What the API server answered; undefined when the error is none of its refusals. */
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
