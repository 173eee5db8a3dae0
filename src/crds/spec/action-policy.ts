import { z } from 'zod';
import { downloadPolicy } from './downloads.ts';
import { objectName, rules, seconds, text } from '../schema/schema.ts';

const imagePattern = text(512).meta(
  rules({
    rule: "self.matches('^[^*[:space:]]*[*]?$')",
    message: 'must be an image, or a prefix that ends with *, such as "registry.example.com/patches/*"',
  }),
);

const pathPrefix = text(256).meta(
  rules({
    rule: "self.matches('^(/|(/([^/.]|[.][^/.]|[.][.][^/])[^/]*)+)$')",
    message: 'must be an absolute path without "//", "." and "..", such as /var/lib/careen',
  }),
);

const keyPattern = text(317).regex(
  /^[-A-Za-z0-9_./]*[*]?$/,
  'expected a key, or a prefix that ends with *, such as example.com/*',
);

const device = text(317).regex(
  /^[A-Za-z0-9]([-A-Za-z0-9_./]*[A-Za-z0-9])?$/,
  'expected the name of a resource, such as example.com/gpu, or of a ResourceClaim',
);

/** Every type of volume that a pod may have. */
export const VOLUME_TYPES = [
  'awsElasticBlockStore',
  'azureDisk',
  'azureFile',
  'cephfs',
  'cinder',
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'fc',
  'flexVolume',
  'flocker',
  'gcePersistentDisk',
  'gitRepo',
  'glusterfs',
  'hostPath',
  'image',
  'iscsi',
  'nfs',
  'persistentVolumeClaim',
  'photonPersistentDisk',
  'portworxVolume',
  'projected',
  'quobyte',
  'rbd',
  'scaleIO',
  'secret',
  'storageos',
  'vsphereVolume',
] as const;

/** They hold nothing of others, or another rule decides what they may hold. */
export const DEFAULT_VOLUMES: readonly (typeof VOLUME_TYPES)[number][] = [
  'configMap',
  'downwardAPI',
  'emptyDir',
  'hostPath',
  'image',
  'projected',
  'secret',
];

const SET = { 'x-kubernetes-list-type': 'set' };
const WITH_A_RULE = 'Left out, in a policy with any rule';

/**
 * The administrator's limits on the actions of strategies in a pool, that is, on `template` of their Jobs. A rule that
 * is left out has a default for a policy without rules, and a stricter one for a policy with any (`allowedBy`).
 */
export const actionPolicy = z
  .object({
    images: z
      .array(imagePattern)
      .max(64)
      .optional()
      .meta(SET)
      .describe(
        'The images that Jobs may run. An entry matches exactly, or as a prefix if it ends with *. ' +
          'Left out: any image.',
      ),
    requireDigests: z
      .boolean()
      .default(false)
      .describe(
        'Whether images must be named by their digest (IMAGE@sha256:…). Behind a tag others may put another image.',
      ),
    requireImmutableConfigMaps: z
      .boolean()
      .default(false)
      .describe(
        'Whether each ConfigMap that a pod of a Job uses must exist and be immutable, before the plan is made and ' +
          'before each stage.',
      ),
    privileged: z
      .boolean()
      .default(true)
      .describe(
        'Whether pods of Jobs may be privileged: run as privileged, use namespaces, ports or block devices of the ' +
          'host, have probes or hooks that ask other addresses, add capabilities, escalate privileges, or weaken ' +
          'seccomp, AppArmor, SELinux, procMount or sysctls.',
      ),
    hostMounts: z
      .array(pathPrefix)
      .max(64)
      .optional()
      .meta(SET)
      .describe(
        'The paths of the host that Jobs may mount (hostPath), with all paths below them. It is no real limit while ' +
          `privileged is true. Left out: any path. ${WITH_A_RULE} and privileged: false: none.`,
      ),
    volumes: z
      .array(z.enum(VOLUME_TYPES))
      .max(VOLUME_TYPES.length)
      .optional()
      .meta(SET)
      .describe(
        'The types of volumes that pods of Jobs may have; hostMounts, secrets and images still decide what is in ' +
          `them. Left out: any. ${WITH_A_RULE}: ${DEFAULT_VOLUMES.join(', ')}.`,
      ),
    serviceAccounts: z
      .array(objectName())
      .max(64)
      .default([])
      .meta(SET)
      .describe(
        'The service accounts that pods of Jobs may run as. Other pods get no token for the API server.',
      ),
    secrets: z
      .array(objectName())
      .max(64)
      .default([])
      .meta(SET)
      .describe(
        'The Secrets that pods of Jobs may read, in variables or volumes. imagePullSecrets are not restricted: the ' +
          'pod cannot read them.',
      ),
    priorityClasses: z
      .array(objectName())
      .max(64)
      .optional()
      .meta(SET)
      .describe(
        'The priority classes that pods of Jobs may have. A pod of a high class drives others out, past their ' +
          `disruption budgets. Left out: any. ${WITH_A_RULE}: none.`,
      ),
    runtimeClasses: z
      .array(objectName())
      .max(64)
      .optional()
      .meta(SET)
      .describe(`The runtime classes that pods of Jobs may have. Left out: any. ${WITH_A_RULE}: none.`),
    devices: z
      .array(device)
      .max(64)
      .optional()
      .meta(SET)
      .describe(
        'The resources besides cpu, memory and ephemeral-storage that Jobs may take (example.com/gpu, hugepages-2Mi), ' +
          'and the ResourceClaims and ResourceClaimTemplates that they may use, by name. Left out: any. ' +
          `${WITH_A_RULE}: none.`,
      ),
    labels: z
      .array(keyPattern)
      .max(64)
      .optional()
      .meta(SET)
      .describe(
        'The keys of labels that pods of Jobs may have besides those of Careen. An entry matches exactly, or as a ' +
          `prefix if it ends with *. Left out: any. ${WITH_A_RULE}: none.`,
      ),
    annotations: z
      .array(keyPattern)
      .max(64)
      .optional()
      .meta(SET)
      .describe(
        'The keys of annotations that pods of Jobs may have besides those of Careen. An entry matches exactly, or as ' +
          `a prefix if it ends with *. Left out: any. ${WITH_A_RULE}: none.`,
      ),
    maxGraceSeconds: seconds(30, 86400)
      .optional()
      .describe(
        'The longest terminationGracePeriodSeconds of pods of Jobs and of their probes. Left out: no bound.',
      ),
    downloads: downloadPolicy.optional(),
    workflows: z
      .array(text(63).regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'expected the name of a workflow'))
      .max(64)
      .optional()
      .meta(SET)
      .describe(
        'The workflows of your own that sessions may name (docs/reference/own-workflows.md). Those of Careen are always ' +
          'allowed. Left out: none.',
      ),
  })
  .prefault({})
  .describe(
    'The limits on the Jobs of strategies on the hosts of the pool. As soon as one rule has another value than its ' +
      'default, every field of the pod is refused that is not allowed on purpose.',
  );
export type ActionPolicy = z.infer<typeof actionPolicy>;

/** The rules about the pods of Jobs. The others are about sessions. */
export type PodPolicy = Omit<ActionPolicy, 'downloads' | 'workflows'>;
