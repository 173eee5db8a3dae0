import { ApiException } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { isForNow, refusalOf } from '../../../src/kube/refusals.ts';

const answer = (
  code: number,
  message: string,
  causes: readonly { reason: string }[] = [],
): ApiException<string> =>
  new ApiException(
    code,
    'POST /x',
    JSON.stringify({ kind: 'Status', code, message, details: { causes } }),
    {},
  );

describe('who refused a write', () => {
  it.each([
    [
      403,
      'admission webhook "db.example.com" denied the request: the primary moves',
      'webhook',
      'db.example.com',
    ],
    [429, 'admission webhook "db.example.com" denied the request: not now', 'webhook', 'db.example.com'],
    [
      500,
      'admission webhook "db.example.com" denied the request without explanation',
      'webhook',
      'db.example.com',
    ],
    // A webhook may quote anything.
    [
      403,
      'admission webhook "q" denied the request: pods is forbidden: User "x" cannot get resource',
      'webhook',
      'q',
    ],
    [400, 'admission webhook "q" denied the request: failed calling webhook "z": no', 'webhook', 'q'],
    [
      500,
      'Internal error occurred: failed calling webhook "w": failed to call webhook: Post "https://w": EOF',
      'unreachable-webhook',
      'w',
    ],
    [
      422,
      "jobs.batch \"j\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no night work",
      'policy',
      'p',
    ],
    [403, "pods \"p\" is forbidden: policy 'm' with binding 'b' denied request: no", 'policy', 'm'],
    [403, 'pods "p" is forbidden: policy "m" denied request: no', 'policy', 'm'],
    // Codes that mean something else when the server itself answers.
    [404, 'admission webhook "w" denied the request: no such member', 'webhook', 'w'],
    [409, 'admission webhook "w" denied the request: the member moves', 'webhook', 'w'],
    [
      403,
      'jobs.batch "j" is forbidden: exceeded quota: q, requested: count/jobs.batch=1, used: count/jobs.batch=2, limited: count/jobs.batch=2',
      'quota',
      'q',
    ],
    [
      403,
      'jobs.batch "j" is forbidden: status unknown for quota: q, resources: count/jobs.batch',
      'quota',
      'q',
    ],
    [403, 'pods "p" is forbidden: some other plugin says no', 'admission', ''],
    [429, 'Too many requests, please try again later.', 'overload', ''],
    [503, 'the server is currently unable to handle the request', 'overload', ''],
  ])('%i %s', (code, message, by, name) => {
    const refusal = refusalOf(answer(code, message));
    expect(refusal).toMatchObject({ by, name });
    expect(refusal && isForNow(refusal)).toBe(true);
  });

  it('waits for nothing where we lack the right', () => {
    const text =
      'jobs.batch is forbidden: User "system:serviceaccount:a:b" cannot create resource "jobs" in API group "batch" in the namespace "c"';
    const refusal = refusalOf(answer(403, text));
    expect(refusal).toEqual({ by: 'rights', name: '', said: text });
    expect(refusal && isForNow(refusal)).toBe(false);
  });

  it('knows a namespace that is being deleted by its cause', () => {
    const error = answer(403, 'pods "p" is forbidden: unable to create new content', [
      { reason: 'NamespaceTerminating' },
    ]);
    expect(refusalOf(error)?.by).toBe('terminating-namespace');
  });

  it.each([
    [422, 'Job.batch "j" is invalid: spec.template.spec.containers[0].image: Required value'],
    [409, 'Operation cannot be fulfilled on jobs.batch "j"'],
    [404, 'namespaces "x" not found'],
    [500, 'Internal error occurred: etcd is slow'],
  ])('leaves other answers to others: %i %s', (code, message) => {
    expect(refusalOf(answer(code, message))).toBeUndefined();
  });

  it('says it in the words of the refuser', () => {
    expect(
      refusalOf(answer(403, 'admission webhook "w" denied the request: wait for\nthe standby'))?.said,
    ).toBe('webhook "w" denies it: wait for\nthe standby');
    expect(
      refusalOf(
        answer(
          403,
          'jobs.batch "j" is forbidden: exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0',
        ),
      )?.said,
    ).toBe('quota "q" is full: requested: pods=1, used: pods=0, limited: pods=0');
  });
});
