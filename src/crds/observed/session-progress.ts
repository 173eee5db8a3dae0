/** What the status of a session shows besides its stages. The words are those of Fenix (fenix.md §3, §4). */
import { z } from 'zod';
import { objectName, text, time } from '../schema/schema.ts';
import { MOST_DOWNLOADED_BYTES } from '../spec/downloads.ts';
import { ASKED_STATES, MOVE_ACTIONS, SESSION_HOST_TYPES, SESSION_STATES } from '../vocabulary.ts';
import { index } from './step-status.ts';

const MANY = 10_000;
const project = text(253).describe('The id of the project: a namespace, or a project of Keystone.');
const uid = text(63);
const uids = z
  .array(uid)
  .max(MANY)
  .meta({ 'x-kubernetes-list-type': 'atomic' })
  .describe('The uids of the instances that it is about.');
const host = objectName().describe('The host.');

const sessionHost = z
  .object({
    name: host,
    type: z.enum(SESSION_HOST_TYPES).describe('Only compute hosts are emptied and taken out of service.'),
    maintained: z.boolean().describe('Whether its actions have succeeded.'),
  })
  .describe('One host of the session.');

const closedHost = z
  .object({
    name: host,
    closedToNewWorkBefore: z.boolean().describe('Whether it took no new work before.'),
    since: time().describe('When the session closed it.'),
  })
  .describe('A host that this session has closed to new work.');

const answer = z
  .object({
    kind: z.enum(['ACK', 'NACK']).describe('ACK: it agrees. NACK: it refuses, and the session fails.'),
    actions: z
      .record(z.string(), z.enum(MOVE_ACTIONS))
      .describe('How each instance is moved, by its uid.')
      .meta({ maxProperties: MANY }),
    assumed: z
      .literal(true)
      .optional()
      .describe('Set where the project was silent, and the session went on.'),
  })
  .describe('Its answer.');

const share = z
  .object({
    vcpus: z.number().describe('So much room.'),
    instances: uids.describe('The uids of instances that would do. The project may give up others.'),
  })
  .describe(
    'What the project can give up so that a host can be emptied, while its groups keep enough members.',
  );

const extendedSeconds = z.int().min(0).max(86400).optional().describe('By how much its answer was put off.');

const resourceMitigation = z
  .literal(true)
  .optional()
  .describe('Set where its resources are to be made up for while it is away.');

const instanceQuestion = z
  .object({
    instance: uid.describe('The uid of the instance.'),
    host: host.describe('Where it was when its owner was asked.'),
    project,
    question: z
      .int()
      .min(0)
      .max(1_000_000)
      .optional()
      .describe(
        'The number of the question. Left out where nobody was asked: its constraint is the consent.',
      ),
    asked: z.enum(ASKED_STATES).describe('What its owner was asked.'),
    askedAt: time().describe('When its owner was asked.'),
    replyBy: time().describe('When the answer is due.'),
    extendedSeconds,
    migrationType: z.enum(MOVE_ACTIONS).describe('How it is moved where the answer does not say.'),
    resourceMitigation,
    groups: z
      .array(text(512))
      .max(64)
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe('Its groups. It counts as an affected member of each.'),
    answer: z
      .object({
        kind: z
          .enum(['ACK', 'NACK'])
          .describe('ACK: its owner agrees. NACK: it refuses, and the session fails.'),
        action: z.enum(MOVE_ACTIONS).optional().describe('How it is moved.'),
        assumed: z.literal(true).optional().describe('Set where nobody was asked, or nobody answered.'),
      })
      .optional()
      .describe('The answer.'),
  })
  .describe('One instance that has not left its host, and what its owner was asked.');

const recovery = z
  .object({
    instance: uid.describe('The uid of the instance.'),
    group: text(512).describe('The group of which it counts as an affected member.'),
    until: time().describe('When that ends.'),
  })
  .describe('An instance that recovers from its move.');

/** What counts as affected because of a session, whatever becomes of its run. */
const affected = {
  questions: z
    .array(instanceQuestion)
    .max(MANY)
    .default([])
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['instance'] })
    .describe('The single instances whose owners were asked, until they have left.'),
  recovering: z
    .array(recovery)
    .max(MANY)
    .default([])
    .meta({ 'x-kubernetes-list-type': 'atomic' })
    .describe('The instances that count as affected members of their groups after their moves.'),
};

export const affectedBefore = z
  .object(affected)
  .describe('The instances that the runs before have moved, while they count as affected.');

