/** The spec of a MaintenanceSession: the fields of Fenix (fenix.md §2.1) in the idiom of Kubernetes. */
import { z } from 'zod';
import { drain, onForeignUncordon } from './drain.ts';
import { downloads } from './downloads.ts';
import { execution } from './execution.ts';
import { actionFields, ONE_ACTION } from './host-action.ts';
import { ACTION_METADATA_VARIABLE, DEFAULT_POOL } from '../names.ts';
import { objectName, rules, seconds, text, time } from '../schema/schema.ts';
import { ACTION_TYPES, SILENCE_POLICIES } from './session-terms.ts';
import { timing } from './timing.ts';

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const LABEL_IS = 'expected lower-case letters, digits and "-", a letter or digit at both ends';

const action = z
  .object({
    plugin: text(63)
      .regex(DNS_LABEL, LABEL_IS)
      .describe(
        'The name of the action, unique in the session. Actions on one host run in the order of their names.',
      ),
    type: z
      .enum(ACTION_TYPES)
      .describe(
        'Where it runs. host: on each compute host while it is empty, and on each controller, which keeps its work; before ' +
          'those of the next two types. compute: on each compute host. controller: on each controller. pre, post: once, ' +
          'before and after all others, on the first host of the session.',
      ),
    metadata: z
      .record(z.string().max(63), z.string().max(255))
      .optional()
      .meta({ maxProperties: 32 })
      .describe(
        `Told to the containers of the Job in the variable ${ACTION_METADATA_VARIABLE}, as JSON: what the action is to know.`,
      ),
    ...actionFields,
  })
  .meta(
    rules(ONE_ACTION, {
      rule: 'has(self.job) || !has(self.metadata)',
      message: 'metadata is told to a Job: a person who works by hand reads manual.message',
      fieldPath: '.metadata',
    }),
  )
  .describe('One action.');

const replies = z
  .object({
    replySeconds: seconds(1, 604800)
      .default(1800)
      .describe('How long a project has to answer MAINTENANCE, PREPARE_MAINTENANCE and PLANNED_MAINTENANCE.'),
    scaleInReplySeconds: seconds(1, 604800)
      .default(3600)
      .describe('How long a project has to answer SCALE_IN and MAINTENANCE_COMPLETE.'),
    onSilence: z
      .enum(SILENCE_POLICIES)
      .default('fail')
      .describe(
        'What it means that a project does not answer in time. fail: the session fails, and opens its hosts. proceed: ' +
          'the project agrees, and its instances are moved by MIGRATE. wait: the session waits on.',
      ),
  })
  .prefault({})
  .describe('How projects are asked.');

export const maintenanceSessionSpec = z
  .object({
    poolRef: objectName().default(DEFAULT_POOL).describe('The HostPool of the hosts.'),
    hosts: z
      .array(objectName())
      .max(500)
      .default([])
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe(
        'The hosts of the session, in the order in which they are maintained. Empty: all hosts of the pool. Workers are ' +
          'emptied and worked on; controllers keep their work, and actions of the types host and controller run there; ' +
          'others are left alone.',
      ),
    startState: z
      .literal('MAINTENANCE')
      .default('MAINTENANCE')
      .describe('The first state. As in Fenix, every session begins by telling its projects.'),
    maintenanceAt: time()
      .optional()
      .describe(
        'When hosts may be closed and instances moved, UTC, such as 2026-12-01T22:00:00Z. Projects are told before. Left ' +
          'out: as soon as all projects have agreed.',
      ),
    workflow: text(63)
      .regex(DNS_LABEL, LABEL_IS)
      .default('default')
      .describe(
        'How the session goes round its hosts: default, vnf, kubernetes (docs/reference/workflows.md), or a workflow that ' +
          'the administrator has added and the pool allows (docs/reference/own-workflows.md).',
      ),
    metadata: z
      .record(z.string().max(63), z.string().max(255))
      .default({})
      .meta({ maxProperties: 32 })
      .describe(
        'Told to the projects unchanged: which capability waits on a maintained host, such as openstack_release: Queens.',
      ),
    actions: z
      .array(action)
      .max(32)
      .default([])
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['plugin'] })
      .describe(
        'What is done on the hosts. Without any, each host is emptied, taken out of service and given back.',
      ),
    downloads,
    replies,
    drain,
    timing,
    onForeignUncordon,
    execution,
  })
  .describe('The hosts to maintain, how their projects are asked, and whether to begin.');
export type MaintenanceSessionSpec = z.infer<typeof maintenanceSessionSpec>;
