import { z } from 'zod';
import type { CrdDefinition } from './schema/custom-resource-definition.ts';
import { MAINTENANCE_NOTICE } from './names.ts';
import { observedGeneration, objectName, namespaceName, seconds, text, time } from './schema/schema.ts';
import { LONGEST_TEXT } from './text/status-text.ts';
import { ASKED_STATES, MOVE_ACTIONS, SESSION_STATES } from './vocabulary.ts';

/** How many instances of a project a notice shows. */
export const MOST_SHOWN_INSTANCES = 500;

const question = z.int().min(0).max(1_000_000);
const uid = text(63).describe('The uid of the instance.');
const actions = z
  .record(z.string().max(63), z.enum(MOVE_ACTIONS))
  .meta({ maxProperties: 1000 })
  .describe(
    'How each instance that is asked about is moved, by its uid, where the question asks that. MIGRATE: Careen moves it. ' +
      'LIVE_MIGRATE: it moves while it runs. OWN_ACTION: you replace it yourself. Without meaning in a NACK.',
  );

const reply = z
  .object({
    question: question.describe('The number of the question: status.question.number.'),
    answer: z.enum(['ACK', 'NACK']).describe('ACK: we agree. NACK: we refuse, and the session fails.'),
    instanceActions: actions.optional(),
  })
  .describe('The answer to the last question. One to another question, or a second one, changes nothing.');
export type NoticeReply = z.infer<typeof reply>;

export const noticeSpec = z
  .object({
    reply: reply.optional(),
    extension: z
      .object({
        question: question.describe('The number of the question: status.question.number.'),
        seconds: seconds(1, 86400).describe('How much later the answer may come.'),
      })
      .optional()
      .describe('Asks for more time for the answer, as far as the pool allows (spec.tenants.extendSeconds).'),
  })
  .describe('What the project says. Careen never writes it.');
export type NoticeSpec = Readonly<z.infer<typeof noticeSpec>>;

const shownInstance = z
  .object({
    uid,
    name: text(253).describe('Its name.'),
    host: objectName().optional().describe('The host that it is on; absent when it is gone.'),
    plan: z
      .enum(['stays', 'planned', 'asked', 'moving', 'moved', 'gone'])
      .describe(
        'stays: nothing is planned for it. planned: its host is to be maintained, and it moves before that. asked: you are ' +
          'asked how it moves. moving: it is moved. moved: it has left its host; another one that it is on is in host. gone: it does not exist any more.',
      ),
    action: z.enum(MOVE_ACTIONS).optional().describe('How it moves.'),
  })
  .describe('One instance of the project on the hosts of the session.');
export type ShownInstance = z.infer<typeof shownInstance>;

export const noticeStatus = z
  .object({
    observedGeneration: observedGeneration(),
    message: z
      .string()
      .max(LONGEST_TEXT)
      .optional()
      .describe('What is expected of you now, in one sentence.'),
    session: z
      .object({
        namespace: namespaceName().describe('Its namespace.'),
        name: objectName().describe('Its name.'),
        state: z.enum(SESSION_STATES).describe('Its state.'),
        startsAt: time().optional().describe('When hosts may be closed and instances moved.'),
        metadata: z
          .record(z.string().max(63), z.string().max(255))
          .meta({ maxProperties: 32 })
          .describe('What the administrator tells.'),
      })
      .optional()
      .describe('The session of maintenance.'),
    project: text(253).optional().describe('The project that is told.'),
    question: z
      .object({
        number: question.describe('Its number. An answer names it.'),
        asks: z.enum(ASKED_STATES).describe('What is asked.'),
        since: time().describe('When it was asked.'),
        replyBy: time().describe('When the answer is due.'),
        allowedActions: z.array(z.enum(MOVE_ACTIONS)).max(3).describe('What may be chosen for an instance.'),
        instances: z.array(uid).max(1000).describe('The uids of the instances that it is about.'),
        silence: text(256).describe('What happens without an answer.'),
      })
      .optional()
      .describe('The last question.'),
    answer: z
      .enum(['awaited', 'ACK', 'NACK', 'assumed'])
      .optional()
      .describe('What was answered to it. assumed: there was no answer, and the session went on.'),
    lastReply: z
      .object({
        question: question.describe('The question that it answered.'),
        accepted: z.boolean().describe('Whether it counts.'),
        message: text(1024).describe('What became of it, or what would be right.'),
        time: time().describe('When it was judged.'),
      })
      .optional()
      .describe('What became of spec.reply.'),
    instances: z
      .array(shownInstance)
      .max(MOST_SHOWN_INSTANCES)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['uid'] })
      .describe('The instances of the project, and what is planned for them or was done.'),
  })
  .describe('What Careen tells the project.');
export type NoticeStatus = z.infer<typeof noticeStatus>;

/** A notice as it is stored. */
export type Notice = {
  readonly namespace: string;
  readonly name: string;
  readonly generation: number;
  readonly spec: NoticeSpec;
  readonly status: NoticeStatus;
};

export const maintenanceNoticeDefinition: CrdDefinition = {
  kind: MAINTENANCE_NOTICE,
  plural: 'maintenancenotices',
  singular: 'maintenancenotice',
  shortNames: ['notice'],
  categories: [],
  scope: 'Namespaced',
  description:
    'A MaintenanceNotice tells a project of a maintenance session, and takes its answers. Careen makes one in the ' +
    'namespace of each project; status says what is asked, and spec.reply answers.',
  spec: noticeSpec,
  status: noticeStatus,
  columns: [
    { name: 'Session', type: 'string', jsonPath: '.status.session.name', description: 'The session' },
    { name: 'State', type: 'string', jsonPath: '.status.session.state', description: 'Its state' },
    { name: 'Asks', type: 'string', jsonPath: '.status.question.asks', description: 'The last question' },
    { name: 'Answer', type: 'string', jsonPath: '.status.answer', description: 'What was answered' },
    { name: 'Reply-By', type: 'string', jsonPath: '.status.question.replyBy', description: 'When it is due' },
    { name: 'Project', type: 'string', jsonPath: '.status.project', description: 'The project', priority: 1 },
    {
      ...{ name: 'Message', type: 'string', jsonPath: '.status.message' },
      ...{ description: 'What is expected of you', priority: 1 },
    },
  ],
};
