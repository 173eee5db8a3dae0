import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAbort, parseRequest } from '../../../src/crds/observed/request.ts';

const DIGEST = /^unreadable-[0-9a-f]{12}$/;
const asked = (fields: object): string => JSON.stringify({ id: 'q-7', ...fields });

describe('a request', () => {
  it.each([
    { verb: 'apply-all' },
    { verb: 'apply-all', plan: 'sha256:abc' },
    { verb: 'apply-stage', stage: 0 },
    { verb: 'apply-stage', stage: 2, plan: 'sha256:abc' },
    { verb: 'retry' },
    { verb: 'resume' },
    { verb: 'approve', plan: 'sha256:abc' },
    { verb: 'release-host', host: 'worker-3.example.com' },
    { verb: 'skip-host', host: 'worker-3.example.com' },
  ])('may be $verb', (fields) => {
    expect(parseRequest(asked(fields))).toEqual({ id: 'q-7', ...fields });
  });

  it.each([
    [{ verb: 'reboot-all' }, 'verb is "reboot-all", must be one of apply-all, apply-stage, retry, resume'],
    [{}, 'verb is missing, must be one of apply-all'],
    [{ verb: 'apply-stage' }, 'stage is missing, must be the id of a stage, a number from 0 to 9999'],
    [{ verb: 'apply-stage', stage: '2' }, 'stage is "2", must be the id of a stage'],
    [{ verb: 'apply-stage', stage: -1 }, 'stage is -1, must be the id of a stage'],
    [{ verb: 'approve' }, 'plan is missing, must be the digest of a plan, as in status.run.planDigest'],
    [{ verb: 'release-host', host: '' }, 'host is "", must be the name of a host'],
    [{ verb: 'retry', stage: 2, force: true }, 'verb retry takes no "stage" and 1 more'],
    [{ verb: 'apply-all', host: 'worker-3' }, 'verb apply-all takes no "host"'],
  ])('of %j is answered by its id, with the allowed values', (fields, sentence) => {
    expect(parseRequest(asked(fields))).toEqual({
      id: 'q-7',
      unreadable: expect.stringContaining(`annotation careen.dev/request: ${sentence}`) as string,
    });
  });

  it('names every problem', () => {
    expect(parseRequest('{"id":"a b","verb":"approve"}')).toMatchObject({
      unreadable: expect.stringMatching(/id is "a b", must be 1 to 63 letters.*; plan is missing/) as string,
    });
  });

  it.each(['', 'apply-all', '[1]', 'null', '"q"', '{"id":', '{"id":7,"verb":"retry"}', '{"verb":"retry"}'])(
    'of %j, which has no id, gets an id made from its text',
    (annotation) => {
      const { id } = parseRequest(annotation);
      expect(id).toMatch(DIGEST);
      expect(parseRequest(annotation).id).toBe(id);
      expect(parseRequest(`${annotation} `).id).not.toBe(id);
    },
  );

  it('is answered in any case, in few words and with an id that fits the status', () => {
    const anything = fc.oneof(
      fc.string({ maxLength: 5000 }),
      fc.json(),
      fc.object().map((fields) => asked({ verb: 'retry', ...fields })),
    );
    fc.assert(
      fc.property(anything, (annotation) => {
        const answer = parseRequest(annotation);
        expect(answer.id).toMatch(/^[A-Za-z0-9._-]{1,63}$/);
        if ('unreadable' in answer) expect(answer.unreadable.length).toBeLessThanOrEqual(1024);
      }),
    );
  });
});

describe('an abort', () => {
  it('applies to the whole run, or to one stage', () => {
    expect(parseAbort('q-7')).toEqual({ id: 'q-7' });
    expect(parseAbort('q-7/12')).toEqual({ id: 'q-7', stage: 12 });
  });

  it.each(['q-7/', 'q-7/two', 'q-7/-1', 'q-7/10000', 'q-7/1/2'])('of %j is answered by its id', (text) => {
    expect(parseAbort(text)).toEqual({
      id: 'q-7',
      unreadable: expect.stringContaining(
        `annotation careen.dev/abort is "${text}", must be an id`,
      ) as string,
    });
  });

  it.each(['', '/2', 'a b', 'q\n', 'x'.repeat(64)])(
    'of %j, which has no id, gets an id made from its text',
    (text) => {
      expect(parseAbort(text)).toMatchObject({ id: expect.stringMatching(DIGEST) as string });
    },
  );
});
