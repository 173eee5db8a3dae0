/** The server of answers, over real HTTP: its own rules, and the recorded exchanges of the project routes. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { AskedQuestion, GivenReply, ReplyPort, Taken } from '../../../src/tenants/reply-port.ts';
import { startReplyServer, type ReplyServer } from '../../../src/gateway/replies.ts';
import { replyLinks, type ReplyLinks } from '../../../src/tenants/reply-links.ts';
import { KEY } from '../tenants/told-events.ts';

const SESSION = '0e8f0d3c-6b1e-4c59-9a6d-7f1c2b3a4d5e';

/** Two projects that were asked MAINTENANCE, in one session. */
class ScriptedSessions implements ReplyPort {
  readonly taken: GivenReply[] = [];
  result: Taken | Error = { kind: 'accepted' };
  isNew = false;
  readonly #instances = new Map([
    ['A', ['A1', 'A2']],
    ['B', ['B1']],
  ]);

  async questionOf(session: string, project: string): Promise<AskedQuestion> {
    if (this.isNew) return { kind: 'unavailable' };
    const instances = this.#instances.get(project);
    return session === SESSION && instances ? { kind: 'asked', instances } : { kind: 'unknown' };
  }

  async take(reply: GivenReply): Promise<Taken> {
    if (this.result instanceof Error) throw this.result;
    const question = await this.questionOf(reply.session, reply.project);
    if (question.kind !== 'asked') return question;
    if (!['ACK_MAINTENANCE', 'NACK_MAINTENANCE', 'ACK_PLANNED_MAINTENANCE'].includes(reply.state))
      return {
        kind: 'refused',
        message: `state is ${reply.state}; it must be ACK_MAINTENANCE or NACK_MAINTENANCE`,
      };
    if (this.result.kind === 'accepted') this.taken.push(reply);
    return this.result;
  }
}

let sessions: ScriptedSessions;
let server: ReplyServer;
let links: ReplyLinks;
const errors: unknown[] = [];
beforeEach(async () => {
  sessions = new ScriptedSessions();
  errors.length = 0;
  server = await startReplyServer({
    ...{ host: '127.0.0.1', port: 0, key: KEY, sessions },
    failed: (error) => errors.push(error),
  });
  links = replyLinks(server.address, KEY);
});
afterEach(() => server.close());

async function ask(method: string, url: string, body?: unknown, type = 'application/json') {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(url, {
    method,
    ...(body === undefined ? {} : { body: text, headers: { 'Content-Type': type } }),
  });
  const answer = await response.text();
  return {
    status: response.status,
    body: answer === '' ? undefined : (JSON.parse(answer) as unknown),
    headers: response.headers,
  };
}
const put = (url: string, body: unknown) => ask('PUT', url, body);
const ofA = () => links.ofProject(SESSION, 'A');

