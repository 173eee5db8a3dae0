/**
 * Says who refused a write, and in which words. The cause and the message decide, never the code alone: a webhook
 * chooses its own code, and 403 is the code of the server's rights as well as of quotas and policies.
 */
import { apiStatus, causeOf, explain, httpStatus } from './errors.ts';

/** Who refused a write. All of them but `rights` may allow the same write later. */
export type Refuser =
  /** An admission webhook denied it. */
  | 'webhook'
  /** An admission webhook that must be asked does not answer. */
  | 'unreachable-webhook'
  /** A ValidatingAdmissionPolicy or a MutatingAdmissionPolicy denied it. */
  | 'policy'
  /** A quota is full, or not counted yet. */
  | 'quota'
  /** The namespace is being deleted. */
  | 'terminating-namespace'
  /** Another part of the server's admission denied it. */
  | 'admission'
  /** The server has too much to do, or is not ready. */
  | 'overload'
  /** We lack the right. */
  | 'rights';

export type Refusal = {
  readonly by: Refuser;
  /** The webhook, policy or quota; empty for the others. */
  readonly name: string;
  /** One sentence in the words of the refuser, such as `webhook "db.example.com" denies it: the primary still moves`. */
  readonly said: string;
};

/** Who refused a write; undefined for other errors, such as an invalid object, a conflict or a broken connection. */
export function refusalOf(error: unknown): Refusal | undefined {
  const code = httpStatus(error);
  if (code === undefined) return undefined;
  const text = explain(error);
  const named = NAMED.map((each) => each(text)).find((refusal) => refusal !== undefined);
  if (named) return named;
  if (code === 429 || code === 503)
    return { by: 'overload', name: '', said: `the API server is overloaded: ${text}` };
  if (code !== 403) return undefined;
  if (causeOf(error, 'NamespaceTerminating'))
    return { by: 'terminating-namespace', name: '', said: 'its namespace is being deleted' };
  // Every authorizer answers in this form. Without a message nothing but the code is known.
  const byRights = / is forbidden: User "[^"]*" cannot /.test(text) || !apiStatus(error).message;
  return { by: byRights ? 'rights' : 'admission', name: '', said: text };
}

/** Whether the same write may succeed later: nothing is wrong with it, and we have the right. */
export function isForNow({ by }: Refusal): boolean {
  return by !== 'rights';
}

type Recognize = (text: string) => Refusal | undefined;

/** In this order: a denial quotes whatever its webhook says. */
const NAMED: readonly Recognize[] = [
  recognize(
    /admission webhook "([^"]+)" denied the request(?:: (.*)| (without explanation))/s,
    (name, said) => ({
      by: 'webhook',
      name,
      said: `webhook "${name}" denies it: ${said}`,
    }),
  ),
  recognize(/failed calling webhook "([^"]+)"[:;] (.*)/s, (name, said) => ({
    by: 'unreachable-webhook',
    name,
    said: `webhook "${name}" must be asked and does not answer: ${said}`,
  })),
  recognize(/[Pp]olicy ['"]([^'"]+)['"](?: with binding '[^']+')? denied request: (.*)/s, (name, said) => ({
    by: 'policy',
    name,
    said: `policy "${name}" denies it: ${said}`,
  })),
  recognize(/ is forbidden: exceeded quota: ([^,]+), (.*)/s, (name, said) => ({
    by: 'quota',
    name,
    said: `quota "${name}" is full: ${said}`,
  })),
  recognize(/ is forbidden: status unknown for quota: ([^,]+), (.*)/s, (name, said) => ({
    by: 'quota',
    name,
    said: `quota "${name}" is not counted yet: ${said}`,
  })),
];

function recognize(form: RegExp, refusal: (name: string, said: string) => Refusal): Recognize {
  return (text) => {
    const found = form.exec(text);
    return found ? refusal(found[1] ?? '', found[2] ?? found[3] ?? '') : undefined;
  };
}
