/** The life of an installation by helm. These tests run in order: each continues where the one before ended. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppsV1Api, EventsV1Api, type KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import type { StrategyStatus } from '../../src/crds/observed/strategy-status.ts';
import { VERSION } from '../../src/crds/version.ts';
import { OUR_KINDS } from '../../src/resources/served-kinds.ts';
import { createWorkers, Fleet, marked, STANDIN } from '../e2e/cluster.ts';
import { expectGivenBack } from '../e2e/given-back.ts';
import { apply, read, readManifests, type Manifest } from '../support/controlplane/apply.ts';
import { auditArgs } from '../support/audit/audit.ts';
import { connect, startControlPlane } from '../support/controlplane/controlplane.ts';
import { eventually } from '../support/eventually.ts';
import {
  OPERATOR_ACCOUNT,
  startOperator,
  writeOperatorKubeconfig,
  type RunningOperator,
} from '../support/operator/operator.ts';
import { grantedRights, untilGranted } from '../support/audit/rights.ts';
import { createNodes } from '../support/hosts/simulated-nodes.ts';
import { startHostStandin, type RunningStandin } from '../support/hosts/start-host-standin.ts';
import { kernelPatch, kubeletPatch, strategyManifest } from '../support/operator/strategies.ts';
import { toolBinaries } from '../support/controlplane/tool-binaries.ts';
import { CHART, CRDS_CHART, fieldAt, keyOf, rendered } from '../support/controlplane/tools.ts';
import { CURRENT, Helm, makeNamespace, PREVIOUS } from './release.ts';

const SECONDS = 300;
/** The pool whose hosts are patched. It comes from values, as `default` does. */
const POOL = 'racks';
const POOLS = `pools.${POOL}={"provider":{"kubernetes":{"nodeSelector":{"pool":"${POOL}"}}},"maxUnavailable":2}`;
const EVERYTHING = [
  'executePolicy.enabled=true',
  'nodePolicy.enabled=true',
  'serviceMonitor.enabled=true',
  'prometheusRule.enabled=true',
];

let admin: KubeConfig;
let helm: Helm;
let folder: string;
let operator: RunningOperator;
let standin: RunningStandin;
const closing: (() => Promise<unknown>)[] = [];
let fleet: Fleet;
const surroundings = {
  get admin() {
    return admin;
  },
  get operator() {
    return operator;
  },
};

beforeAll(async () => {
  const plane = await startControlPlane({ args: await auditArgs() });
  closing.push(() => plane.stop());
  admin = connect(plane.kubeconfig);
  helm = new Helm(plane.kubeconfig);
  folder = await mkdtemp(join(tmpdir(), 'careen-chart-'));
  closing.push(() => rm(folder, { recursive: true, force: true }));
  await createNodes(admin, [{ name: 'system-0' }, { name: 'system-1' }]);
  await makeNamespace(admin);
});
afterAll(async () => {
  for (const close of closing.reverse()) await close();
});

it('careen is not installed before its kinds', async () => {
  await expect(helm.upgrade('careen', PREVIOUS.careen)).rejects.toThrow(/no matches for kind "HostPool"/);
});

it(
  'the previous charts are installed: the kinds, then the operator, whose pods become ready',
  { timeout: SECONDS * 1000 },
  async () => {
    await helm.upgrade('careen-crds', PREVIOUS.crds);
    await helm.upgrade('careen', PREVIOUS.careen, '--set-json', POOLS);
    await expectReady('0.0.1');
    await apply(admin, strategyManifest(POOL, 'careen-hosts', { poolRef: POOL }));
  },
);

it('a second Careen is refused', async () => {
  await expect(helm.upgrade('second', PREVIOUS.careen)).rejects.toThrow(
    /careen-hosts.* cannot be imported into the current release: invalid ownership metadata/,
  );
});

it('an upgrade of careen is refused before the upgrade of its kinds', async () => {
  await expect(helm.upgrade('careen', CURRENT.careen)).rejects.toThrow(
    /the kind hostpools\.careen\.dev in this cluster is of version 0\.0\.1, and Careen 0\.1\.0 needs its own: upgrade the chart careen-crds first/,
  );
});

