/** What Nova answers, in the parts that are read. An older Nova leaves out what it does not know yet. */
import { z } from 'zod';

const absent = z.null().transform(() => undefined);
/** Nova writes null, and older versions nothing. */
const text = z.union([z.string(), absent]).optional();
/** Nova's times are UTC; some say so. */
const time = z.string().transform((each) => (/Z$|[+-]\d\d:\d\d$/.test(each) ? each : `${each}Z`));
const maybeTime = z.union([time, absent]).optional();
const texts = z.record(z.string(), z.string());

export const serviceSchema = z
  .object({
    id: z.string().optional(),
    host: z.string(),
    binary: z.string(),
    zone: text,
    status: z.string(),
    state: z.string().default('unknown'),
    disabled_reason: text,
    updated_at: maybeTime,
    forced_down: z.boolean().default(false),
  })
  .transform(
    ({ disabled_reason: disabledReason, updated_at: updatedAt, forced_down: forcedDown, ...rest }) => ({
      ...rest,
      ...{ disabledReason, updatedAt, forcedDown },
    }),
  );
/**
 * A service such as `nova-compute`. `status` is `enabled` or `disabled`, and `state` is `up` or `down`. When the
 * database of its cell cannot be reached, it has no `id`, `status` is `UNKNOWN` and `state` is `unknown`.
 * `updatedAt` is undefined until its first report.
 */
export type ComputeService = Readonly<z.infer<typeof serviceSchema>>;

export const hypervisorSchema = z
  .object({
    id: z.string(),
    hypervisor_hostname: z.string(),
    service: z.object({ id: z.string(), host: z.string() }),
    hypervisor_type: text,
    hypervisor_version: z.number().nullish(),
    host_ip: text,
    uptime: text,
  })
  .transform((each) => ({
    id: each.id,
    hostname: each.hypervisor_hostname,
    /** The `host` of its service and of its servers. */
    serviceHost: each.service.host,
    type: each.hypervisor_type,
    version: each.hypervisor_version ?? undefined,
    hostIp: each.host_ip,
    /** The line of `uptime`; undefined when Nova cannot ask the host, and before microversion 2.88. */
    uptime: each.uptime,
  }));
export type Hypervisor = Readonly<z.infer<typeof hypervisorSchema>>;

export const aggregateSchema = z
  .object({ name: z.string(), availability_zone: text, hosts: z.array(z.string()), metadata: texts })
  .transform(({ availability_zone: zone, ...rest }) => ({ ...rest, zone }));
export type Aggregate = Readonly<z.infer<typeof aggregateSchema>>;

const flavorSchema = z
  .object({
    original_name: z.string(),
    vcpus: z.number(),
    ram: z.number(),
    disk: z.number(),
    ephemeral: z.number(),
    swap: z.number(),
    /** Missing without the right to see them. */
    extra_specs: texts.optional(),
  })
  .transform((each) => ({
    name: each.original_name,
    ...{
      vcpus: each.vcpus,
      ramMb: each.ram,
      diskGb: each.disk,
      ephemeralGb: each.ephemeral,
      swapMb: each.swap,
    },
    extraSpecs: each.extra_specs,
  }));

/** Empty for a server that boots from a volume; its properties since 2.98. */
const imageSchema = z.union([
  z.literal(''),
  z.object({ properties: z.record(z.string(), z.unknown()).default({}) }),
]);

const faultSchema = z.object({ code: z.number(), message: z.string(), created: maybeTime });

const HOST_KEY = 'OS-EXT-SRV-ATTR:host';

