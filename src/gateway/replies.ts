/**
 * The HTTP server by which the managers of projects answer: the project routes of Fenix (fenix.md §2.2), each below the
 * token of its project (reply-links.ts). There is no other way in, and nothing about other projects to be read.
 */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { boundedServer, hasBody, listen } from '../http/bounded-server.ts';
import { isReplyToken, MAINTENANCE } from '../tenants/reply-links.ts';
import type { GivenReply, ReplyPort } from '../tenants/reply-port.ts';

export type ReplyServerOptions = {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** That of the links which projects were told. */
  readonly key: Uint8Array;
  readonly sessions: ReplyPort;
  /** Called with an error of `sessions`. The client only sees that there was one. */
  readonly failed: (error: unknown) => void;
};

export type ReplyServer = {
  /** The base URL, such as `http://127.0.0.1:8081`. */
  readonly address: string;
  /** Closes the server and its connections. Safe to call twice. */
  close(): Promise<void>;
};

/** An answer waits for the pass that judges it. */
const LONGEST_CONNECTION_MILLISECONDS = 30_000;
/** An answer that names 2,000 instances has half of it. */
const LARGEST_BODY_BYTES = 262_144;
const LONGEST_PARAMETER = 253;

const PROJECT_PATH = `/:token/${MAINTENANCE}/:session/:project`;
const INSTANCE_PATH = `${PROJECT_PATH}/:instance`;

const instance = z.string().min(1);
const path = z.object({
  ...{ token: z.string(), session: z.string(), project: z.string() },
  instance: instance.optional(),
});
const instancePath = path.extend({ instance });

const word = z.string().max(64);
const projectReply = z.looseObject({
  state: word,
  instance_actions: z.record(z.string().max(63), word).optional(),
});
const instanceReply = z.looseObject({ state: word, instance_action: word.optional() });

const PROJECT_FORM =
  'send JSON such as {"state": "ACK_MAINTENANCE"}, with "instance_actions": {"<instance>": "MIGRATE"} where actions are asked for';
const INSTANCE_FORM = 'send JSON such as {"state": "ACK_PLANNED_MAINTENANCE", "instance_action": "MIGRATE"}';
const NO_SUCH_LINK =
  'nobody was told this address: use instance_ids and reply_url exactly as the notification has them';

/** Serves the project routes. Throws when it cannot listen at the address. */
export async function startReplyServer(options: ReplyServerOptions): Promise<ReplyServer> {
  const { key, sessions, failed } = options;
  const server = boundedServer(LONGEST_CONNECTION_MILLISECONDS, {
    bodyLimit: LARGEST_BODY_BYTES,
    routerOptions: { maxParamLength: LONGEST_PARAMETER },
  });

  // Before a body is read, and for paths that are none.
  server.addHook('onRequest', async ({ params }, reply) =>
    wasTold(params, key) ? undefined : reply.code(404).send({ message: NO_SUCH_LINK }),
  );
  server.get(PROJECT_PATH, async (request, reply) => {
    if (hasBody(request)) return reply.code(400).send({ message: 'a GET has no body: leave it out' });
    const { session, project } = path.parse(request.params);
    const question = await sessions.questionOf(session, project);
    return question.kind === 'asked'
      ? { instance_ids: question.instances }
      : unanswered(reply, question.kind);
  });
  server.put(PROJECT_PATH, async (request, reply) => {
    const { session, project } = path.parse(request.params);
    const body = projectReply.safeParse(request.body);
    if (!body.success) return reply.code(400).send({ message: PROJECT_FORM });
    const { state, instance_actions: instanceActions } = body.data;
    return take(request, reply, { session, project, state, ...(instanceActions ? { instanceActions } : {}) });
  });
  server.put(INSTANCE_PATH, async (request, reply) => {
    const { session, project, instance } = instancePath.parse(request.params);
    const body = instanceReply.safeParse(request.body);
    if (!body.success) return reply.code(400).send({ message: INSTANCE_FORM });
    const { state, instance_action: action } = body.data;
    const instanceActions = action === undefined ? {} : { instanceActions: { [instance]: action } };
    return take(request, reply, { session, project, instance, state, ...instanceActions });
  });

  /** The body comes back as it was sent, as Fenix answers. */
  async function take(request: FastifyRequest, reply: FastifyReply, given: GivenReply): Promise<unknown> {
    const taken = await sessions.take(given);
    switch (taken.kind) {
      case 'accepted':
        return request.body;
      case 'refused':
        return reply.code(409).send({ message: taken.message });
      case 'unknown':
      case 'unavailable':
        return unanswered(reply, taken.kind);
    }
  }

  for (const [url, allow] of [
    [PROJECT_PATH, 'GET, PUT'],
    [INSTANCE_PATH, 'PUT'],
  ] as const)
    server.route({
      method: url === PROJECT_PATH ? ['POST', 'PATCH', 'DELETE'] : ['GET', 'POST', 'PATCH', 'DELETE'],
      url,
      // Before a body is read.
      onRequest: async (_request, reply) =>
        reply
          .code(405)
          .header('allow', allow)
          .send({ message: `this address takes ${allow}` }),
      handler: () => undefined,
    });
  server.setErrorHandler(async (error: FastifyError, _request, reply) => {
    const status = error.statusCode ?? 500;
    if (status < 500) return reply.code(status).send({ message: MESSAGES[status] ?? PROJECT_FORM });
    failed(error);
    return reply.code(500).send({ message: 'Careen could not take it: try again' });
  });

  const address = await listen(server, options, 'take answers');
  return {
    address,
    close: async () => {
      await server.close();
    },
  };
}

const MESSAGES: Readonly<Record<number, string>> = {
  413: `the body is larger than ${String(LARGEST_BODY_BYTES)} bytes`,
  415: 'the Content-Type must be application/json',
};

function unanswered(reply: FastifyReply, why: 'unknown' | 'unavailable'): FastifyReply {
  return why === 'unknown'
    ? reply.code(404).send({ message: NO_SUCH_LINK })
    : reply.code(503).header('retry-after', '1').send({ message: 'try again in a second' });
}

/** Whether a request has the token of its project in the session. */
function wasTold(params: unknown, key: Uint8Array): boolean {
  const { data } = path.safeParse(params);
  return data !== undefined && isReplyToken(key, data.token, data.session, data.project);
}
