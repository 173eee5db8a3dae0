/** The cloud at the beginning of a seed: compute hosts, servers and groups, and the pool and strategies on them. */
import { NAMESPACE, NEW, OLD, POOL } from '../scenario.ts';
import type { Json, NewObject } from '../world/objects.ts';
import type { Random } from '../world/random.ts';
import { AUTH_URL } from './nova-api.ts';
import type { CloudServer, NovaState } from './nova-state.ts';
import type { CloudLimits } from './cloud-check.ts';

const SECRET = 'careen-openstack';
/** As Nova shows them; in the checker they are the versions of kernels. */
const OLD_HYPERVISOR = 40;
export const NEW_HYPERVISOR = 48;

const job = { template: { spec: { containers: [{ name: 'apply', image: 'patch:1' }] } } };
const KERNEL = {
  id: 'kernel',
  rebootRequired: true,
  current: [{ fact: 'hypervisor.version', operator: 'AtLeast', values: [String(NEW_HYPERVISOR)] }],
  action: { job },
};
/** Nothing that Nova shows tells whether a host has it. */
const AGENT = { id: 'kubelet', rebootRequired: false, action: { job } };

export type CloudScenario = {
  readonly hosts: readonly string[];
  /** A number, or a percentage. */
  readonly limit: number | string;
  readonly limits: CloudLimits;
  /** Whether the strategy "kernel" stops the servers of a host for its outage, and starts them again. */
  readonly stopsServers: boolean;
  readonly microversion: string;
  /** The most items of one page of Nova. */
  readonly page: number;
  /** How many live migrations one host carries out at once. */
  readonly atOnce: number;
  readonly secret: NewObject;
  readonly pool: NewObject;
  readonly strategies: readonly NewObject[];
  readonly fill: (state: NovaState) => void;
};

/** Draws the cloud of a seed. `isCalm`: every server can leave its host, and no timeout is tight. */
export function cloudScenarioOf(random: Random, isCalm: boolean, stopsServers: boolean): CloudScenario {
  const hosts = Array.from({ length: random.int(5, 7) }, (_, i) => `compute-${String(i + 1)}`);
  const zones = random.chance(0.3) ? ['az-1', 'az-2'] : ['nova'];
  const limit = isCalm ? random.pick([1, 2]) : random.pick([2, 2, 3, '34%', '50%']);
  const limits = {
    maxMigrations: random.pick([2, 4, 10]),
    maxMigrationsPerHost: random.pick([1, 1, 2, 4]),
  };
  const most = random.chance(0.4) ? { maxMigrationsPerTarget: random.int(1, 2) } : {};
  const openstack = {
    identityRef: { name: SECRET, cloudName: 'lab' },
    hostSelector: {},
    coldMigration: isCalm || random.chance(0.6),
    evacuation: random.chance(0.4),
    ...limits,
    ...most,
    ...(stopsServers ? { stopStart: true } : {}),
  };
  const names = random.chance(0.25) ? ['kernel', 'other'] : ['kernel'];
  return {
    ...{ hosts, limit, limits, stopsServers },
    microversion: random.pick(['2.60', '2.79', '2.96', '2.104']),
    page: random.pick([2, 500, 500]),
    atOnce: random.pick([1, 1, 2]),
    secret: secretOf(),
    pool: {
      ...{ apiVersion: 'careen.dev/v1alpha1', kind: 'HostPool', metadata: { name: POOL } },
      spec: { provider: { openstack }, maxUnavailable: limit, paused: false, allowedNamespaces: [NAMESPACE] },
    },
    strategies: names.map((name) => strategy(name, random, isCalm, stopsServers && name === 'kernel')),
    fill: (state) => {
      const units = random.int(4, 6);
      for (const [place, host] of hosts.entries())
        state.addService({
          ...{ id: `service-${host}`, host, zone: zones[place % zones.length] ?? '', units },
          ...{ disabled: !isCalm && random.chance(0.05) ? { reason: 'its disk fails' } : undefined },
          ...{ silentSince: undefined, hypervisorVersion: OLD_HYPERVISOR, agentVersion: OLD.kubeletVersion },
        });
      for (const server of serversOn(hosts, units, random, isCalm)) state.addServer(server, 'owner');
      addGroups(state, random, isCalm ? 2 : 3);
    },
  };
}

