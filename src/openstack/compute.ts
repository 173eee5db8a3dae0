/**
 * The calls of Nova, the compute service. Each names the lowest microversion that has what it needs, and newer ones for
 * what an older Nova does not tell, so that clouds since Queens work (2.60).
 *
 * A write that returns was accepted, not done: read the server and its migrations to learn the outcome.
 */
import { z } from 'zod';
import { understood } from './answers.ts';
import {
  actionEventsSchema,
  aggregateSchema,
  groupSchema,
  hidesHost,
  hypervisorSchema,
  instanceActionSchema,
  migrationSchema,
  serverSchema,
  serviceSchema,
  shareSchema,
  type Aggregate,
  type ComputeService,
  type Hypervisor,
  type InstanceAction,
  type Migration,
  type Server,
  type ServerGroup,
} from './compute-answers.ts';
import { OpenStackError } from './errors.ts';
import type { Call, OpenStackSession } from './session.ts';

const PAGE = 500;
/** Services and hypervisors with UUIDs; the flavor within a server is 2.47. */
const BASE = '2.53';
const COLD_TO_HOST = '2.56';
const MIGRATION_PAGES = '2.59';
const GROUP_POLICY = '2.64';
/** Queued and preparing migrations can be aborted. */
const ABORT_QUEUED = '2.65';
/** What is in a cell whose database is down is listed with the little that is known; without this it is left out. */
const DOWN_CELLS = '2.69';
const MIGRATION_USER = '2.80';
/** The parts of an action say why they have failed. */
const ACTION_DETAILS = '2.84';
const UPTIME = '2.88';
const PINNED_ZONE = '2.96';
const SHARES = '2.97';
const IMAGE_PROPERTIES = '2.98';
const SCHEDULER_HINTS = '2.100';

const SERVER_VERSIONS = [SCHEDULER_HINTS, IMAGE_PROPERTIES, PINNED_ZONE, DOWN_CELLS, BASE];

/** The actions that move a server, as Nova names them. */
const MOVES: ReadonlySet<string> = new Set(['live-migration', 'migrate', 'evacuate']);

const HIDDEN_HOSTS =
  'compute: GET /servers/detail does not show the hosts of servers: give the user the right ' +
  'os_compute_api:os-extended-server-attributes, which admin has by default';

export class Compute {
  readonly #session: OpenStackSession;

  constructor(session: OpenStackSession) {
    this.#session = session;
  }

  /** The id of the user as whom this asks: a migration has that of whoever asked for it. */
  async userId(signal: AbortSignal): Promise<string> {
    return this.#session.userId(signal);
  }

  /** The services that run servers. */
  async services(signal: AbortSignal, host?: string): Promise<readonly ComputeService[]> {
    const microversion = await this.#newest([DOWN_CELLS, BASE], signal);
    const query = { binary: 'nova-compute', host };
    const call: Call = { method: 'GET', path: ['os-services'], query, microversion };
    return this.#list(call, 'services', serviceSchema, signal);
  }

  async hypervisors(signal: AbortSignal): Promise<readonly Hypervisor[]> {
    const microversion = await this.#newest([UPTIME, BASE], signal);
    const path = ['os-hypervisors', 'detail'];
    const call: Call = { method: 'GET', path, query: { limit: PAGE }, microversion };
    return this.#pages(call, 'hypervisors', hypervisorSchema, signal);
  }

  async aggregates(signal: AbortSignal): Promise<readonly Aggregate[]> {
    const call: Call = { method: 'GET', path: ['os-aggregates'], microversion: BASE };
    return this.#list(call, 'aggregates', aggregateSchema, signal);
  }

