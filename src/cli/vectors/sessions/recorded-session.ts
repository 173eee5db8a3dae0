/** A recorded session of Fenix (test/vectors/fenix/README.md, sessions.json). */
import { z } from 'zod';
import { instanceConstraintSpec } from '../../../crds/instance-constraint.ts';
import { instanceGroupConstraintSpec } from '../../../crds/instance-group-constraint.ts';

const instance = z.object({
  id: z.string(),
  host: z.string(),
  project: z.string(),
  size: z.number().default(1),
  floatingIp: z.boolean().default(false),
  /** Its constraint (fenix.md §2.3), where it has one: it is a member of a group of `world.groups`. */
  constraint: instanceConstraintSpec
    .pick({ groupRef: true, migrationType: true, maxInterruptionSeconds: true, leadTimeSeconds: true })
    .optional(),
});

const payload = z.looseObject({
  state: z.string().optional(),
  project_id: z.string().optional(),
  host: z.string().optional(),
  instance_ids: z.union([z.string(), z.array(z.string())]).nullish(),
  allowed_actions: z.array(z.string()).optional(),
  metadata: z.unknown().optional(),
});

/** Each entry has one of these keys. */
const entry = z.looseObject({
  state: z.string().optional(),
  notification: z.looseObject({ eventType: z.string(), payload }).optional(),
  http: z.looseObject({ method: z.string(), path: z.string(), body: z.unknown().optional() }).optional(),
  hostService: z.looseObject({ host: z.string(), schedulable: z.boolean() }).optional(),
  move: z.looseObject({ instance: z.string(), source: z.string(), target: z.string().optional() }).optional(),
  actionPlugin: z.looseObject({ plugin: z.string(), host: z.string(), state: z.string() }).optional(),
  tenant: z
    .looseObject({ project: z.string(), op: z.string().optional(), instance: z.string().optional() })
    .optional(),
});
export type TraceEntry = z.infer<typeof entry>;

const states = z.union([z.string(), z.array(z.string())]).optional();

const tenant = z.looseObject({
  moveAction: z.string().default('MIGRATE'),
  scaleInInstances: z.int().min(0).default(0),
  refuses: states,
  silentOn: states,
  omitsInstanceActions: z.unknown().optional(),
  /** In SCALE_IN it gives up what it is shown to be able to spare. */
  givesShare: z.boolean().default(false),
});
export type RecordedTenant = z.infer<typeof tenant>;

export const recordedSession = z.looseObject({
  id: z.string(),
  world: z.looseObject({
    capacityPerHost: z.number(),
    computeHosts: z.array(z.string()),
    controllerHosts: z.array(z.string()).default([]),
    instances: z.array(instance).default([]),
    /** The constraints of groups, by the names that instances refer to; a group belongs to the project of its members. */
    groups: z.record(z.string(), instanceGroupConstraintSpec).default({}),
    /** How long a server takes to move. */
    moveSeconds: z.number().default(1),
    listeners: z.array(z.string()).optional(),
  }),
  replyTimesSeconds: z
    .looseObject({ project_maintenance_reply: z.number().min(1), project_scale_in_reply: z.number().min(1) })
    .default({ project_maintenance_reply: 20, project_scale_in_reply: 60 }),
  create: z.looseObject({
    maintenance_at: z.string(),
    hosts: z.array(z.string()).default([]),
    workflow: z.string().default('default'),
    metadata: z.unknown().optional(),
    actions: z
      .array(
        z.looseObject({
          plugin: z.string(),
          type: z.enum(['pre', 'host', 'compute', 'controller', 'post']),
        }),
      )
      .default([]),
  }),
  tenants: z.record(z.string(), tenant).default({}),
  trace: z.array(entry),
  endState: z.string(),
  instancesAfter: z.array(z.looseObject({ id: z.string(), host: z.string() })).optional(),
  hostsAfterDelete: z.array(z.looseObject({ host: z.string(), schedulable: z.boolean() })).optional(),
});
export type RecordedSession = z.infer<typeof recordedSession>;

export const sessionsFile = z.looseObject({ format: z.number(), sessions: z.array(z.unknown()) });

/** Whether a recorded list of states, or a single one, has this state. */
export function includesState(listed: RecordedTenant['refuses'], state: string): boolean {
  return listed === state || (Array.isArray(listed) && listed.includes(state));
}
