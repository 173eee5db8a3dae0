/** Objects of Nova as an answer is read, each with what a test cares about. */
import type {
  ComputeService,
  Migration,
  Server,
  ServerGroup,
} from '../../../../src/openstack/compute-answers.ts';
import type { HostRoom } from '../../../../src/openstack/placement.ts';
import type { CloudScene } from '../../../../src/hostops/openstack/placing/cloud-scene.ts';
import type { CloudSurvey } from '../../../../src/hostops/openstack/placing/cloud-survey.ts';
import type { Moves } from '../../../../src/hostops/openstack/leaving/servers-on-host.ts';

export const HOST = 'compute-1';
export const NOW = Date.parse('2026-11-27T12:00:00Z');

/** A time this long before `NOW`. */
export function ago(seconds: number): string {
  return new Date(NOW - seconds * 1000).toISOString();
}

export function server(fields: Partial<Server> = {}): Server {
  return {
    ...{
      id: 's1',
      name: 'web',
      projectId: 'p1',
      host: HOST,
      hostId: 'h',
      status: 'ACTIVE',
      taskState: undefined,
    },
    ...{
      powerState: 1,
      locked: false,
      createdAt: ago(86_400),
      flavor: undefined,
      metadata: {},
      zone: 'nova',
    },
    ...{
      bootsFromVolume: false,
      imageProperties: {},
      pinnedZone: undefined,
      schedulerHints: undefined,
      fault: undefined,
      volumes: [],
    },
    ...fields,
  };
}

type Specs = Readonly<Record<string, string>>;
type Flavor = NonNullable<Server['flavor']>;

export function flavored(extraSpecs: Specs): Flavor {
  return sized({ diskGb: 1 }, extraSpecs);
}

export function sized(sizes: Partial<Omit<Flavor, 'name' | 'extraSpecs'>>, extraSpecs: Specs = {}): Flavor {
  const usual = { vcpus: 1, ramMb: 512, diskGb: 0, ephemeralGb: 0, swapMb: 0 };
  return { name: 'm1', ...usual, ...sizes, extraSpecs: { ...extraSpecs } };
}

/** A cloud with these hosts, each with this room, or one of which the room is not known. */
export function scene(
  hosts: Readonly<Record<string, HostRoom['free']>>,
  {
    rooms = true,
    traits = {},
    zones = {},
    out = [],
    ...known
  }: Partial<Omit<CloudSurvey, 'rooms' | 'hypervisors'>> & SceneFields = {},
): CloudScene {
  const names = Object.keys(hosts);
  const of = new Map(
    Object.entries(hosts).map(([name, free]) => [
      `id-of-${name}`,
      { free, capacity: free, traits: new Set(traits[name]) },
    ]),
  );
  const survey: CloudSurvey = {
    ...{ readAt: NOW, servers: [], groups: [], migrations: [], aggregates: [], sharing: new Set(), ...known },
    hypervisors: names.map((name) => ({
      ...{ id: `id-of-${name}`, hostname: name, serviceHost: name, type: 'QEMU', version: undefined },
      ...{ hostIp: undefined, uptime: undefined },
    })),
    rooms: rooms ? { kind: 'known', of } : { kind: 'unknown', why: 'it has no endpoint' },
  };
  const host = (name: string) => ({
    name,
    ready: true,
    closedToNewWork: out.includes(name),
    labels: { zone: zones[name] ?? 'nova' },
  });
  return { survey, hosts: new Map(names.map((name) => [name, host(name)])) };
}

type SceneFields = {
  /** Whether the room is known. */
  readonly rooms?: boolean;
  readonly traits?: Readonly<Record<string, readonly string[]>>;
  readonly zones?: Readonly<Record<string, string>>;
  /** The hosts that are disabled. */
  readonly out?: readonly string[];
};

export function migration(status: string, fields: Partial<Migration> = {}): Migration {
  return {
    ...{ id: 1, uuid: 'm1', server: 's1', status, type: 'live-migration', source: HOST, dest: undefined },
    ...{ createdAt: ago(60), updatedAt: ago(30), userId: undefined },
    ...fields,
  };
}

export function group(members: string[], name = 'db', fields: Partial<ServerGroup> = {}): ServerGroup {
  const policy = 'anti-affinity';
  const usual = { id: `group-${name}`, name, projectId: 'p1', members, policy, maxServersPerHost: undefined };
  return { ...usual, ...fields };
}

export function moves(fields: Partial<Moves> = {}): Moves {
  const none = { queuedAt: new Map(), faults: new Map(), lost: new Map(), setOff: new Set<string>() };
  return { migrations: [], groups: [], sharing: new Set(), ...none, ...fields };
}

export function service(fields: Partial<ComputeService> = {}): ComputeService & { readonly id: string } {
  return {
    ...{ id: 'service-1', host: HOST, binary: 'nova-compute', zone: 'az1', status: 'enabled', state: 'up' },
    ...{ disabledReason: undefined, updatedAt: ago(5), forcedDown: false },
    ...fields,
    ...(fields.id === undefined ? { id: 'service-1' } : { id: fields.id }),
  };
}
