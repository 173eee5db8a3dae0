import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generatedFiles } from '../../scripts/generate.ts';
import type { HostPoolStatus } from '../../src/crds/host-pool.ts';
import type { PatchStrategyStatus } from '../../src/crds/patch-strategy-status.ts';
import {
  apply,
  patchStatus,
  read,
  readManifests,
  tryCreate,
  type Manifest,
} from '../support/controlplane/apply.ts';
import { connect, startControlPlane, type ControlPlane } from '../support/controlplane/controlplane.ts';
import { eventually } from '../support/eventually.ts';
import { DEPLOY, listedFiles } from '../support/controlplane/installation.ts';
import { installCareen } from '../support/operator/operator.ts';
import { kernelPatch, kubeletPatch, poolManifest, strategyManifest } from '../support/operator/strategies.ts';

const ROOT = join(import.meta.dirname, '..', '..');

let plane: ControlPlane;
let admin: KubeConfig;

beforeAll(async () => {
  plane = await startControlPlane();
  admin = connect(plane.kubeconfig);
  await installCareen(admin);
  // The API server begins to serve a new kind a moment after its definition was accepted.
  await eventually('the kinds are served', async () => {
    try {
      await apply(admin, strategyManifest('probe', 'careen-hosts'), poolManifest('probe', 1));
      return true;
    } catch {
      return false;
    }
  });
});
afterAll(async () => plane.stop());

const strategy = (spec: Record<string, unknown>): Manifest => strategyManifest('tried', 'careen-hosts', spec);
const patchWith = (fields: Record<string, unknown>): Manifest =>
  strategy({ patches: [{ ...kernelPatch, ...fields }] });
const policy = (actionPolicy: Record<string, unknown>): Manifest =>
  poolManifest('tried', 1, { actionPolicy });
const requirement = (fields: Record<string, unknown>): Manifest =>
  patchWith({ current: [{ fact: 'nodeInfo.kernelVersion', operator: 'AtLeast', values: ['6'], ...fields }] });
const podSpec = (fields: Record<string, unknown>): Manifest =>
  patchWith({
    action: { job: { template: { spec: { containers: [{ name: 'a', image: 'b' }], ...fields } } } },
  });

const TIME = '2026-11-23T09:30:00Z';
const poolStatus: HostPoolStatus = {
  observedGeneration: 1,
  epoch: 7,
  limit: 2,
  hosts: 20,
  away: 1,
  outOfService: { count: 1, hosts: ['worker-3'] },
  permits: [{ host: 'worker-1', run: 'r1', level: 'away', since: TIME }],
  runs: [
    {
      id: 'r1',
      owner: { kind: 'PatchStrategy', namespace: 'careen-hosts', name: 'kernel', uid: 'u1' },
    },
  ],
  conditions: [
    {
      type: 'Ready',
      status: 'True',
      reason: 'Serving',
      message: '',
      observedGeneration: 1,
      lastTransitionTime: TIME,
    },
  ],
};
const strategyStatus: PatchStrategyStatus = {
  run: {
    id: 'r1',
    planDigest: 'd',
    specDigest: 's',
    fleetRevision: 'f',
    builtAt: TIME,
    pool: 'default',
    epoch: 7,
    authority: { throughStage: 2 },
    abortedIn: 'Suspend',
    suspendedSince: TIME,
    change: 'worker-3 is new',
  },
  requests: [{ id: 'q1', verb: 'retry', answer: 'refused', message: 'nothing failed', time: TIME }],
  progress: {
    stage: 0,
    step: 'verify',
    hosts: [
      {
        name: 'worker-1',
        level: 'away',
        step: 'verify',
        attempt: 1,
        since: TIME,
        result: 'wait',
        closedToNewWorkBefore: false,
        uncordoned: true,
        releaseAsked: true,
      },
    ],
  },
  conditions: [
    {
      type: 'ForeignUncordon',
      status: 'True',
      reason: 'HostUncordoned',
      message: 'worker-1',
      observedGeneration: 1,
      lastTransitionTime: TIME,
    },
  ],
};