export const serverSchema = z
  .object({
    id: z.string(),
    name: z.string().default(''),
    tenant_id: z.string(),
    status: z.string(),
    created: time,
    hostId: text,
    locked: z.boolean().default(false),
    flavor: flavorSchema.optional(),
    image: imageSchema.nullish(),
    metadata: texts.default({}),
    fault: faultSchema.optional(),
    pinned_availability_zone: z.string().nullish(),
    scheduler_hints: z.record(z.string(), z.unknown()).nullish(),
    [HOST_KEY]: text,
    'OS-EXT-STS:task_state': text,
    'OS-EXT-STS:power_state': z.number().nullish(),
    'OS-EXT-AZ:availability_zone': text,
    'os-extended-volumes:volumes_attached': z.array(z.object({ id: z.string() })).default([]),
  })
  .transform((each) => ({
    id: each.id,
    name: each.name,
    projectId: each.tenant_id,
    /** The `host` of a service; undefined while it is not scheduled, or without the right to see it. */
    host: each[HOST_KEY],
    /** The same for the servers of a project on one host. */
    hostId: each.hostId,
    /** Such as `ACTIVE`; `UNKNOWN` when the database of its cell cannot be reached, and then little else is there. */
    status: each.status,
    taskState: each['OS-EXT-STS:task_state'],
    /** 1 is running, 4 is shut down. */
    powerState: each['OS-EXT-STS:power_state'] ?? undefined,
    locked: each.locked,
    createdAt: each.created,
    flavor: each.flavor,
    /** Whether its root disk is a volume, and takes nothing of its host. */
    bootsFromVolume: each.image === '',
    /** Empty when Nova does not say (before 2.98). */
    imageProperties: typeof each.image === 'object' ? (each.image?.properties ?? {}) : {},
    metadata: each.metadata,
    zone: each['OS-EXT-AZ:availability_zone'],
    /** Null when it is not pinned; undefined when Nova does not say (before 2.96). */
    pinnedZone: each.pinned_availability_zone,
    /** Undefined when Nova does not say (before 2.100). */
    schedulerHints: each.scheduler_hints === null ? {} : each.scheduler_hints,
    fault: each.fault,
    volumes: each['os-extended-volumes:volumes_attached'].map(({ id }) => id),
  }));
export type Server = Readonly<z.infer<typeof serverSchema>>;

/** Whether Nova keeps the host of a server from the user: it writes null for a server without one. */
export function hidesHost(server: unknown): boolean {
  if (typeof server !== 'object' || server === null || HOST_KEY in server) return false;
  return !('status' in server) || server.status !== 'UNKNOWN';
}

export const instanceActionSchema = z
  .object({ action: z.string(), user_id: text, start_time: time, request_id: text, message: text })
  .transform((each) => ({
    ...{ action: each.action, userId: each.user_id, startedAt: each.start_time },
    requestId: each.request_id,
    hasFailed: each.message === 'Error',
  }));
/** What somebody asked of a server: such as `stop` or `start`. `userId` is undefined where Nova acted by itself. */
export type InstanceAction = Readonly<z.infer<typeof instanceActionSchema>>;

/** The parts of an action, in any order; `details` since 2.84, for those that have failed. */
export const actionEventsSchema = z.object({
  events: z
    .array(
      z
        .object({ start_time: time, details: text })
        .transform(({ start_time: startedAt, details }) => ({ startedAt, details })),
    )
    .default([]),
});

export const shareSchema = z.object({ share_id: z.string() });

export const groupSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    project_id: z.string(),
    members: z.array(z.string()),
    policy: z.string().optional(),
    policies: z.array(z.string()).default([]),
    rules: z.object({ max_server_per_host: z.coerce.number().optional() }).default({}),
  })
  .transform((each) => ({
    ...{ id: each.id, name: each.name, projectId: each.project_id },
    /** The IDs of its servers. */
    members: each.members,
    /** Such as `anti-affinity` or `soft-affinity`. */
    policy: each.policy ?? each.policies[0],
    /** With `anti-affinity`: undefined means one. */
    maxServersPerHost: each.rules.max_server_per_host,
  }));
export type ServerGroup = Readonly<z.infer<typeof groupSchema>>;

export const migrationSchema = z
  .object({
    id: z.number(),
    uuid: z.string(),
    instance_uuid: z.string().optional(),
    server_uuid: z.string().optional(),
    status: z.string(),
    migration_type: z.string().default('live-migration'),
    source_compute: text,
    dest_compute: text,
    created_at: time,
    updated_at: maybeTime,
    user_id: text,
  })
  .transform((each) => ({
    ...{ id: each.id, uuid: each.uuid, server: each.instance_uuid ?? each.server_uuid ?? '' },
    /** Such as `running`, `post-migrating`, `finished`, `completed`, `error`, `failed`, `cancelled`. */
    status: each.status,
    /** `live-migration`, `migration` (cold), `resize` or `evacuation`. */
    type: each.migration_type,
    ...{ source: each.source_compute, dest: each.dest_compute },
    ...{ createdAt: each.created_at, updatedAt: each.updated_at },
    /** Who asked for it; undefined before microversion 2.80. */
    userId: each.user_id,
  }));
export type Migration = Readonly<z.infer<typeof migrationSchema>>;