describe('a project', () => {
  it('reads which instances it is asked about', async () => {
    expect(await ask('GET', ofA())).toMatchObject({ status: 200, body: { instance_ids: ['A1', 'A2'] } });
  });

  it('answers, and gets back what it sent', async () => {
    const body = {
      state: 'ACK_MAINTENANCE',
      instance_actions: { A1: 'MIGRATE' },
      session_id: SESSION,
      more: 1,
    };
    expect(await put(ofA(), body)).toMatchObject({ status: 200, body });
    expect(sessions.taken).toEqual([
      { session: SESSION, project: 'A', state: 'ACK_MAINTENANCE', instanceActions: { A1: 'MIGRATE' } },
    ]);
  });

  it('answers for one instance', async () => {
    const url = links.ofInstance(SESSION, 'A', 'A1');
    const body = { state: 'ACK_PLANNED_MAINTENANCE', instance_action: 'MIGRATE' };
    expect(await put(url, body)).toMatchObject({ status: 200, body });
    expect(await put(url, { state: 'ACK_PLANNED_MAINTENANCE' })).toMatchObject({ status: 200 });
    const answer = { session: SESSION, project: 'A', instance: 'A1', state: 'ACK_PLANNED_MAINTENANCE' };
    expect(sessions.taken).toEqual([{ ...answer, instanceActions: { A1: 'MIGRATE' } }, answer]);
  });

  it('cannot read or answer for another one with its own token', async () => {
    for (const [own, other] of [
      [ofA(), ofA().replace(/A$/, 'B')],
      [ofA(), ofA().replace(SESSION, 'another')],
      [ofA(), ofA().replace(/\/\/([^/]+)\/[^/]+\//, '//$1/guessed/')],
      [ofA(), ofA().replace(/\/\/([^/]+)\/[^/]+\//, '//$1/')],
    ] as const) {
      expect(other).not.toBe(own);
      for (const method of ['GET', 'PUT', 'POST', 'DELETE']) {
        const body = method === 'PUT' ? { state: 'ACK_MAINTENANCE' } : undefined;
        const answer = await ask(method, other, body);
        expect(answer).toMatchObject({
          status: 404,
          body: { message: expect.stringMatching(/^nobody was told/) as unknown },
        });
      }
    }
    expect(sessions.taken).toEqual([]);
  });

  it('is told what would be right, and nothing changes', async () => {
    expect(await put(ofA(), { state: 'ACK_SCALE_IN' })).toMatchObject({
      status: 409,
      body: { message: 'state is ACK_SCALE_IN; it must be ACK_MAINTENANCE or NACK_MAINTENANCE' },
    });
    const wrong = [
      {},
      { state: 7 },
      [],
      'ACK',
      '{"state"',
      { state: 'ACK_MAINTENANCE', instance_actions: ['A1'] },
    ];
    for (const body of wrong)
      expect(await put(ofA(), body)).toMatchObject({
        status: 400,
        body: { message: expect.stringMatching(/^send JSON such as/) as unknown },
      });
    expect(await put(links.ofInstance(SESSION, 'A', 'A1'), { instance_action: 'MIGRATE' })).toMatchObject({
      status: 400,
    });
    expect(await ask('PUT', ofA(), 'state=ACK', 'text/csv')).toMatchObject({ status: 415 });
    expect(await put(ofA(), { state: 'ACK_MAINTENANCE', pad: 'a'.repeat(300_000) })).toMatchObject({
      status: 413,
    });
    expect(sessions.taken).toEqual([]);
  });

  it('may try again when the answer cannot be taken now', async () => {
    sessions.result = { kind: 'unavailable' };
    const answer = await put(ofA(), { state: 'ACK_MAINTENANCE' });
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    sessions.result = new Error('the words of an error');
    const failed = await put(ofA(), { state: 'ACK_MAINTENANCE' });
    expect(failed).toMatchObject({ status: 500, body: { message: 'Careen could not take it: try again' } });
    expect(errors).toEqual([sessions.result]);
  });

  it('may ask again what it is asked when this process has not seen the session yet', async () => {
    sessions.isNew = true;
    expect((await ask('GET', ofA())).status).toBe(503);
  });

  it('may send no body with a GET', async () => {
    const request = httpRequest(ofA(), { method: 'GET', headers: { 'Content-Length': '2' } });
    request.end('{}');
    // A response is what the event of that name brings.
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.resume();
    expect(response.statusCode).toBe(400);
  });

  it('is told which methods there are', async () => {
    const project = await ask('DELETE', ofA());
    expect([project.status, project.headers.get('allow')]).toEqual([405, 'GET, PUT']);
    const instance = await ask('GET', links.ofInstance(SESSION, 'A', 'A1'));
    expect([instance.status, instance.headers.get('allow')]).toEqual([405, 'PUT']);
  });

  it('finds nothing elsewhere', async () => {
    for (const path of ['/', '/v1/maintenance', '/metrics', new URL(ofA()).pathname + '/'])
      expect((await ask('GET', server.address + path)).status).toBe(404);
  });
});

const vectors = z.object({
  vectors: z.array(
    z.object({
      id: z.string(),
      request: z.object({
        method: z.string(),
        path: z.string(),
        body: z.unknown().optional(),
        rawBody: z.string().optional(),
      }),
      response: z.object({ status: z.number(), body: z.unknown().optional() }),
      acceptStatus: z.array(z.number()),
    }),
  ),
});

const recorded = ['http.json', 'http-later.json']
  .flatMap(
    (file) => vectors.parse(JSON.parse(readFileSync(join('test', 'vectors', 'fenix', file), 'utf8'))).vectors,
  )
  .filter(({ request: { path } }) => /^\/v1\/maintenance\/[^/]+\/(?!detail$)[^/]+/.test(path));

describe('the recorded exchanges of the project routes', () => {
  const UNKNOWN = 'ffffffff-0000-1000-8000-000000000000';
  const filled = (text: string): string =>
    text
      .replaceAll('{session}', SESSION)
      .replaceAll('{unknown}', UNKNOWN)
      .replaceAll(/\{([AB][12]?)\}/g, '$1');

  it('are there', () => {
    expect(recorded.map(({ id }) => id)).toHaveLength(13);
  });

  it.each(recorded)('$id', async ({ id, request, response, acceptStatus }) => {
    if (id === 'project-put-after-failed')
      sessions.result = { kind: 'refused', message: 'the session has failed' };
    const [session = '', project = '', instance] = filled(request.path).split('/').slice(3);
    const url =
      instance === undefined
        ? links.ofProject(session, project)
        : links.ofInstance(session, project, instance);
    const body: unknown =
      request.body === undefined ? request.rawBody : JSON.parse(filled(JSON.stringify(request.body)));
    const answer = await ask(request.method, url, body);
    expect(acceptStatus).toContain(answer.status);
    if (answer.status === response.status && response.status === 200 && response.body !== undefined)
      expect(answer.body).toEqual(JSON.parse(filled(JSON.stringify(response.body))));
  });
});