/** What the Job of a patch has changed of a host, once it has ended, and with its next boot. */
export function cloudChangeBy(action: string): { readonly atOnce: Json; readonly atReboot: Json } {
  if (action === 'kernel') return { atOnce: {}, atReboot: { hypervisorVersion: NEW_HYPERVISOR } };
  return { atOnce: { agentVersion: NEW.kubeletVersion }, atReboot: {} };
}

/** At most half of all places are taken, so that the others can take the servers of the hosts that are out of service. */
function serversOn(hosts: readonly string[], units: number, random: Random, isCalm: boolean): CloudServer[] {
  const most = Math.floor((hosts.length * units * (isCalm ? 30 : 45)) / 100);
  const servers: CloudServer[] = [];
  const free = new Map(hosts.map((host) => [host, units]));
  for (let left = random.int(Math.floor(most / 2), most); left > 0;) {
    const size = isCalm ? 1 : random.pick([1, 1, 1, 2]);
    left -= size;
    const host = random.pick(hosts);
    if ((free.get(host) ?? 0) < size) continue;
    free.set(host, (free.get(host) ?? 0) - size);
    const isStopped = random.chance(0.1);
    servers.push({
      ...{ id: `vm-${String(servers.length + 1)}`, host, units: size, task: undefined, fault: undefined },
      ...{ status: isStopped ? 'SHUTOFF' : 'ACTIVE', shallRun: !isStopped, heldOn: undefined },
      pinnedZone: undefined,
      hasDevice: !isCalm && random.chance(0.04),
      createdAt: 0,
    });
  }
  return servers;
}

/** Groups of two or three servers on hosts of their own. */
function addGroups(state: NovaState, random: Random, most: number): void {
  const grouped = new Set<string>();
  for (let number = 1; number <= 3; number += 1) {
    const members: CloudServer[] = [];
    for (const server of state.servers) {
      const isApart = members.every(({ host }) => host !== server.host);
      if (grouped.has(server.id) || !isApart || members.length >= most || random.chance(0.4)) continue;
      members.push(server);
      grouped.add(server.id);
    }
    const policy = random.chance(0.8) ? 'anti-affinity' : 'soft-anti-affinity';
    state.addGroup({ id: `group-${String(number)}`, policy, members: members.map(({ id }) => id) });
  }
}

function secretOf(): NewObject {
  const auth = { auth_url: AUTH_URL, username: 'careen', password: 'secret', project_name: 'p' };
  const domains = { user_domain_name: 'Default', project_domain_name: 'Default' };
  // YAML includes JSON.
  const clouds = JSON.stringify({ clouds: { lab: { region_name: 'R', auth: { ...auth, ...domains } } } });
  const data = { 'clouds.yaml': Buffer.from(clouds).toString('base64') };
  const metadata = { name: SECRET, namespace: 'careen-system' };
  return { apiVersion: 'v1', kind: 'Secret', metadata, ...{ data } };
}

function strategy(name: string, random: Random, isCalm: boolean, stops: boolean): NewObject {
  const patches =
    name === 'kernel' ? random.pick([[KERNEL, AGENT], [KERNEL], [KERNEL], [KERNEL], [AGENT]]) : [AGENT];
  const seconds = (least: number, most: number): number => (isCalm ? most : random.int(least, most));
  return {
    ...{ apiVersion: 'careen.dev/v1alpha1', kind: 'PatchStrategy', metadata: { name, namespace: NAMESPACE } },
    spec: {
      ...{ poolRef: POOL, patches, reboot: { job } },
      ...(stops ? { defaultInstanceAction: 'stop-start' } : {}),
      workerApplyType: random.chance(0.2) ? 'serial' : 'parallel',
      maxParallelWorkerHosts: random.pick([1, 2, 3, 4]),
      onForeignUncordon: random.pick(['pause', 'recordon', 'fail']),
      timing: {
        // The first step waits for the permits, which another strategy may hold while it drains and works.
        ...{ lockTimeoutSeconds: isCalm ? 3600 : random.int(60, 300) },
        ...{
          drainTimeoutSeconds: seconds(120, 900),
          patchTimeoutSeconds: isCalm ? 3600 : random.int(90, 300),
        },
        ...{ verifyTimeoutSeconds: seconds(150, 300) },
        ...{ unlockTimeoutSeconds: seconds(90, 300) },
        ...{ settleSeconds: isCalm ? 5 : random.int(0, 3), stabilizeSeconds: random.int(0, 3) },
      },
      execution: random.chance(0.85) ? { mode: 'Run' } : { mode: 'Run', throughStage: random.int(0, 1) },
    },
  };
}