const projectProgress = z
  .object({
    id: project,
    question: z.int().min(0).max(1_000_000).describe('The number of the question. An answer names it.'),
    asked: z.enum(ASKED_STATES).describe('What it was asked last.'),
    askedAt: time().describe('When it was asked.'),
    replyBy: time().describe('When its answer is due.'),
    extendedSeconds,
    instances: uids,
    give: share.optional(),
    answer: answer.optional(),
  })
  .describe('One project, and what it was asked last.');

const move = z
  .object({
    instance: uid.describe('The uid of the instance.'),
    host: host.describe('The host that it leaves.'),
    project,
    action: z.enum(MOVE_ACTIONS).describe('How it is moved.'),
    done: z.boolean().describe('Whether it has left its host.'),
    overran: z.literal(true).optional().describe('Set where it takes longer than its constraint allows.'),
  })
  .describe('An instance of the open stage that is moved.');

const storedDownload = z
  .object({
    name: text(63).describe('Its name.'),
    sizeBytes: z.int().min(0).max(MOST_DOWNLOADED_BYTES).describe('How many bytes it has.'),
    objects: z
      .array(objectName())
      .max(64)
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe('The ConfigMaps that hold it, in the order of its parts.'),
  })
  .describe('One download.');
export type StoredDownload = Readonly<z.infer<typeof storedDownload>>;

const eventId = text(16).describe('Its number, by which a receiver notices a repetition.');
/** One form for all types of events: a structural schema has no alternatives. */
const event = z
  .object({
    id: eventId,
    type: z.enum(['project', 'host', 'session']).describe('Whom it is told about.'),
    state: text(32).describe('What is told.'),
    project: project.optional(),
    host: host.optional(),
    instances: uids.optional(),
    allowedActions: z.array(z.enum(MOVE_ACTIONS)).max(3).optional().describe('What may be chosen.'),
    replyBy: time().optional().describe('When the answer is due.'),
    actionsAt: time().optional().describe('When Careen acts.'),
    instance: uid.optional().describe('The instance about which alone it is asked.'),
    migrationType: z
      .enum(MOVE_ACTIONS)
      .optional()
      .describe('How that is moved where the answer does not say.'),
    resourceMitigation,
    give: share.optional(),
    percentDone: z.int().min(0).max(100).optional().describe('The percentage of maintained hosts.'),
  })
  .describe('Something to tell that is not delivered yet.');

export const sessionProgress = z
  .object({
    state: z.enum(SESSION_STATES).describe('The state of the session, in the words of Fenix.'),
    previousState: z
      .enum(SESSION_STATES)
      .optional()
      .describe('The state before; a failed session goes on there.'),
    maintained: text(32)
      .optional()
      .describe('How many compute hosts are maintained, and how many there are, such as 2/5.'),
    nextDeadline: time().optional().describe('When the first answer that is awaited is due.'),
    hosts: z
      .array(sessionHost)
      .max(MANY)
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
      .describe('The hosts, in the order in which they are maintained.'),
    closed: z
      .array(closedHost)
      .max(MANY)
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
      .describe('The hosts that take no new work because of this session. They are opened when it ends.'),
    projects: z
      .array(projectProgress)
      .max(MANY)
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['id'] })
      .describe('The projects that were asked last.'),
    asking: z
      .object({
        stage: index.describe('The number of the stage.'),
        attempt: z.int().min(1).max(1_000_000).describe('Its attempt.'),
      })
      .optional()
      .describe('The stage that has asked the questions shown here.'),
    agreed: z
      .array(
        z
          .object({
            id: text(253).describe('The id of the project.'),
            question: z.int().min(0).max(1_000_000).describe('The number of the question.'),
          })
          .describe('A project that has answered with ACK.'),
      )
      .max(MANY)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['id'] })
      .describe(
        'The projects that agreed when projects were asked before: a notice may not have shown that yet.',
      ),
    members: z
      .array(project)
      .max(MANY)
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe('All projects that were told of the session at its begin.'),
    ...affected,
    moves: z
      .array(move)
      .max(MANY)
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe('The instances of the open stage that are moved.'),
    downloads: z
      .array(storedDownload)
      .max(16)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
      .describe('The downloads that are fetched, checked and stored.'),
    scaleIn: z
      .object({
        room: z.number().describe('The free room on all hosts at the last such round.'),
        rounds: z.int().min(0).max(1000).describe('How many rounds in a row.'),
      })
      .optional()
      .describe(
        'How often in a row projects agreed to scale in and gave nothing up, and the free room then.',
      ),
    events: z
      .array(event)
      .max(MANY)
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe('What is to be told and is not delivered yet.'),
    told: z.int().min(0).max(1_000_000).describe('How many events there were.'),
  })
  .describe('What is particular to a session: its state, its hosts and its projects.');
export type SessionStatus = z.infer<typeof sessionProgress>;
