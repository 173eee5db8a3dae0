import { ApiException } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { outcomeOf } from '../../../src/hostops/outcomes.ts';

const outcome = (code: number, message: string, details = {}) =>
  outcomeOf(new ApiException(code, 'x', { message, details }, {}), 'making Job n/j on w-1', 1_000);

describe('the outcome of a write that is refused', () => {
  it.each([
    [
      403,
      'jobs.batch "j" is forbidden: exceeded quota: q, requested: a=1, used: a=1, limited: a=1',
      'quota "q" is full: ',
    ],
    [403, 'admission webhook "w" denied the request: not at night', 'webhook "w" denies it: not at night'],
    [500, 'Internal error occurred: failed calling webhook "w": EOF', 'webhook "w" must be asked'],
    [
      422,
      "jobs.batch \"j\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no",
      'policy "p" denies it: no',
    ],
    [429, 'too many requests', 'the API server is overloaded'],
    [503, 'not ready', 'the API server is overloaded'],
  ])('for now is waited for: %i %s', (code, message, said) => {
    expect(outcome(code, message)).toMatchObject({ kind: 'blocked', retryAt: 2_000 });
    expect(outcome(code, message)).toHaveProperty(
      'reason',
      expect.stringContaining(`making Job n/j on w-1: ${said}`),
    );
  });

  it.each([
    [403, 'jobs.batch is forbidden: User "u" cannot create resource "jobs"', {}],
    [403, 'jobs.batch "j" is forbidden: …', { causes: [{ reason: 'NamespaceTerminating' }] }],
    [422, 'Job.batch "j" is invalid: spec.template: Required value', {}],
  ])('for good ends in its own words: %i %s', (code, message, details) => {
    expect(outcome(code, message, details)).toEqual({
      kind: 'refused',
      reason: `making Job n/j on w-1: ${message}`,
    });
  });

  it('waits no longer than half a minute for a webhook that asks for more', () => {
    expect(
      outcome(429, 'admission webhook "w" denied the request: no', { retryAfterSeconds: 3600 }),
    ).toMatchObject({
      retryAt: 31_000,
    });
  });
});
