import { z } from 'zod';
import { DEFAULT_POOL } from './names.ts';
import { objectName, rules, seconds, stringMap, text } from './schema.ts';
import { EXECUTION_MODES, FOREIGN_UNCORDON_POLICIES, REBOOT } from './vocabulary.ts';

const podSpec = z
  .looseObject({
    containers: z
      .array(
        z.looseObject({
          name: text(63).describe('Name of the container.'),
          image: text(512).describe('Image of the container.'),
        }),
      )
      .min(1)
      .max(16)
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
      .describe(
        'The containers that do the work. A container that ends with another exit code than 0 fails the step.',
      ),
    nodeName: z.string().max(253).optional().describe('Must not be set: Careen sets it.'),
    nodeSelector: z.looseObject({}).optional().describe('Must not be set: Careen pins the pod to its host.'),
    affinity: z.looseObject({}).optional().describe('Must not be set: Careen pins the pod to its host.'),
    restartPolicy: z
      .string()
      .max(16)
      .optional()
      .describe('Never, or left out: Careen decides about another try.'),
  })
  .meta(
    rules(
      {
        rule: '!has(self.nodeName) && !has(self.nodeSelector) && !has(self.affinity)',
        message:
          'nodeName, nodeSelector and affinity must not be set: Careen pins the pod to the host it works on',
      },
      {
        rule: "!has(self.restartPolicy) || self.restartPolicy == 'Never'",
        message: 'restartPolicy must be Never or left out',
        fieldPath: '.restartPolicy',
      },
    ),
  )
  .describe(
    'A pod spec, as in any Pod. Careen adds nodeName, tolerations for the taints of a host under work, and ' +
      'restartPolicy Never.',
  );

const job = z
  .object({
    template: z
      .object({
        metadata: z
          .object({
            labels: stringMap(32, 63)
              .optional()
              .describe('Labels for the pod, beside those that Careen sets.'),
            annotations: stringMap(32, 4096).optional().describe('Annotations for the pod.'),
          })
          .optional()
          .describe('Metadata for the pod.'),
        spec: podSpec,
      })
      .describe('The pod that runs on the host, once; as in a Job.'),
  })
  .describe(
    'A Job that runs on the host: one pod, pinned to it, never restarted. It lives in the namespace of the strategy.',
  );
export type JobAction = z.infer<typeof job>;

const requirement = z
  .object({
    fact: z
      .string()
      .max(325)
      .regex(
        /^(nodeInfo\.(kernelVersion|osImage|kubeletVersion|containerRuntimeVersion|architecture|operatingSystem)|labels\..+)$/,
        'expected nodeInfo.FIELD, such as nodeInfo.kernelVersion, or labels.KEY',
      )
      .describe(
        'What is compared: nodeInfo.FIELD (kernelVersion, osImage, kubeletVersion, containerRuntimeVersion, ' +
          'architecture, operatingSystem) or labels.KEY of the node.',
      ),
    operator: z
      .enum(['In', 'NotIn', 'Exists', 'AtLeast'])
      .describe(
        'In, NotIn: the fact is, or is not, one of the values. Exists: it is there and not empty. AtLeast: it is a ' +
          'version not below the one value, compared number by number (6.12.48-amd64 is at least 6.12.9).',
      ),
    values: z
      .array(text(256))
      .max(32)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe('What the fact is compared with: one version for AtLeast, nothing for Exists.'),
  })
  .meta(
    rules(
      {
        rule: "self.operator in ['In', 'NotIn'] ? has(self.values) && size(self.values) > 0 : true",
        message: 'values must have at least one entry with In and NotIn',
        fieldPath: '.values',
      },
      {
        rule: "self.operator == 'Exists' ? !has(self.values) || size(self.values) == 0 : true",
        message: 'values must be left out with Exists',
        fieldPath: '.values',
      },
      {
        rule: "self.operator == 'AtLeast' ? has(self.values) && size(self.values) == 1 && self.values[0].matches('^v?[0-9]') : true",
        message: 'values must be one version that begins with a number, such as ["6.12.48"], with AtLeast',
        fieldPath: '.values',
      },
    ),
  )
  .describe('One requirement on the host.');
export type CurrentRequirement = z.infer<typeof requirement>;

const patch = z
  .object({
    id: text(63)
      .regex(
        /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/,
        'expected lower-case letters, digits, "-" and ".", a letter or digit at both ends',
      )
      .meta(
        rules({
          rule: `self != '${REBOOT}'`,
          message: `must not be "${REBOOT}": that names the reboot itself`,
        }),
      )
      .describe('Name of the patch, unique in the strategy: lower-case letters, digits, "-" and ".".'),
    rebootRequired: z
      .boolean()
      .default(false)
      .describe(
        'Whether the patch takes effect only after a reboot. Hosts that lack such a patch are locked, emptied, ' +
          'patched, rebooted by spec.reboot, verified and unlocked; others are patched in place.',
      ),
    current: z
      .array(requirement)
      .min(1)
      .max(16)
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe('How to see that a host has the patch: it does when all of these hold.'),
    action: z
      .object({ job })
      .describe('What applies the patch to a host. It never reboots the host: spec.reboot does.'),
  })
  .describe('One patch.');
export type PatchSpec = z.infer<typeof patch>;