it(
  'an upgrade upgrades the kinds and the operator, and keeps pools and strategies',
  { timeout: SECONDS * 1000 },
  async () => {
    expect(await kindHas('plan')).toBe(false);
    const before = await uids();
    await helm.upgrade('careen-crds', CURRENT.crds);
    expect(await kindHas('plan')).toBe(true);
    fleet = new Fleet(surroundings, POOL, await createWorkers(admin, POOL, 3));
    // Helm waits until an operator has observed the pools, and the pods of this cluster run no containers.
    await Promise.all([helm.upgrade('careen', CURRENT.careen, '--set-json', POOLS), start()]);
    await expectReady(VERSION);
    expect(await uids()).toEqual(before);
  },
);

it(
  'an operator with the rights that the chart grants, and no others, finishes a strategy',
  { timeout: SECONDS * 1000 },
  async () => {
    await fleet.apply({ execution: { mode: 'Run' } });
    await fleet.untilState('applied', 90);
    await fleet.untilKernel('6.12.48');
    await expectGivenBack(fleet);
  },
);

it('the API server accepts the objects that are off by default', { timeout: SECONDS * 1000 }, async () => {
  const tools = await toolBinaries();
  for (const kind of ['servicemonitors', 'prometheusrules'])
    await apply(admin, ...(await readManifests(join(tools, `${kind}.yaml`))));
  const values = [POOLS, ...EVERYTHING].flatMap((value) => ['--set-json', value]);
  await eventually('the kinds of the Prometheus operator', async () =>
    helm.upgrade('careen', CURRENT.careen, ...values).catch((error: unknown) => {
      if (String(error).includes('no matches for kind')) return false;
      throw error;
    }),
  );
  for (const manifest of await rendered(CHART, EVERYTHING))
    expect(await read(admin, manifest), keyOf(manifest)).toMatchObject({ kind: manifest.kind });
});

