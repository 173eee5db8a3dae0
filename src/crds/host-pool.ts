import { z } from 'zod';
import { actionPolicy } from './spec/action-policy.ts';
import { conditionList } from './observed/conditions.ts';
import type { CrdDefinition } from './schema/custom-resource-definition.ts';
import { HOSTS_NAMESPACE, OPERATOR_NAMESPACE } from './names.ts';
import { labelSelector } from './spec/label-selector.ts';
import { ownerRef } from './owner-ref.ts';
import { provider } from './spec/providers.ts';
import { retention } from './spec/retention.ts';
import {
  countOrPercentage,
  namespaceName,
  objectName,
  observedGeneration,
  rules,
  seconds,
  text,
  time,
} from './schema/schema.ts';
import { tenants } from './spec/tenants.ts';
import { OUTAGE_LEVELS } from './vocabulary.ts';

const CONTROL_PLANE = 'node-role.kubernetes.io/control-plane';
const STORAGE = 'node-role.kubernetes.io/storage';

const roles = z
  .object({
    controller: labelSelector
      .default({ matchExpressions: [{ key: CONTROL_PLANE, operator: 'Exists' }] })
      .describe(`Selects the controllers. Default: nodes labelled ${CONTROL_PLANE}.`),
    storage: labelSelector
      .default({ matchExpressions: [{ key: STORAGE, operator: 'Exists' }] })
      .describe(`Selects the storage hosts. Default: nodes labelled ${STORAGE}.`),
    worker: labelSelector
      .default({
        matchExpressions: [
          { key: CONTROL_PLANE, operator: 'DoesNotExist' },
          { key: STORAGE, operator: 'DoesNotExist' },
        ],
      })
      .describe(
        'Selects the workers. Default: hosts with neither of the two labels above, so every compute host of OpenStack.',
      ),
  })
  .prefault({})
  .describe(
    'Which hosts are controllers, storage hosts and workers. An empty selector selects all hosts. ' +
      'A host may have several roles. A host without a role is in no plan.',
  );

const allowedNamespaces = z
  .array(namespaceName())
  .min(1)
  .max(64)
  .default([HOSTS_NAMESPACE])
  .meta({
    'x-kubernetes-list-type': 'set',
    ...rules({
      rule: `!('${OPERATOR_NAMESPACE}' in self)`,
      message:
        `allowedNamespaces must not contain ${OPERATOR_NAMESPACE}, the namespace of Careen itself: ` +
        `use another, such as ${HOSTS_NAMESPACE}`,
    }),
  })
  .describe(
    'The namespaces whose strategies may use the pool. Their Jobs run there, within the limits of actionPolicy.',
  );

/** The conditions of the kubelet and of the network; then those that the node-problem-detector has by default. */
const ALARM_CONDITIONS = [
  ...['MemoryPressure', 'DiskPressure', 'PIDPressure', 'NetworkUnavailable'],
  ...['KernelDeadlock', 'ReadonlyFilesystem', 'XfsShutdown', 'CorruptDockerOverlay2'],
  ...['KubeletUnhealthy', 'ContainerRuntimeUnhealthy', 'FrequentKubeletRestart', 'FrequentDockerRestart'],
  ...['FrequentContainerdRestart', 'FrequentUnregisterNetDevice'],
];

const conditionType = text(316).meta(
  rules({
    rule: "self.matches('^([a-z0-9.-]+/)?[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$') && self != 'Ready'",
    message: 'must be the type of a condition that is False on a healthy node, such as KernelDeadlock',
  }),
);

const taintKey = text(316).meta(
  rules({
    rule: "self.matches('^([a-z0-9.-]+/)?[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$')",
    message: 'must be the key of a taint, without value and effect, such as example.com/dedicated',
  }),
);

const health = z
  .object({
    alarmConditions: z
      .array(conditionType)
      .max(64)
      .default(ALARM_CONDITIONS)
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe(
        'The conditions that are alarms while they are True. A host is not given back while it has an alarm that it ' +
          'did not have before its outage.',
      ),
    toleratedTaints: z
      .array(taintKey)
      .max(64)
      .default([])
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe(
        'The keys of taints that a host may have at the end of its outage without having had them before. With any ' +
          'other new taint of effect NoSchedule or NoExecute it is not given back.',
      ),
  })
  .prefault({})
  .describe('When a host is well enough to be given back. It must be Ready in any case.');
export type HostPoolHealth = z.infer<typeof health>;

/** Their pods without a controller serve the whole cluster, and nothing creates them again. */
export const PROTECTED_NAMESPACES = ['kube-system'];

const drainPolicy = z
  .object({
    evictUnmanagedPods: z
      .boolean()
      .default(true)
      .describe('Whether strategies may set spec.drain.evictUnmanagedPods.'),
    evictPodsWithLocalData: z
      .boolean()
      .default(true)
      .describe('Whether strategies may set spec.drain.evictPodsWithLocalData.'),
    protectedNamespaces: z
      .array(namespaceName())
      .max(64)
      .default(PROTECTED_NAMESPACES)
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe(
        'The namespaces whose pods without a controller are never evicted, whatever strategies set: nothing would ' +
          'create them again.',
      ),
  })
  .prefault({})
  .describe('The limits on what strategies may consent to when their hosts are drained.');

