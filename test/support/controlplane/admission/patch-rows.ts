/** The admission rows of PatchStrategy: see rows.ts. */
import type { Manifest } from '../apply.ts';
import {
  ALL_IGNORED,
  NOT_SUPPORTED,
  NO_VALUES,
  ONE_ACTION,
  ONE_VERSION,
  PINNED,
  RESTARTED,
  SOME_VALUES,
  byList,
  byRule,
  byShape,
  shown,
  type AcceptedRow,
  type RefusedRow,
} from './row.ts';
import { kernelPatch, kubeletPatch, strategyManifest } from '../../operator/strategies.ts';

type Fields = Readonly<Record<string, unknown>>;

const strategy = (spec: Fields): Manifest => strategyManifest('tried', 'careen-hosts', spec);
const patchWith = (fields: Fields): Manifest => strategy({ patches: [{ ...kernelPatch, ...fields }] });
const requirement = (fields: Fields): Manifest =>
  patchWith({ current: [{ fact: 'nodeInfo.kernelVersion', operator: 'AtLeast', values: ['6'], ...fields }] });
const container = { name: 'a', image: 'b' };
const jobWith = (pod: Fields) => ({ job: { template: { spec: { containers: [container], ...pod } } } });
const withoutReboot = (patch: Fields): Manifest => ({ ...strategy({}), spec: { patches: [patch] } });

/** The places of a pod: its path, and a strategy with a pod there. */
const PODS = [
  ['spec.patches[0].action.job.template.spec', (pod: Fields) => patchWith({ action: jobWith(pod) })],
  ['spec.reboot.job.template.spec', (pod: Fields) => strategy({ reboot: jobWith(pod) })],
] as const;

export const PATCHES_ACCEPTED: readonly AcceptedRow[] = [
  ...['careen', 'vim-2020', 'vim-2024'].map((profile) => ({
    name: `the profile ${profile}`,
    manifest: strategy({ profile }),
  })),
  { name: 'one worker at once', manifest: strategy({ maxParallelWorkerHosts: 1 }) },
  ...['Hold', 'Run', 'Suspend', 'Abort'].map((mode) => ({
    name: `the mode ${mode}`,
    manifest: strategy({ execution: { mode } }),
  })),
  ...['pause', 'recordon', 'fail'].map((answer) => ({
    name: `${answer} on an uncordon`,
    manifest: strategy({ onForeignUncordon: answer }),
  })),
  { name: 'two patches', manifest: strategy({ patches: [kernelPatch, kubeletPatch] }) },
  ...[
    { timeoutSeconds: 604800 },
    { timeoutSeconds: 1, message: 'replace the fan', onTimeout: 'proceed' },
  ].map((manual) => ({
    name: `a patch by a person: ${shown(manual)}`,
    manifest: patchWith({ action: { manual } }),
  })),
  { name: 'a patch without a reboot', manifest: withoutReboot(kubeletPatch) },
  { name: 'a patch that says so', manifest: withoutReboot({ ...kubeletPatch, rebootRequired: false }) },
  { name: 'a reboot that no patch asks for', manifest: patchWith({ rebootRequired: false }) },
  {
    name: 'a strategy for workers only',
    manifest: strategy({ controllerApplyType: 'ignore', storageApplyType: 'ignore' }),
  },
  ...[
    { operator: 'In', values: ['6', '7'] },
    { operator: 'NotIn', values: ['6'] },
    { operator: 'Exists', values: [] },
    { values: ['v1.2'] },
  ].map((fields) => ({ name: `a fact with ${shown(fields)}`, manifest: requirement(fields) })),
  {
    name: 'a fact that exists',
    manifest: patchWith({ current: [{ fact: 'labels.a', operator: 'Exists' }] }),
  },
  ...PODS.flatMap(([path, withPod]) => [
    { name: `${path} with restartPolicy`, manifest: withPod({ restartPolicy: 'Never' }) },
    {
      name: `${path} with fields of any pod`,
      manifest: withPod({
        containers: [container, { name: 'b', image: 'b', env: [] }],
        constructor: 'a',
        hostPID: true,
      }),
    },
  ]),
];

/** The messages of the rules. */
const TAKEN_ID = 'must not be "reboot": that names the reboot itself';
const NO_REBOOT = 'spec.reboot must say how to reboot a host, because a patch has rebootRequired: true';

const ID = 'spec.patches[0].id';
const CURRENT = 'spec.patches[0].current[0]';