const timing = z
  .object({
    lockTimeoutSeconds: seconds(1, 86400)
      .default(900)
      .describe('How long a stage may wait for its permits and for its hosts to be locked.'),
    drainTimeoutSeconds: seconds(1, 86400)
      .default(1800)
      .describe('How long the pods of the hosts of a stage may take to leave, disruption budgets included.'),
    patchTimeoutSeconds: seconds(1, 86400)
      .default(1800)
      .describe('How long the Jobs on the hosts of a stage may take together.'),
    verifyTimeoutSeconds: seconds(1, 86400)
      .default(900)
      .describe(
        'How long a host may take to come back, Ready, rebooted where asked, with its patches current.',
      ),
    unlockTimeoutSeconds: seconds(1, 86400).default(1800).describe('How long unlocking the hosts may take.'),
    settleSeconds: seconds(0, 3600)
      .default(15)
      .describe('How long patched hosts must stay healthy before they are unlocked.'),
    stabilizeSeconds: seconds(0, 3600)
      .default(60)
      .describe('How long the hosts of a stage must stay healthy at its end, before the next stage begins.'),
  })
  .prefault({})
  .describe('Timeouts of the steps of a stage, and waiting times between them.');
export type Timing = z.infer<typeof timing>;

const drain = z
  .object({
    evictUnmanagedPods: z
      .boolean()
      .default(false)
      .describe('Whether pods without a controller may be evicted. Nobody makes them again elsewhere.'),
    evictPodsWithLocalData: z
      .boolean()
      .default(false)
      .describe('Whether pods with emptyDir volumes may be evicted. What is in those volumes is lost.'),
  })
  .prefault({})
  .describe(
    'What may be evicted from a host beyond pods that can move without loss. DaemonSet pods and static pods stay, ' +
      'and disruption budgets are always respected.',
  );
export type DrainConsent = z.infer<typeof drain>;

const onForeignUncordon = z
  .enum(FOREIGN_UNCORDON_POLICIES)
  .default('pause')
  .describe(
    'What to do when somebody uncordons a host while we work on it. pause: go no further there, and say so, until it ' +
      'is cordoned again. recordon: cordon it again and go on. fail: the running step fails.',
  );

const execution = z
  .object({
    mode: z
      .enum(EXECUTION_MODES)
      .default('Hold')
      .describe(
        'Hold: plan and wait; while running, begin no further stage. Run: carry the plan out. Suspend: ' +
          'no new effect at all, hosts stay as they are and deadlines stand still. Abort: end the running step ' +
          'and release every host; set Hold afterwards for a new plan.',
      ),
    throughStage: z
      .int()
      .min(0)
      .max(9999)
      .optional()
      .describe(
        'Run only as far as this stage (its id, from 0), then wait. Raise it, or remove it, to go on.',
      ),
    plan: z
      .string()
      .max(71)
      .regex(/^sha256:[0-9a-f]{64}$/)
      .optional()
      .describe(
        'Run only the plan with this digest, the one in status.run.planDigest when it was reviewed. While the plan ' +
          'is another one no further stage begins, and the message says how it differs.',
      ),
  })
  .prefault({})
  .describe('The standing order: what is to be done with the plan now. Careen never writes it.');
export type Execution = z.infer<typeof execution>;

export const patchStrategySpec = z
  .object({
    poolRef: objectName().default(DEFAULT_POOL).describe('The HostPool whose hosts are patched.'),
    patches: z
      .array(patch)
      .min(1)
      .max(32)
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['id'] })
      .describe('The patches. All that a host lacks go in this order into one outage of that host.'),
    reboot: z
      .object({ job })
      .optional()
      .describe(
        'What reboots a host, once, after the last patch of an outage that asks for it. Whether it did is judged by ' +
          'the boot id of the node, not by the Job.',
      ),
    controllerApplyType: z
      .enum(['serial', 'ignore'])
      .default('serial')
      .describe('serial: controllers one after another. ignore: leave them out.'),
    storageApplyType: z
      .enum(['serial', 'parallel', 'ignore'])
      .default('serial')
      .describe(
        'serial: storage hosts one after another. parallel: as many at once as the pool allows. ignore: none.',
      ),
    workerApplyType: z
      .enum(['serial', 'parallel', 'ignore'])
      .default('serial')
      .describe(
        'serial: workers one after another. parallel: up to maxParallelWorkerHosts at once. ignore: none.',
      ),
    maxParallelWorkerHosts: z
      .int()
      .min(1)
      .max(100)
      .default(2)
      .describe(
        'How many workers a parallel stage may hold. A stage is never larger than maxUnavailable of the pool.',
      ),
    drain,
    timing,
    onForeignUncordon,
    execution,
  })
  .meta(
    rules(
      {
        rule: '!self.patches.exists(p, has(p.rebootRequired) && p.rebootRequired) || has(self.reboot)',
        message: 'spec.reboot must say how to reboot a host, because a patch has rebootRequired: true',
        fieldPath: '.reboot',
      },
      {
        rule: "[self.controllerApplyType, self.storageApplyType, self.workerApplyType].exists(t, t != 'ignore')",
        message: 'controllerApplyType, storageApplyType and workerApplyType must not all be ignore',
      },
    ),
  )
  .describe('What is wanted: patches, on which hosts, in which order, and whether to carry it out.');
export type PatchStrategySpec = z.infer<typeof patchStrategySpec>;

/** What of a spec a plan is carried out with; kept in `status.run.actions`, so that an edit cannot change an open run. */
export const planActions = z.object({
  patches: z.array(patch),
  reboot: z.object({ job }).optional(),
  drain,
  timing,
  onForeignUncordon,
});
export type PlanActions = z.infer<typeof planActions>;
