/** The API of a simulated Keystone and Nova: answers requests with what is stored, and carries writes out. */
import type { HttpAnswer, HttpRequest } from '../../../src/openstack/transport.ts';
import { at } from '../world/api-server.ts';
import { isJson } from '../world/objects.ts';
import { NovaRefusal, type NovaMoves } from './nova-moves.ts';
import type { CloudMigration, CloudServer, NovaState, Service } from './nova-state.ts';

export const AUTH_URL = 'http://keystone.cloud/v3';
const NOVA_URL = 'http://nova.cloud/v2.1';
const TOKEN_LIFETIME_MS = 3_600_000;
const PROJECT = 'project';

export type NovaApiOptions = {
  readonly state: NovaState;
  readonly moves: NovaMoves;
  /** The newest microversion. */
  readonly microversion: string;
  /** The most items of one page. */
  readonly page: number;
};

type Item = Readonly<Record<string, unknown>>;
/** `shown`: the list that is asked for has it. */
type Row = { readonly shown: boolean; readonly item: Item };

export class NovaApi {
  readonly #options: NovaApiOptions;
  readonly #tokens = new Set<string>();
  /** By server: the stops and starts that were asked of it, the newest first. */
  readonly #actions = new Map<string, readonly Item[]>();

  constructor(options: NovaApiOptions) {
    this.#options = options;
    options.state.listen((event) => {
      if (event.kind !== 'asked' || event.refusal !== undefined) return;
      const { act: action, by, server } = event;
      if (action !== 'stop' && action !== 'start') return;
      const asked = { action, user_id: userOf(by), start_time: timestamp(options.state.now) };
      this.#actions.set(server.id, [asked, ...(this.#actions.get(server.id) ?? [])]);
    });
  }

  /** Keystone forgets all tokens. */
  revokeTokens(): void {
    this.#tokens.clear();
  }

  /** Carries a request out and answers it, as it is at this moment. */
  answer(request: HttpRequest, by: string): HttpAnswer {
    const { method, url, headers, body } = request;
    try {
      if (url.startsWith(AUTH_URL)) return this.#token(by);
      const { pathname, searchParams } = new URL(url);
      const token = headers['X-Auth-Token'] ?? '';
      if (!this.#tokens.has(token))
        throw new NovaRefusal(401, 'The request you have made requires authentication.');
      const path = pathname.split('/').slice(2).map(decodeURIComponent);
      const content: unknown = body === undefined ? undefined : JSON.parse(body);
      if (method === 'GET') return json(200, this.#read(path, searchParams, headers));
      return this.#write(method, path, content, by);
    } catch (error) {
      if (!(error instanceof NovaRefusal)) throw error;
      return json(error.status, { fault: { code: error.status, message: error.message } });
    }
  }

  #token(by: string): HttpAnswer {
    const { now } = this.#options.state;
    const token = `token-${String(this.#tokens.size)}-${String(now)}`;
    this.#tokens.add(token);
    const endpoint = { interface: 'public', region: 'R', url: NOVA_URL };
    const content = {
      issued_at: timestamp(now),
      expires_at: timestamp(now + TOKEN_LIFETIME_MS),
      // One user for all processes.
      user: { id: userOf(by) },
      catalog: [{ type: 'compute', endpoints: [endpoint] }],
    };
    return { ...json(201, { token: content }), headers: new Map([['x-subject-token', token]]) };
  }

  #read(path: readonly string[], query: URLSearchParams, headers: Readonly<Record<string, string>>): unknown {
    const { state, microversion } = this.#options;
    const [resource = '', id = '', what] = path;
    const asked = headers['OpenStack-API-Version']?.split(' ')[1] ?? '';
    switch (resource) {
      case '':
        return { version: { id: 'v2.1', version: microversion, min_version: '2.1' } };
      case 'os-services': {
        const host = query.get('host');
        const wanted = state.services.filter((each) => host === null || each.host === host);
        return { services: wanted.map((each) => this.#service(each)) };
      }
      case 'os-hypervisors':
        return { hypervisors: state.services.map(hypervisorOf) };
      case 'os-aggregates':
        return { aggregates: this.#aggregates() };
      case 'os-server-groups':
        return { server_groups: Number(query.get('offset')) > 0 ? [] : this.#groups() };
      case 'os-migrations': {
        const since = Date.parse(query.get('changes-since') ?? timestamp(0));
        const server = query.get('instance_uuid');
        const isOf = (each: CloudMigration): boolean =>
          each.updatedAt >= since && (server === null || each.server === server);
        const rows = state.migrations.map((each) => ({ shown: isOf(each), item: migrationOf(each, asked) }));
        return this.#page('migrations', rows, 'uuid', query);
      }
      case 'servers': {
        if (id !== 'detail') {
          const server = state.server(id);
          if (!server) throw new NovaRefusal(404, `Instance ${id} could not be found.`);
          if (what === 'os-instance-actions') return { instanceActions: this.#actions.get(id) ?? [] };
          return { server: serverOf(server, asked) };
        }
        const host = query.get('host');
        const rows = state.servers.map((each) => ({
          shown: host === null || each.host === host,
          item: serverOf(each, asked),
        }));
        return this.#page('servers', rows, 'id', query);
      }
      default:
        throw new NovaRefusal(404, `There is no ${path.join('/')}`);
    }
  }

  #write(
    method: HttpRequest['method'],
    [resource, id = '', what, migration = '']: readonly string[],
    body: unknown,
    by: string,
  ): HttpAnswer {
    const { state, moves } = this.#options;
    if (method === 'PUT' && resource === 'os-services') {
      const service = state.services.find((each) => each.id === id);
      if (!service) throw new NovaRefusal(404, `Service ${id} could not be found.`);
      const given = at(body, 'disabled_reason');
      const reason = typeof given === 'string' ? given : '';
      const disabled = at(body, 'status') === 'disabled' ? { reason } : undefined;
      state.changeService(service.host, { disabled }, by);
      return json(200, { service: this.#service(state.service(service.host)) });
    }
    if (method === 'DELETE' && what === 'migrations')
      moves.cancel({ server: id, to: undefined, by }, Number(migration));
    else this.#act(id, body, by);
    return { status: 202, headers: new Map(), text: '' };
  }

  #act(server: string, body: unknown, by: string): void {
    const { moves } = this.#options;
    const [[action, given] = []] = Object.entries(isJson(body) ? body : {});
    const to = at(given, 'host');
    const asked = { server, to: typeof to === 'string' ? to : undefined, by };
    switch (action) {
      case 'os-migrateLive':
        return moves.liveMigrate(asked);
      case 'migrate':
        return moves.migrate(asked);
      case 'evacuate':
        return moves.evacuate(asked);
      case 'confirmResize':
        return moves.confirm(asked);
      case 'os-stop':
        return moves.stop(asked);
      case 'os-start':
        return moves.start(asked);
      default:
        throw new NovaRefusal(400, `There is no such action: ${String(action)}`);
    }
  }

  /** The newest first. A page is read at another time than the one before it, whose last item may have left the list. */
  #page(key: string, rows: readonly Row[], marker: string, query: URLSearchParams): unknown {
    const all = rows.toReversed();
    const after = query.get('marker');
    const place = after === null ? -1 : all.findIndex(({ item }) => item[marker] === after);
    if (after !== null && place < 0) throw new NovaRefusal(400, `marker [${after}] not found`);
    const found = all.slice(place + 1).filter(({ shown }) => shown);
    const page = found.slice(0, this.#options.page).map(({ item }) => item);
    const href = `${NOVA_URL}/${key}?marker=${String(page.at(-1)?.[marker])}`;
    const links = found.length > page.length ? { [`${key}_links`]: [{ rel: 'next', href }] } : {};
    return { [key]: page, ...links };
  }

  #service(service: Service): Item {
    const { id, host, zone, disabled, silentSince } = service;
    const { now } = this.#options.state;
    return {
      ...{ id, host, zone, binary: 'nova-compute', forced_down: false },
      status: disabled ? 'disabled' : 'enabled',
      disabled_reason: disabled?.reason ?? null,
      state: this.#options.state.isUp(service) ? 'up' : 'down',
      updated_at: timestamp(silentSince ?? now),
    };
  }

  #aggregates(): readonly Item[] {
    const byZone = Map.groupBy(this.#options.state.services, ({ zone }) => zone);
    return [...byZone].map(([zone, services]) => ({
      ...{ name: zone, availability_zone: zone, metadata: {} },
      hosts: services.map(({ host }) => host),
    }));
  }

  #groups(): readonly Item[] {
    return this.#options.state.groups.map(({ id, policy, members }) => ({
      ...{ id, name: id, project_id: PROJECT, members, policy, rules: {} },
    }));
  }
}