export const PATCHES_REFUSED: readonly RefusedRow[] = [
  byShape('no patches', strategy({ patches: [] }), 'spec.patches', /at least 1/),
  byShape('a patch id with capitals', patchWith({ id: 'Kernel' }), ID),
  byRule('a patch called reboot', patchWith({ id: 'reboot' }), ID, TAKEN_ID),
  byList('two patches of one id', strategy({ patches: [kubeletPatch, kubeletPatch] }), 'spec.patches[1]'),
  byRule('a patch without any action', patchWith({ action: {} }), 'spec.patches[0].action', ONE_ACTION),
  byRule(
    'a patch by a Job and a person',
    patchWith({ action: { ...jobWith({}), manual: { timeoutSeconds: 60 } } }),
    'spec.patches[0].action',
    ONE_ACTION,
  ),
  ...[{}, { timeoutSeconds: 0 }, { timeoutSeconds: 604801 }].map((manual) =>
    byShape(
      `a patch by a person in ${shown(manual)}`,
      patchWith({ action: { manual } }),
      'spec.patches[0].action.manual.timeoutSeconds',
    ),
  ),
  byShape(
    'a patch by a person that waits on',
    patchWith({ action: { manual: { timeoutSeconds: 60, onTimeout: 'wait' } } }),
    'spec.patches[0].action.manual.onTimeout',
    NOT_SUPPORTED,
  ),
  byShape('a patch without a way to see it', patchWith({ current: [] }), 'spec.patches[0].current'),
  byShape('an unknown fact', requirement({ fact: 'nodeInfo.colour' }), `${CURRENT}.fact`),
  byShape('an unknown operator', requirement({ operator: 'Near' }), `${CURRENT}.operator`, NOT_SUPPORTED),
  ...[['1', '2'], ['new'], ['1a2b'], []].map((values) =>
    byRule(`AtLeast with ${shown(values)}`, requirement({ values }), `${CURRENT}.values`, ONE_VERSION),
  ),
  ...['In', 'NotIn'].map((operator) =>
    byRule(
      `${operator} without values`,
      requirement({ operator, values: [] }),
      `${CURRENT}.values`,
      SOME_VALUES,
    ),
  ),
  byRule('Exists with values', requirement({ operator: 'Exists' }), `${CURRENT}.values`, NO_VALUES),
  byRule('a reboot nobody described', withoutReboot(kernelPatch), 'spec.reboot', NO_REBOOT),
  ...PODS.flatMap(([path, withPod]) => [
    ...[{ nodeName: 'a' }, { nodeName: '' }, { nodeSelector: {} }, { affinity: { a: {} } }].map((fields) =>
      byRule(`${path} pinned by ${shown(fields)}`, withPod(fields), path, PINNED),
    ),
    ...['Always', ''].map((restartPolicy) =>
      byRule(
        `${path} that restarts: ${shown(restartPolicy)}`,
        withPod({ restartPolicy }),
        `${path}.restartPolicy`,
        RESTARTED,
      ),
    ),
    byShape(`${path} without containers`, withPod({ containers: [] }), `${path}.containers`),
    byList(
      `${path} with two containers of one name`,
      withPod({ containers: [container, { name: 'b', image: 'b' }, container] }),
      `${path}.containers[2]`,
    ),
  ]),
  byShape(
    'parallel controllers',
    strategy({ controllerApplyType: 'parallel' }),
    'spec.controllerApplyType',
    NOT_SUPPORTED,
  ),
  byRule(
    'nothing to apply to',
    strategy({ controllerApplyType: 'ignore', storageApplyType: 'ignore', workerApplyType: 'ignore' }),
    'spec',
    ALL_IGNORED,
  ),
  byShape(
    'too many at once',
    strategy({ maxParallelWorkerHosts: 101 }),
    'spec.maxParallelWorkerHosts',
    /less than or equal to 100/,
  ),
  byRule(
    'one worker at once with a profile of the VIM',
    strategy({ profile: 'vim-2024', maxParallelWorkerHosts: 1 }),
    'spec.maxParallelWorkerHosts',
    'maxParallelWorkerHosts must be 2 to 100 with a profile of the VIM',
  ),
  byShape('a profile of nobody', strategy({ profile: 'vim-2017' }), 'spec.profile', NOT_SUPPORTED),
  byShape('an unknown mode', strategy({ execution: { mode: 'Go' } }), 'spec.execution.mode', NOT_SUPPORTED),
  byShape('a negative stage', strategy({ execution: { throughStage: -1 } }), 'spec.execution.throughStage'),
  ...['sha256:0', `sha256:${'A'.repeat(64)}`, '0'.repeat(64)].map((plan) =>
    byShape(
      `a plan named ${plan.slice(0, 12)}`,
      strategy({ execution: { plan } }),
      'spec.execution.plan',
      /should match '\^sha256:/,
    ),
  ),
  byShape(
    'a timeout of nothing',
    strategy({ timing: { patchTimeoutSeconds: 0 } }),
    'spec.timing.patchTimeoutSeconds',
  ),
  byShape('a misspelt field', strategy({ maxParallelHosts: 2 }), 'spec.maxParallelHosts', /unknown field/),
  byShape(
    'an unknown answer to an uncordon',
    strategy({ onForeignUncordon: 'ignore' }),
    'spec.onForeignUncordon',
    NOT_SUPPORTED,
  ),
  byShape('a fact of a label that cannot be', requirement({ fact: 'labels.node role!' }), `${CURRENT}.fact`),
];