  /**
   * The servers of all projects, or those on one host. With `host`, a cell whose database is down has none. Throws for a
   * user who may not see on which host a server is: all hosts would look empty.
   */
  async servers({ host }: { readonly host?: string }, signal: AbortSignal): Promise<readonly Server[]> {
    const microversion = await this.#newest(SERVER_VERSIONS, signal);
    const query = { all_tenants: 'true', limit: PAGE, host };
    const call: Call = { method: 'GET', path: ['servers', 'detail'], query, microversion };
    const all = await this.#pages(call, 'servers', serverSchema, signal, (page) => {
      if (page.some(hidesHost)) throw new OpenStackError('forbidden', HIDDEN_HOSTS);
    });
    // Nova leaves a filter out that the user may not use.
    return host === undefined ? all : all.filter((each) => each.host === host);
  }

  async server(id: string, signal: AbortSignal): Promise<Server> {
    const microversion = await this.#newest(SERVER_VERSIONS, signal);
    const answer = await this.#session.request(
      'compute',
      { method: 'GET', path: ['servers', id], microversion },
      signal,
    );
    return understood(z.object({ server: serverSchema }), answer, 'compute: GET /servers/ID').server;
  }

  /** A server; undefined when there is none of this id, or not any more. */
  async find(id: string, signal: AbortSignal): Promise<Server | undefined> {
    return this.server(id, signal).catch((error: unknown) => {
      if (error instanceof OpenStackError && error.kind === 'not-found') return undefined;
      throw error;
    });
  }

  /** What was asked of a server, the newest first, by whomever. */
  async instanceActions(server: string, signal: AbortSignal): Promise<readonly InstanceAction[]> {
    const path = ['servers', server, 'os-instance-actions'];
    const call: Call = { method: 'GET', path, microversion: BASE };
    return this.#list(call, 'instanceActions', instanceActionSchema, signal);
  }

  /**
   * Nova's words about why the last move of a server has failed; undefined where it has not, or Nova does not say. The
   * server itself shows its fault only in status ERROR, and a failed live migration leaves it running.
   */
  async moveFault(server: string, signal: AbortSignal): Promise<string | undefined> {
    if (!(await this.#session.supports('compute', ACTION_DETAILS, signal))) return undefined;
    const last = (await this.instanceActions(server, signal)).find(({ action }) => MOVES.has(action));
    if (!last?.hasFailed || last.requestId === undefined) return undefined;
    const path = ['servers', server, 'os-instance-actions', last.requestId];
    const call: Call = { method: 'GET', path, microversion: ACTION_DETAILS };
    const answer = await this.#session.request('compute', call, signal);
    const schema = z.object({ instanceAction: actionEventsSchema });
    const { events } = understood(schema, answer, `compute: GET /${path.join('/')}`).instanceAction;
    // The parts of a move fail from the inside out: the first to begin has the words about the whole.
    const failed = events.filter(({ details }) => details !== undefined);
    return failed.toSorted((a, b) => Date.parse(a.startedAt) - Date.parse(b.startedAt))[0]?.details;
  }

  /** The shares of Manila that a server has, by their ids; none in a Nova that attaches none yet (before 2.97). */
  async shares(server: string, signal: AbortSignal): Promise<readonly string[]> {
    if (!(await this.#session.supports('compute', SHARES, signal))) return [];
    const call: Call = { method: 'GET', path: ['servers', server, 'shares'], microversion: SHARES };
    return (await this.#list(call, 'shares', shareSchema, signal)).map(({ share_id: id }) => id);
  }

  /** The server groups of all projects. They are paged by their number, so one that is removed meanwhile hides another. */
  async serverGroups(signal: AbortSignal): Promise<readonly ServerGroup[]> {
    const microversion = await this.#newest([GROUP_POLICY, BASE], signal);
    const all = new Map<string, ServerGroup>();
    for (let offset = 0; ;) {
      const query = { all_projects: 'true', limit: PAGE, offset };
      const call: Call = { method: 'GET', path: ['os-server-groups'], query, microversion };
      const page = await this.#list(call, 'server_groups', groupSchema, signal);
      for (const group of page) all.set(group.id, group);
      // Nova may be configured to send fewer than were asked for: only an empty page is the last.
      if (page.length === 0) return [...all.values()];
      offset += page.length;
    }
  }

  /**
   * The migrations of all servers or of one, the newest first. Nova keeps them for ever: give a server, or the time
   * since which they must have changed (ISO 8601).
   */
  async migrations(
    { server, changedSince }: { readonly server?: string; readonly changedSince?: string },
    signal: AbortSignal,
  ): Promise<readonly Migration[]> {
    const microversion = await this.#newest([MIGRATION_USER, MIGRATION_PAGES], signal);
    const query = { instance_uuid: server, 'changes-since': changedSince, limit: PAGE };
    const call: Call = { method: 'GET', path: ['os-migrations'], query, microversion };
    return this.#pages(call, 'migrations', migrationSchema, signal);
  }

  /** The live migrations of a server that are under way. */
  async migrationsInProgress(server: string, signal: AbortSignal): Promise<readonly Migration[]> {
    const microversion = await this.#newest([MIGRATION_USER, MIGRATION_PAGES], signal);
    const call: Call = { method: 'GET', path: ['servers', server, 'migrations'], microversion };
    return this.#list(call, 'migrations', migrationSchema, signal);
  }

  /**
   * Returns the service as it is then.
   * @param id is that of the service, not its host
   */
  async disableService(id: string, reason: string, signal: AbortSignal): Promise<ComputeService> {
    return this.#updateService(id, { status: 'disabled', disabled_reason: reason }, signal);
  }

  /** Removes the reason too. */
  async enableService(id: string, signal: AbortSignal): Promise<ComputeService> {
    return this.#updateService(id, { status: 'enabled' }, signal);
  }

  /** Says that the host is fenced: its servers may be evacuated at once. */
  async forceDown(id: string, forcedDown: boolean, signal: AbortSignal): Promise<ComputeService> {
    return this.#updateService(id, { forced_down: forcedDown }, signal);
  }

  /** The scheduler verifies the host when one is named, and chooses one otherwise. */
  async liveMigrate(
    server: string,
    { host, blockMigration }: { readonly host?: string; readonly blockMigration: 'auto' | boolean },
    signal: AbortSignal,
  ): Promise<void> {
    const action = { 'os-migrateLive': { host: host ?? null, block_migration: blockMigration } };
    await this.#act(server, action, BASE, signal);
  }

  /** A cold migration. The server waits for `confirmResize` or `revertResize` afterwards. */
  async migrate(server: string, { host }: { readonly host?: string }, signal: AbortSignal): Promise<void> {
    const microversion = host === undefined ? BASE : COLD_TO_HOST;
    await this.#act(server, { migrate: host === undefined ? null : { host } }, microversion, signal);
  }

  async confirmResize(server: string, signal: AbortSignal): Promise<void> {
    await this.#act(server, { confirmResize: null }, BASE, signal);
  }

  async revertResize(server: string, signal: AbortSignal): Promise<void> {
    await this.#act(server, { revertResize: null }, BASE, signal);
  }

  /** Rebuilds the server elsewhere. Its service must be down. A running server runs again afterwards. */
  async evacuate(server: string, { host }: { readonly host?: string }, signal: AbortSignal): Promise<void> {
    await this.#act(server, { evacuate: host === undefined ? {} : { host } }, BASE, signal);
  }

  async stop(server: string, signal: AbortSignal): Promise<void> {
    await this.#act(server, { 'os-stop': null }, BASE, signal);
  }

  async start(server: string, signal: AbortSignal): Promise<void> {
    await this.#act(server, { 'os-start': null }, BASE, signal);
  }

  /** A conflict when the server does not migrate any more, and not found when it runs another migration. */
  async abortLiveMigration(server: string, migrationId: number, signal: AbortSignal): Promise<void> {
    const microversion = await this.#newest([ABORT_QUEUED, BASE], signal);
    const path = ['servers', server, 'migrations', String(migrationId)];
    await this.#session.request('compute', { method: 'DELETE', path, microversion }, signal);
  }

  async #newest(microversions: readonly string[], signal: AbortSignal): Promise<string> {
    return this.#session.firstSupported('compute', microversions, signal);
  }

  async #updateService(id: string, body: unknown, signal: AbortSignal): Promise<ComputeService> {
    const call: Call = { method: 'PUT', path: ['os-services', id], body, microversion: BASE };
    const answer = await this.#session.request('compute', call, signal);
    return understood(z.object({ service: serviceSchema }), answer, 'compute: PUT /os-services/ID').service;
  }

  async #act(server: string, body: unknown, microversion: string, signal: AbortSignal): Promise<void> {
    const call: Call = { method: 'POST', path: ['servers', server, 'action'], body, microversion };
    await this.#session.request('compute', call, signal);
  }

  async #list<T>(call: Call, key: string, item: z.ZodType<T>, signal: AbortSignal): Promise<readonly T[]> {
    const answer = await this.#session.request('compute', call, signal);
    const label = `compute: ${call.method} /${call.path.join('/')}`;
    const items = understood(z.record(z.string(), z.unknown()), answer, label)[key];
    return understood(z.array(item), items, `${label} (${key})`);
  }

  async #pages<T>(
    call: Call,
    key: string,
    item: z.ZodType<T>,
    signal: AbortSignal,
    check: (page: readonly unknown[]) => void = () => undefined,
  ): Promise<readonly T[]> {
    const all: T[] = [];
    const label = `compute: ${call.method} /${call.path.join('/')} (${key})`;
    for await (const page of this.#session.pages('compute', call, key, signal)) {
      all.push(...understood(z.array(item), page, label));
      check(page);
    }
    return all;
  }
}