function hypervisorOf({ id, host, hypervisorVersion }: Service): Item {
  return {
    ...{ id, hypervisor_hostname: host, service: { id, host }, hypervisor_type: 'QEMU' },
    ...{ hypervisor_version: hypervisorVersion, host_ip: '192.0.2.1' },
  };
}

function serverOf(server: CloudServer, microversion: string): Item {
  const { id, host, status, task, units, pinnedZone, hasDevice, createdAt, fault } = server;
  const flavor = {
    ...{ original_name: 'f', vcpus: units, ram: 512, disk: 1, ephemeral: 0, swap: 0 },
    extra_specs: hasDevice ? { 'pci_passthrough:alias': 'gpu:1' } : {},
  };
  return {
    ...{
      id,
      name: id,
      tenant_id: PROJECT,
      status: statusOf(server),
      created: timestamp(createdAt),
      flavor,
      metadata: {},
    },
    ...(fault === undefined ? {} : { fault: { code: 500, message: fault } }),
    'OS-EXT-SRV-ATTR:host': host,
    'OS-EXT-STS:task_state': task ?? null,
    'OS-EXT-STS:power_state': status === 'SHUTOFF' ? 4 : 1,
    ...(minorOf(microversion) >= 96 ? { pinned_availability_zone: pinnedZone ?? null } : {}),
  };
}

/** The API shows the tasks of a move as statuses. */
function statusOf({ status, task = '' }: CloudServer): string {
  if (task === 'migrating') return 'MIGRATING';
  if (task === 'rebuilding') return 'REBUILD';
  return task.startsWith('resize_') ? 'RESIZE' : status;
}

function migrationOf(migration: CloudMigration, microversion: string): Item {
  const { id, server, type, status, source, dest, by, createdAt, updatedAt } = migration;
  return {
    ...{ id, uuid: `migration-${String(id)}`, instance_uuid: server, status, migration_type: type },
    ...{ source_compute: source, dest_compute: dest ?? null },
    ...{ created_at: timestamp(createdAt), updated_at: timestamp(updatedAt) },
    ...(minorOf(microversion) >= 80 ? { user_id: userOf(by) } : {}),
  };
}

function minorOf(microversion: string): number {
  return Number(microversion.split('.')[1]);
}

/** All processes of the operator log in as one user. */
function userOf(by: string): string {
  return by.startsWith('op-') ? 'careen' : by;
}

function json(status: number, content: unknown): HttpAnswer {
  return { status, headers: new Map(), text: JSON.stringify(content) };
}

/** Nova's format of times. */
function timestamp(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`;
}