export const hostPoolSpec = z
  .object({
    provider,
    roles,
    maxUnavailable: countOrPercentage('maxUnavailable').describe(
      'How many hosts of the pool may be out of service at once, for all strategies of all namespaces together: a ' +
        'number, or a percentage of its hosts, rounded down, at least one. Hosts that others took out of service ' +
        '(cordoned, not Ready, or with a taint that says so) count too.',
    ),
    paused: z
      .boolean()
      .default(false)
      .describe(
        'The stop switch. While it is true, no outage begins in the pool. Hosts that are out of service are finished ' +
          'and released.',
      ),
    health,
    allowedNamespaces,
    actionPolicy,
    drainPolicy,
    maxTimeoutSeconds: seconds(1, 86400)
      .default(86400)
      .describe('The longest time that a strategy may set in spec.timing, defaults included.'),
    maxOutageSeconds: seconds(60, 2592000)
      .optional()
      .describe(
        'How long a host of a strategy in Suspend may be out of service. After that the run is aborted: its hosts are ' +
          'released. Left out: no bound.',
      ),
    tenants,
    retention: retention.optional(),
  })
  .describe('The configuration of the pool. The administrator writes it.');
export type HostPoolSpec = z.infer<typeof hostPoolSpec>;

const permit = z
  .object({
    host: objectName().describe('The host that may be taken out of service.'),
    run: text(36).describe('The id of the run that holds the permit (status.run.id of its strategy).'),
    level: z
      .enum(OUTAGE_LEVELS)
      .describe(
        'away: the host is drained and counts against maxUnavailable. touched: the host is patched in place.',
      ),
    since: time().describe('When the permit was granted.'),
  })
  .describe('The right of one run to take one host out of service.');
export type Permit = z.infer<typeof permit>;

const permitRun = z
  .object({
    id: text(36).describe('The id of the run, as in its permits.'),
    owner: ownerRef,
  })
  .describe('One run that holds permits.');
export type PermitRun = z.infer<typeof permitRun>;

const hostCount = z.int().min(0).max(1000000);

const namedHosts = z.object({
  count: hostCount.describe('The number of these hosts.'),
  hosts: z
    .array(objectName())
    .max(20)
    .meta({ 'x-kubernetes-list-type': 'set' })
    .describe('The first 20 of their names, sorted.'),
});

export const hostPoolStatus = z
  .object({
    observedGeneration: observedGeneration(),
    epoch: z
      .int()
      .min(1)
      .max(2147483647)
      .optional()
      .describe('Each new leader raises it. The writes of earlier leaders are refused.'),
    limit: hostCount.optional().describe('How many hosts may be away at once: maxUnavailable as a number.'),
    hosts: hostCount.optional().describe('How many hosts the pool has.'),
    outOfService: namedHosts
      .optional()
      .describe(
        'The hosts that others took out of service: cordoned, not Ready, or with a taint that says so.',
      ),
    spoiltClaims: namedHosts
      .optional()
      .describe(
        'The hosts with an annotation careen.dev/claim that Careen did not write, or that somebody edited. Absent ' +
          'when there are none.',
      ),
    away: z.int().min(0).max(10000).optional().describe('How many permits of level away are granted.'),
    outOfServiceByOthers: hostCount
      .optional()
      .describe(
        'How many hosts count against the limit besides those that are away: others took them out of service, and ' +
          'Careen has no permit for them.',
      ),
    permits: z
      .array(permit)
      .max(10000)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe('The granted permits, one for each host. Permits are granted only here.'),
    runs: z
      .array(permitRun)
      .max(10000)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe('The runs that hold permits, with their owners.'),
    conditions: conditionList.optional().describe('Ready, Reconciling and Stalled, for tools that wait.'),
  })
  .describe('The state of the pool. Careen writes it.');
export type HostPoolStatus = z.infer<typeof hostPoolStatus>;

export const hostPoolDefinition: CrdDefinition = {
  kind: 'HostPool',
  plural: 'hostpools',
  singular: 'hostpool',
  shortNames: ['hpool'],
  categories: [],
  scope: 'Cluster',
  description:
    'A HostPool selects a set of hosts, gives them roles, and limits how many of them may be out of service at once. ' +
    'The administrator writes it; strategies refer to it by name.',
  spec: hostPoolSpec,
  status: hostPoolStatus,
  columns: [
    {
      name: 'Limit',
      type: 'integer',
      jsonPath: '.status.limit',
      description: 'How many hosts may be away at once',
    },
    {
      name: 'Away',
      type: 'integer',
      jsonPath: '.status.away',
      description: 'Hosts that Careen has taken out of service',
    },
    {
      name: 'Others',
      type: 'integer',
      jsonPath: '.status.outOfServiceByOthers',
      description: 'Hosts that others took out of service; they count against the limit, too',
    },
    { name: 'Hosts', type: 'integer', jsonPath: '.status.hosts', description: 'Hosts of the pool' },
    {
      name: 'Paused',
      type: 'boolean',
      jsonPath: '.spec.paused',
      description: 'Whether the pool begins no outage',
    },
    {
      name: 'Ready',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Ready")].status',
      description: 'Whether permits are granted',
    },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Age of the pool' },
  ],
};
