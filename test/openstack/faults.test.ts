/**
 * Strategies on compute hosts that meet with faults: each on a host of its own, whose servers can move to one other. Other
 * cases share the cloud.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StrategyStatus } from '../../src/crds/observed/strategy-status.ts';
import { eventually } from '../support/eventually.ts';
import { Admin, NOVA_PAUSE } from '../support/openstack/admin.ts';
import { INSTALLATION_MS } from '../support/openstack/client-scene.ts';
import { enclose, type Enclosure } from '../support/openstack/enclosed.ts';
import { migrationRecords, overlaps } from '../support/openstack/observer.ts';
import { OperatedCloud } from '../support/openstack/operated-cloud.ts';
import { evacuationCases } from './evacuation-cases.ts';
import { SESSION_PARTS, sessionCases } from './session-cases.ts';
import { stopStartCases, UPGRADE_PARTS } from './stop-start-cases.ts';
import { unusableCases } from './unusable-cases.ts';
import { vimCases, vimUpgradeCases } from './vim-cases.ts';

const SECONDS = 'testbed:live-migration-seconds';
/** More than half the memory of a host. */
const BIG = { vcpus: 1, ramMebibytes: 200 * 1024, diskGibibytes: 1 };

let cloud: OperatedCloud;
let admin: Admin;
/** In no pool: the servers of all cases can move there. */
let refuge: string;

beforeAll(async () => {
  cloud = await OperatedCloud.start({ hosts: 17, patches: { ...UPGRADE_PARTS, ...SESSION_PARTS } });
  admin = cloud.cloudAdmin;
  refuge = hostNumber(0);
}, INSTALLATION_MS);

afterAll(async () => cloud.stop());

function hostNumber(i: number): string {
  return cloud.openStack.hosts[i] ?? '';
}

/** The host of a case, and a flavor whose servers run there and on the refuge only. */
async function caseOf(name: string, i: number): Promise<{ readonly host: string } & Enclosure> {
  const host = hostNumber(i);
  return { host, ...(await enclose(admin, name, [host, refuge])) };
}

async function untilMigrating(server: string): Promise<void> {
  const isMoving = async (): Promise<boolean> => (await admin.server(server)).task === 'migrating';
  // On a busy machine Nova may miss its hosts for a while, and is asked again after half a minute.
  await eventually('the migration', isMoving, { ...NOVA_PAUSE, seconds: 200 });
}

async function statusesOf(server: string): Promise<readonly string[]> {
  const records = await migrationRecords(admin, server);
  expect(overlaps(records)).toEqual([]);
  return records.map(({ status }) => status);
}

function isStuck({ message = '' }: StrategyStatus): boolean {
  return message.includes('did not leave in 3 attempts');
}

