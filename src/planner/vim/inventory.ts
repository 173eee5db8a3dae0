/** The input of a VIM plan: the answers to the queries of the VIM. The order of the answers counts. */
import { z } from 'zod';

const name = z.string().min(1);
const names = z.array(name);

const personality = z.array(z.enum(['controller', 'worker', 'storage', 'swift'])).min(1);

const host = z.object({
  name,
  uuid: name,
  /** The personality in the inventory; all-in-one nodes are controller and worker. */
  personality,
  adminState: z.enum(['locked', 'unlocked']),
  operState: z.enum(['enabled', 'disabled']),
  availStatus: z.string(),
  /** The labels openstack-compute-node and openstack-control-plane. */
  openstackCompute: z.boolean(),
  openstackControl: z.boolean(),
});

export const patchHost = host.extend({
  /** The answer of the patch service for the host; its personality may differ from the inventory. */
  patch: z.object({
    personality: personality.optional(),
    requiresReboot: z.boolean(),
    patchCurrent: z.boolean(),
    interimState: z.boolean().default(false),
  }),
});

export const upgradeHost = host.extend({ softwareLoad: z.string() });

/** A host that the patch service lists, after all others, and that is not in the inventory. */
export const foreignPatchHost = z.object({ name });

/** Names need not be unique: the uuid identifies an instance. */
const instance = z.object({
  name,
  uuid: name,
  host: name,
  /** `locked` means stopped by a user. */
  adminState: z.enum(['locked', 'unlocked']),
});

const alarm = z.object({
  alarmId: name,
  /** Only the string `False` means not management-affecting (starlingx-vim.md §6.1). */
  mgmtAffecting: z.unknown(),
});

/** The part of the inventory that both kinds of strategy read. */
export const platform = z.object({
  singleController: z.boolean(),
  /** The host on which the planner runs. */
  activeController: name,
  /** If false, no host has a configured compute service, whatever its label. */
  openstackInstalled: z.boolean(),
  /** Alarms of the site configuration that do not count. */
  ignoreAlarms: names.default([]),
  alarms: z.array(alarm).default([]),
  instances: z.array(instance).default([]),
  instanceGroups: z
    .array(z.object({ uuid: name, name, policies: z.array(z.string()), memberUuids: names }))
    .default([]),
  hostGroups: z.array(z.object({ name, policies: z.array(z.string()), memberNames: names })).default([]),
  hostAggregates: z.array(z.object({ name, hostNames: names })).default([]),
});

export type Personality = z.infer<typeof personality>[number];
export type Host = Readonly<z.infer<typeof host>>;
export type PatchHost = Readonly<z.infer<typeof patchHost>>;
export type UpgradeHost = Readonly<z.infer<typeof upgradeHost>>;
export type Instance = Readonly<z.infer<typeof instance>>;
export type Alarm = Readonly<z.infer<typeof alarm>>;
export type Platform = Readonly<z.infer<typeof platform>>;
export type Inventory = Platform & {
  readonly hosts: readonly Host[];
  readonly extraPatchHosts?: readonly { readonly name: string }[];
};