it(
  'a rollback of the kinds in the middle of a run stops it, and their upgrade continues it',
  { timeout: SECONDS * 1000 },
  async () => {
    await standin.stop(); // no Job ends any more
    await fleet.apply({
      patches: [kernelPatch, { ...kubeletPatch, rebootRequired: true }],
      execution: { mode: 'Run' },
    });
    await fleet.until('hosts that are out of service', ({ progress }) => (progress?.hosts.length ?? 0) > 0);
    await eventually('a Job that runs', async () =>
      (await fleet.jobs()).some(({ status }) => status?.active === 1),
    );
    const [before, { epoch }] = [await fleet.status(), await fleet.poolStatus()];
    const jobs = (await fleet.jobs()).map(({ metadata }) => metadata?.uid);
    const stalled = ({ conditions }: StrategyStatus): string | undefined =>
      conditions?.find(({ type, status }) => type === 'Stalled' && status === 'True')?.message;

    await helm.rollback('careen-crds', 1);
    const said = stalled(await fleet.until('a condition', (status) => stalled(status) !== undefined));
    expect(said).toMatch(/the CRD patchstrategies\.careen\.dev in this cluster does not accept spec\./);
    expect(said).toMatch(/apply the CRDs of this version \(chart careen-crds,/);

    await helm.upgrade('careen-crds', CURRENT.crds);
    const after = await fleet.until('the run continues', (status) => stalled(status) === undefined);
    expect(after).toMatchObject({ state: 'applying', run: { id: before.run?.id, epoch: before.run?.epoch } });
    expect(after.progress?.hosts.map(({ jobs: made }) => made)).toEqual(
      before.progress?.hosts.map(({ jobs: made }) => made),
    );
    expect((await fleet.poolStatus()).epoch).toBe(epoch);
    expect((await fleet.jobs()).map(({ metadata }) => metadata?.uid)).toEqual(jobs);
  },
);

it(
  'an uninstall in the middle of a run leaves kinds, pools, permits and strategies',
  { timeout: SECONDS * 1000 },
  async () => {
    const [before, { permits }] = [await uids(), await fleet.poolStatus()];
    expect(permits?.length).toBeGreaterThan(0);
    await operator.stop();

    await helm.uninstall('careen');
    await helm.uninstall('careen-crds');

    expect(await uids()).toEqual(before);
    expect((await fleet.poolStatus()).permits).toEqual(permits);
    expect((await left()).sort()).toEqual([
      ...OUR_KINDS.map(({ plural }) => `CustomResourceDefinition ${plural}.careen.dev`).sort(),
      'HostPool default',
      'Namespace careen-hosts',
    ]);
  },
);

it(
  'a new installation adopts the objects that were left, and finishes the run',
  { timeout: SECONDS * 1000 },
  async () => {
    const before = await uids();
    await helm.upgrade('careen-crds', CURRENT.crds);
    await helm.upgrade('careen', CURRENT.careen, '--set-json', POOLS);
    expect(await uids()).toEqual(before);
    await start();
    await fleet.untilState('applied', 90);
    await expectGivenBack(fleet);
    expect(marked(await fleet.nodes())).toEqual([]);
  },
);

/**
 * Starts the software of the hosts, and the operator with a token of the account
 * that the chart made, as soon as the account has the rights that the chart grants.
 */
async function start(): Promise<void> {
  await untilGranted(admin, OPERATOR_ACCOUNT, grantedRights(await rendered(CHART), OPERATOR_ACCOUNT));
  standin = await startHostStandin(admin, STANDIN);
  closing.push(() => standin.stop());
  const kubeconfig = join(folder, 'operator.kubeconfig');
  await writeOperatorKubeconfig(admin, kubeconfig);
  operator = await startOperator(kubeconfig);
  closing.push(() => operator.stop());
}

/** Expects that the Deployment runs this version, on two pods that Pod Security admitted. Helm has waited for them. */
async function expectReady(version: string): Promise<void> {
  const { namespace, name } = OPERATOR_ACCOUNT;
  const { spec, status } = await admin.makeApiClient(AppsV1Api).readNamespacedDeployment({ namespace, name });
  expect(spec?.template.spec?.containers[0]?.image).toBe(`ghcr.io/careen-dev/careen:${version}`);
  expect(status).toMatchObject({ replicas: 2, readyReplicas: 2, updatedReplicas: 2 });
  const { items } = await admin.makeApiClient(EventsV1Api).listNamespacedEvent({ namespace });
  const refusals = items.filter(({ reason }) => reason === 'FailedCreate').map(({ note }) => note);
  expect(refusals, 'pods that Pod Security refused').toEqual([]);
}

/** Whether the served kind PatchStrategy has this field in spec.execution. */
async function kindHas(field: string): Promise<boolean> {
  const spec = 'spec.versions.0.schema.openAPIV3Schema.properties.spec';
  const found = await read(admin, kind('patchstrategies'));
  return fieldAt(found, `${spec}.properties.execution.properties.${field}`) !== undefined;
}

function kind(plural: string): Manifest {
  const metadata = { name: `${plural}.careen.dev` };
  return { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata };
}

/** The uids of the objects that hold people's data. Another uid would be another object. */
async function uids(): Promise<Record<string, string>> {
  const api = { apiVersion: 'careen.dev/v1alpha1' };
  const manifests: Manifest[] = [
    kind('hostpools'),
    kind('patchstrategies'),
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'careen-hosts' } },
    { ...api, kind: 'HostPool', metadata: { name: 'default' } },
    { ...api, kind: 'HostPool', metadata: { name: POOL } },
    { ...api, kind: 'PatchStrategy', metadata: { name: POOL, namespace: 'careen-hosts' } },
  ];
  const found = manifests.map(async (manifest) => [
    keyOf(manifest),
    z.looseObject({ metadata: z.looseObject({ uid: z.string() }) }).parse(await read(admin, manifest))
      .metadata.uid,
  ]);
  return z.record(z.string(), z.string()).parse(Object.fromEntries(await Promise.all(found)));
}

/** The objects of the charts that still exist. */
async function left(): Promise<string[]> {
  const all = [...(await rendered(CRDS_CHART)), ...(await rendered(CHART, EVERYTHING))];
  const found = await Promise.all(all.map(async (each) => ((await read(admin, each)) ? [keyOf(each)] : [])));
  return found.flat();
}