describe.concurrent('a strategy on compute hosts', { timeout: 300_000 }, () => {
  // The longest first: only ten run at once, and those at the end wait until others have ended.
  vimCases(() => cloud, [12, 13], { host: 14, refuge: 0 });
  evacuationCases(() => cloud, { lost: 16, refuge: 0 });
  stopStartCases(() => cloud, { upgraded: 7, stopped: 8, refuge: 0 });

  it('goes on after a crash in the middle of a migration, and starts no second one', async () => {
    const { host, flavor } = await caseOf('crash', 1);
    const { id } = await admin.bootServer('slow', { host, flavor, metadata: { [SECONDS]: '12' } });
    const fleet = await cloud.fleet('crash', [host]);
    await fleet.apply({ execution: { mode: 'Run' } });
    await untilMigrating(id);
    await cloud.crashOperator();
    await fleet.until('the end', ({ state }) => state === 'applied', 240);
    expect(await admin.server(id)).toMatchObject({ status: 'ACTIVE', host: refuge });
    expect(await statusesOf(id)).toEqual(['completed']);
  });

  it('names a server that cannot leave, and what to do', async () => {
    // After a failure Careen names another host, which is one of all: no flavor encloses these servers.
    const host = hostNumber(2);
    const metadata = { 'testbed:live-migration': 'fail' };
    const { id } = await admin.bootServer('fails', { host, metadata });
    const suspended = await admin.bootServer('asleep', { host });
    await admin.post(`/servers/${suspended.id}/action`, { suspend: null });
    await admin.serverWhere(suspended.id, 'it sleeps', ({ status }) => status === 'SUSPENDED');
    const fleet = await cloud.fleet('stuck', [host]);
    await fleet.apply({ execution: { mode: 'Hold' } });
    const isFound = ({ findings = [] }: StrategyStatus): boolean => findings.length > 0;
    const { findings } = await fleet.until('a finding', isFound, 120);
    expect(findings).toMatchObject([{ reason: 'InstancesStuck', subjects: [host] }]);
    await admin.post(`/servers/${suspended.id}/action`, { resume: null });
    await fleet.order({ mode: 'Run' });
    const { message } = await fleet.until('the blocker', isStuck, 240);
    expect(message).toContain(`openstack server show ${id}`);
    await admin.delete(`/servers/${id}`);
    await fleet.until('the end', ({ state }) => state === 'applied', 120);
  });

  it('that is aborted cancels what moves, and enables the host', async () => {
    const { host, flavor } = await caseOf('abort', 3);
    const { id } = await admin.bootServer('endless', { host, flavor, metadata: { [SECONDS]: '600' } });
    const fleet = await cloud.fleet('abort', [host]);
    await fleet.apply({ execution: { mode: 'Run' } });
    await untilMigrating(id);
    await fleet.order({ mode: 'Abort' });
    await fleet.until('the abort', ({ state }) => state === 'aborted', 120);
    expect(await admin.serviceOf(host)).toMatchObject({ status: 'enabled', disabledReason: undefined });
    const still = await admin.serverWhere(id, 'no task', ({ task }) => task === undefined);
    expect(still).toMatchObject({ status: 'ACTIVE', host });
  });

  it('waits for a host that is lost in the middle of a migration, and moves the server once it is back', async () => {
    const host = hostNumber(4);
    // After a failure Careen names another host, which is one of all.
    const { id } = await admin.bootServer('cut-off', { host, metadata: { [SECONDS]: '60' } });
    const fleet = await cloud.fleet('lost', [host]);
    await fleet.apply({ execution: { mode: 'Run' } });
    const isRunning = async (): Promise<boolean> => (await statusesOf(id)).includes('running');
    await eventually('the migration runs', isRunning, { ...NOVA_PAUSE, seconds: 150 });
    await cloud.openStack.command(`power-off ${host}`);
    const isMissed = async (): Promise<boolean> => (await admin.serviceOf(host)).state === 'down';
    await eventually('Nova misses the host', isMissed, { ...NOVA_PAUSE, seconds: 60 });
    expect(await statusesOf(id)).toEqual(['running']);
    await admin.post(`/servers/${id}/metadata`, { metadata: { [SECONDS]: '0.1' } });
    await cloud.openStack.command(`power-on ${host}`);
    await fleet.until('the end', ({ state }) => state === 'applied', 240);
    const after = await admin.serverWhere(id, 'it is at rest', ({ task }) => task === undefined);
    expect(after.status).toBe('ACTIVE');
    expect(after.host).not.toBe(host);
    // Where it went is a host of another case, perhaps, which it has left since.
    expect(new Set(await statusesOf(id))).toEqual(new Set(['error', 'completed']));
    expect(await admin.serviceOf(host)).toMatchObject({ status: 'enabled', state: 'up' });
  });

  it('names a server for which no host has room, and goes on once one has', async () => {
    const host = hostNumber(5);
    const { flavor } = await enclose(admin, 'full', [host, refuge], BIG);
    const [{ id }, filler] = await Promise.all([
      admin.bootServer('big', { host, flavor }),
      admin.bootServer('filler', { host: refuge, flavor }),
    ]);
    const fleet = await cloud.fleet('full', [host]);
    await fleet.apply({ execution: { mode: 'Run' } });
    // Another case may have crashed the operator during the first pause.
    const foundNone = ({ message = '' }: StrategyStatus): boolean =>
      /found no host in attempt [12] of 3/.test(message);
    const { message } = await fleet.until('the blocker', foundNone, 120);
    expect(message).toContain(`openstack server show ${id}`);
    expect(await admin.server(id)).toMatchObject({ status: 'ACTIVE', host });
    await admin.delete(`/servers/${filler.id}`);
    await fleet.until('the end', ({ state }) => state === 'applied', 240);
    expect(await admin.server(id)).toMatchObject({ status: 'ACTIVE', host: refuge });
  });

  it('moves the servers of a project that has more of them than its quota allows: moves need none', async () => {
    const host = hostNumber(6);
    const { flavor, addHost } = await enclose(admin, 'quota', [host]);
    const credentials = { ...cloud.openStack.credentials, username: 'demo', projectName: 'demo' };
    const owner = await Admin.logIn({ ...cloud.openStack, credentials });
    const [on, off] = await Promise.all(['on', 'off'].map((name) => owner.bootServer(name, { flavor })));
    await owner.post(`/servers/${off?.id ?? ''}/action`, { 'os-stop': null });
    await owner.serverWhere(off?.id ?? '', 'off', ({ status }) => status === 'SHUTOFF');
    await addHost(refuge);
    const nothing = { instances: 0, cores: 0, ram: 0, force: true };
    await admin.put(`/os-quota-sets/${owner.project}`, { quota_set: nothing });
    await expect(owner.bootServer('further', { flavor })).rejects.toThrow(/Quota exceeded/);
    const fleet = await cloud.fleet('quota', [host]);
    await fleet.apply({ execution: { mode: 'Run' } });
    await fleet.until('the end', ({ state }) => state === 'applied', 240);
    expect(await admin.server(on?.id ?? '')).toMatchObject({ status: 'ACTIVE', host: refuge });
    expect(await admin.server(off?.id ?? '')).toMatchObject({ status: 'SHUTOFF', host: refuge });
  });

  unusableCases(() => cloud, 0);
  sessionCases(() => cloud, [9, 10, 11]);
  vimUpgradeCases(() => cloud, { host: 15, refuge: 0 });
});