describe('the custom resource definitions', () => {
  it('are what the sources generate', async () => {
    for (const [path, content] of await generatedFiles())
      expect(await readFile(join(ROOT, path), 'utf8'), path).toBe(content);
  });

  it('are structural, with a description on every field', async () => {
    for (const file of await listedFiles(join(DEPLOY, 'crds'))) {
      const [definition] = await readManifests(file);
      const found = JSON.stringify(await read(admin, definition as Manifest));
      expect(found).toContain('"type":"Established"');
      expect(found).not.toContain('NonStructuralSchema');
      expect(undescribed(JSON.parse(found))).toEqual([]);
    }
  });

  it('default what is left out', async () => {
    const plain = strategyManifest('plain', 'careen-hosts');
    await apply(admin, plain);
    expect(await read(admin, plain)).toMatchObject({
      spec: {
        poolRef: 'default',
        workerApplyType: 'serial',
        maxParallelWorkerHosts: 2,
        execution: { mode: 'Hold' },
        drain: { evictUnmanagedPods: false },
        timing: { drainTimeoutSeconds: 1800 },
        onForeignUncordon: 'pause',
      },
    });
    expect(await read(admin, poolManifest('probe', 1))).toMatchObject({
      spec: {
        paused: false,
        allowedNamespaces: ['careen-hosts'],
        actionPolicy: { privileged: true, serviceAccounts: [], secrets: [] },
      },
    });
  });

  it('accept what a pool and a strategy may say', async () => {
    for (const manifest of [
      ...[1, 10000, '1%', '99%', '100%'].map((limit) => poolManifest('tried', limit)),
      poolManifest('tried', 1, { paused: true, allowedNamespaces: ['careen-hosts', 'team-a'] }),
      policy({
        images: ['registry.example.com/patch:1', 'registry.example.com:5000/patches/*', '*'],
        privileged: false,
        hostMounts: ['/', '/var/lib/careen', '/.a/..b'],
        serviceAccounts: ['patcher'],
        secrets: ['licence.key'],
      }),
      policy({ images: [], hostMounts: [] }),
      ...['Hold', 'Run', 'Suspend', 'Abort'].map((mode) => strategy({ execution: { mode } })),
      ...['pause', 'recordon', 'fail'].map((policy) => strategy({ onForeignUncordon: policy })),
    ])
      await tryCreate(admin, manifest);
  });

  it('keep all of the status', async () => {
    for (const [manifest, status] of [
      [poolManifest('probe', 1), poolStatus],
      [strategyManifest('probe', 'careen-hosts'), strategyStatus],
    ] as const) {
      await patchStatus(admin, manifest, status);
      expect(await read(admin, manifest)).toMatchObject({ status });
    }
  });

  it('accept the examples and the default pool', async () => {
    for (const file of [
      'examples/patch-strategy.yaml',
      'examples/host-pool.yaml',
      'deploy/host-pool-default.yaml',
    ]) {
      await apply(admin, ...(await readManifests(join(ROOT, file))));
    }
  });
});

