/** Objects of Nova as an answer is read, each with what a test cares about. */
import type {
  ComputeService,
  Migration,
  Server,
  ServerGroup,
} from '../../../../src/openstack/compute-answers.ts';
import type { Moves } from '../../../../src/hostops/openstack/servers-on-host.ts';

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
    ...{ pinnedZone: undefined, schedulerHints: undefined, fault: undefined, volumes: [] },
    ...fields,
  };
}

export function flavored(extraSpecs: Readonly<Record<string, string>>): Server['flavor'] {
  const sizes = { vcpus: 1, ramMb: 512, diskGb: 1, ephemeralGb: 0, swapMb: 0 };
  return { name: 'm1', ...sizes, extraSpecs: { ...extraSpecs } };
}

export function migration(status: string, fields: Partial<Migration> = {}): Migration {
  return {
    ...{ id: 1, uuid: 'm1', server: 's1', status, type: 'live-migration', source: HOST, dest: undefined },
    ...{ createdAt: ago(60), updatedAt: ago(30), userId: undefined },
    ...fields,
  };
}

export function group(members: string[], name = 'db'): ServerGroup {
  const policy = 'anti-affinity';
  return { id: `group-${name}`, name, projectId: 'p1', members, policy, maxServersPerHost: undefined };
}

export function moves(fields: Partial<Moves> = {}): Moves {
  return { migrations: [], groups: [], lost: new Map(), setOff: new Set(), ...fields };
}

export function service(fields: Partial<ComputeService> = {}): ComputeService & { readonly id: string } {
  return {
    ...{ id: 'service-1', host: HOST, binary: 'nova-compute', zone: 'az1', status: 'enabled', state: 'up' },
    ...{ disabledReason: undefined, updatedAt: ago(5), forcedDown: false },
    ...fields,
    ...(fields.id === undefined ? { id: 'service-1' } : { id: fields.id }),
  };
}