describe('a wrong manifest is refused, naming the field', () => {
  const cases: readonly [string, Manifest, RegExp][] = [
    ['no patches', strategy({ patches: [] }), /spec\.patches.*at least 1/],
    ['a patch id with capitals', patchWith({ id: 'Kernel' }), /spec\.patches\[0\]\.id/],
    ['a patch called reboot', patchWith({ id: 'reboot' }), /spec\.patches\[0\]\.id.*names the reboot itself/],
    [
      'two patches of one id',
      strategy({ patches: [kubeletPatch, kubeletPatch] }),
      /patches\[1\].*[Dd]uplicate/,
    ],
    ['a patch without a way to see it', patchWith({ current: [] }), /spec\.patches\[0\]\.current/],
    ['an unknown fact', requirement({ fact: 'nodeInfo.colour' }), /patches\[0\]\.current\[0\]\.fact/],
    ['an unknown operator', requirement({ operator: 'Near' }), /current\[0\]\.operator.*supported values/],
    [
      'two versions for AtLeast',
      requirement({ values: ['1', '2'] }),
      /one version that begins with a number/,
    ],
    ['a word for AtLeast', requirement({ values: ['new'] }), /one version that begins with a number/],
    ['In without values', requirement({ operator: 'In', values: [] }), /at least one entry with In/],
    ['Exists with values', requirement({ operator: 'Exists' }), /left out with Exists/],
    [
      'a reboot nobody described',
      { ...strategy({}), spec: { patches: [kernelPatch] } },
      /spec\.reboot must say how/,
    ],
    ['a pod pinned elsewhere', podSpec({ nodeName: 'a' }), /Careen pins the pod/],
    ['a pod that restarts', podSpec({ restartPolicy: 'Always' }), /restartPolicy must be Never/],
    ['a pod without containers', podSpec({ containers: [] }), /template\.spec\.containers/],
    [
      'parallel controllers',
      strategy({ controllerApplyType: 'parallel' }),
      /controllerApplyType.*supported values/,
    ],
    [
      'nothing to apply to',
      strategy({ controllerApplyType: 'ignore', storageApplyType: 'ignore', workerApplyType: 'ignore' }),
      /must not all be ignore/,
    ],
    [
      'too many at once',
      strategy({ maxParallelWorkerHosts: 101 }),
      /maxParallelWorkerHosts.*less than or equal to 100/,
    ],
    ['an unknown mode', strategy({ execution: { mode: 'Go' } }), /execution\.mode.*supported values/],
    ['a negative stage', strategy({ execution: { throughStage: -1 } }), /execution\.throughStage/],
    ...['sha256:0', `sha256:${'A'.repeat(64)}`, '0'.repeat(64)].map((plan): [string, Manifest, RegExp] => [
      `a plan named ${plan.slice(0, 12)}`,
      strategy({ execution: { plan } }),
      /execution\.plan.*should match '\^sha256:/,
    ]),
    ['a timeout of nothing', strategy({ timing: { patchTimeoutSeconds: 0 } }), /timing\.patchTimeoutSeconds/],
    ['a misspelt field', strategy({ maxParallelHosts: 2 }), /maxParallelHosts/],
    ...[0, 10001, -1, '50', '0%', '01%', '150%', '10 %', 'few'].map((limit): [string, Manifest, RegExp] => [
      `a pool limit of ${JSON.stringify(limit)}`,
      poolManifest('tried', limit),
      /spec\.maxUnavailable.*must be a number from 1 to 10000, or a percentage from "1%" to "100%"/,
    ]),
    ['a pool limit of 1.5', poolManifest('tried', 1.5), /spec\.maxUnavailable/],
    ['a stop switch in words', poolManifest('tried', 1, { paused: 'yes' }), /spec\.paused/],
    ['a pool for nobody', poolManifest('tried', 1, { allowedNamespaces: [] }), /spec\.allowedNamespaces/],
    [
      "a pool for the operator's own namespace",
      poolManifest('tried', 1, { allowedNamespaces: ['a', 'careen-system'] }),
      /allowedNamespaces must not contain careen-system/,
    ],
    [
      'a pool for one namespace twice',
      poolManifest('tried', 1, { allowedNamespaces: ['a', 'a'] }),
      /allowedNamespaces\[1\].*[Dd]uplicate/,
    ],
    [
      'a pool for a namespace that cannot be',
      poolManifest('tried', 1, { allowedNamespaces: ['*'] }),
      /allowedNamespaces\[0\]/,
    ],
    ...['', '*a', 'a b', 'a**'].map((pattern): [string, Manifest, RegExp] => [
      `an image pattern ${JSON.stringify(pattern)}`,
      policy({ images: [pattern] }),
      /actionPolicy\.images\[0\]/,
    ]),
    [
      'an image pattern with * inside',
      policy({ images: ['a*b'] }),
      /images\[0\].*must be an image, or the beginning of one with \* at its end/,
    ],
    ...['var', '/var/', '//', '/var/../etc', '/..', '/./a', '/a/..'].map(
      (path): [string, Manifest, RegExp] => [
        `a host mount of ${path}`,
        policy({ hostMounts: [path] }),
        /actionPolicy\.hostMounts\[0\].*must be an absolute path/,
      ],
    ),
    ['a privilege in words', policy({ privileged: 'no' }), /actionPolicy\.privileged/],
    ['a service account that cannot be', policy({ serviceAccounts: ['*'] }), /serviceAccounts\[0\]/],
    ['a Secret that cannot be', policy({ secrets: [''] }), /actionPolicy\.secrets\[0\]/],
    ['a misspelt rule', policy({ image: ['a'] }), /actionPolicy\.image/],
    [
      'an unknown answer to an uncordon',
      strategy({ onForeignUncordon: 'ignore' }),
      /onForeignUncordon.*supported values/,
    ],
    ['a pool of no provider', poolManifest('tried', 1, { provider: {} }), /provider\.kubernetes/],
    [
      'a role selector without values',
      poolManifest('tried', 1, { roles: { worker: { matchExpressions: [{ key: 'a', operator: 'In' }] } } }),
      /roles\.worker\.matchExpressions\[0\].*values must be given/,
    ],
  ];

  it.each(cases)('%s', async (_name, manifest, message) => {
    await expect(tryCreate(admin, manifest)).rejects.toThrow(message);
  });
});

describe('a wrong status is refused, naming the field', () => {
  const cases: readonly [string, Manifest, object, RegExp][] = [
    ['an epoch of nothing', poolManifest('probe', 1), { epoch: 0 }, /status\.epoch/],
    [
      'an unknown answer',
      strategyManifest('probe', 'careen-hosts'),
      { requests: [{ id: 'q', answer: 'perhaps', message: '', time: TIME }] },
      /requests\[0\]\.answer.*supported values/,
    ],
  ];

  it.each(cases)('%s', async (_name, manifest, status, message) => {
    await expect(patchStatus(admin, manifest, status)).rejects.toThrow(message);
  });
});

/** Paths of schema properties that say nothing about themselves. */
function undescribed(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, child]: [string, unknown]) => {
    const here =
      key === 'properties' && typeof child === 'object' && child !== null ? Object.entries(child) : [];
    const bare = here
      .filter(([name, field]) => name !== 'metadata' && !hasDescription(field))
      .map(([name]) => `${path}.${name}`);
    return [...bare, ...undescribed(child, key === 'properties' ? path : `${path}.${key}`)];
  });
}

function hasDescription(field: unknown): boolean {
  return typeof field === 'object' && field !== null && 'description' in field;
}
