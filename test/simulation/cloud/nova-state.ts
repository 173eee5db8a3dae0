/** What a simulated Nova stores: services, servers, groups and migrations, and a journal of all changes. */

export type Service = {
  readonly id: string;
  readonly host: string;
  readonly zone: string;
  /** How much fits on the host, in the units of the servers. */
  readonly units: number;
  /** Whether the service is disabled, and why. */
  readonly disabled: { readonly reason: string } | undefined;
  /** Since when it does not report; undefined while it runs. */
  readonly silentSince: number | undefined;
  readonly hypervisorVersion: number;
  /** The version of an agent on the host, which Nova does not know. */
  readonly agentVersion: string;
};

export type ServerStatus = 'ACTIVE' | 'SHUTOFF' | 'VERIFY_RESIZE' | 'ERROR';

export type CloudServer = {
  readonly id: string;
  readonly host: string;
  readonly status: ServerStatus;
  /** Undefined while nothing is done with it. */
  readonly task: string | undefined;
  readonly units: number;
  readonly pinnedZone: string | undefined;
  /** Its flavor asks for a device that no live migration carries. */
  readonly hasDevice: boolean;
  readonly createdAt: number;
  readonly fault: string | undefined;
  /** The host on which it keeps its place until its resize or cold migration is confirmed. */
  readonly heldOn: string | undefined;
  /** Whether its owner wants it to run. */
  readonly shallRun: boolean;
};

export type MigrationType = 'live-migration' | 'migration' | 'resize' | 'evacuation';

export type CloudMigration = {
  readonly id: number;
  readonly server: string;
  readonly type: MigrationType;
  readonly status: string;
  readonly source: string;
  /** Where the server gets its place; undefined until it is scheduled. */
  readonly dest: string | undefined;
  /** The process of the operator, or the person, that asked for it. */
  readonly by: string;
  readonly createdAt: number;
  readonly updatedAt: number;
};

export type CloudGroup = {
  readonly id: string;
  readonly policy: 'anti-affinity' | 'soft-anti-affinity';
  readonly members: readonly string[];
};

/** What somebody asks to be done with a server. */
export type Act = 'live-migrate' | 'cold-migrate' | 'evacuate' | 'confirm' | 'cancel' | 'stop' | 'start';

export type NovaEvent =
  | {
      readonly kind: 'service';
      readonly before: Service | undefined;
      readonly after: Service;
      readonly by: string;
    }
  | {
      readonly kind: 'server';
      readonly before: CloudServer | undefined;
      readonly after: CloudServer | undefined;
      /** On whose behalf: it has asked for what Nova does. */
      readonly by: string;
    }
  | {
      readonly kind: 'migration';
      readonly before: CloudMigration | undefined;
      readonly after: CloudMigration;
    }
  | {
      readonly kind: 'asked';
      readonly act: Act;
      /** As it was before. */
      readonly server: CloudServer;
      readonly to: string | undefined;
      readonly by: string;
      /** Why Nova does not do it; undefined when it does. */
      readonly refusal: string | undefined;
    };

/** The part of Nova's statuses in which a migration has not ended. */
const OPEN: ReadonlySet<string> = new Set([
  ...['accepted', 'queued', 'preparing', 'pre-migrating', 'migrating', 'running', 'post-migrating'],
  ...['finished', 'confirming'],
]);

export function isOpen({ status }: CloudMigration): boolean {
  return OPEN.has(status);
}

/** A service that is silent for so long counts as down. */
const SERVICE_DOWN_MS = 60_000;

export class NovaState {
  readonly #now: () => number;
  readonly #services = new Map<string, Service>();
  readonly #servers = new Map<string, CloudServer>();
  readonly #migrations = new Map<number, CloudMigration>();
  readonly #groups = new Map<string, CloudGroup>();
  readonly #listeners: ((event: NovaEvent) => void)[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  get now(): number {
    return this.#now();
  }

  /** Reports every change, at once. */
  listen(listener: (event: NovaEvent) => void): void {
    this.#listeners.push(listener);
  }

  /** Writes what has no event of its own into the journal. */
  report(event: NovaEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  get services(): readonly Service[] {
    return [...this.#services.values()];
  }

  get servers(): readonly CloudServer[] {
    return [...this.#servers.values()];
  }

  get migrations(): readonly CloudMigration[] {
    return [...this.#migrations.values()];
  }

  get groups(): readonly CloudGroup[] {
    return [...this.#groups.values()];
  }

  service(host: string): Service {
    const found = this.#services.get(host);
    if (!found) throw new Error(`there is no compute host ${host}`);
    return found;
  }

  hasHost(host: string): boolean {
    return this.#services.has(host);
  }

  server(id: string): CloudServer | undefined {
    return this.#servers.get(id);
  }

  migration(id: number): CloudMigration | undefined {
    return this.#migrations.get(id);
  }

  isUp({ silentSince }: Service): boolean {
    return silentSince === undefined || this.now - silentSince < SERVICE_DOWN_MS;
  }

  addService(service: Service): void {
    this.#services.set(service.host, service);
    this.report({ kind: 'service', before: undefined, after: service, by: 'cloud' });
  }

  changeService(host: string, change: Partial<Service>, by: string): void {
    const before = this.service(host);
    const after = { ...before, ...change };
    this.#services.set(host, after);
    this.report({ kind: 'service', before, after, by });
  }

  addServer(server: CloudServer, by: string): void {
    this.#servers.set(server.id, server);
    this.report({ kind: 'server', before: undefined, after: server, by });
  }

  /** Changes a server, unless it has been deleted. */
  changeServer(id: string, change: Partial<CloudServer>, by: string): void {
    const before = this.#servers.get(id);
    if (!before) return;
    const after = { ...before, ...change };
    this.#servers.set(id, after);
    this.report({ kind: 'server', before, after, by });
  }

  removeServer(id: string, by: string): void {
    const before = this.#servers.get(id);
    if (!before) return;
    this.#servers.delete(id);
    for (const group of this.groups)
      this.#groups.set(group.id, { ...group, members: group.members.filter((each) => each !== id) });
    this.report({ kind: 'server', before, after: undefined, by });
  }

  addGroup(group: CloudGroup): void {
    this.#groups.set(group.id, group);
  }

  /** Returns its number. */
  addMigration(migration: Omit<CloudMigration, 'id' | 'createdAt' | 'updatedAt'>): number {
    const id = this.#migrations.size + 1;
    const after = { ...migration, id, createdAt: this.now, updatedAt: this.now };
    this.#migrations.set(id, after);
    this.report({ kind: 'migration', before: undefined, after });
    return id;
  }

  changeMigration(id: number, change: Partial<CloudMigration>): void {
    const before = this.#migrations.get(id);
    if (!before) return;
    const after = { ...before, ...change, updatedAt: this.now };
    this.#migrations.set(id, after);
    this.report({ kind: 'migration', before, after });
  }

  /** How much of a host is taken, also by servers that are on their way to it or keep their place on it. */
  taken(host: string): number {
    const there = this.servers.filter((each) => each.host === host || each.heldOn === host);
    const coming = this.migrations.flatMap(({ server, dest, ...rest }) => {
      const found = dest === host && isOpen({ server, dest, ...rest }) ? this.server(server) : undefined;
      return found?.task !== undefined && found.host !== host ? [found] : [];
    });
    return [...new Set([...there, ...coming])].reduce((sum, { units }) => sum + units, 0);
  }

  /** The other servers of its anti-affinity groups. */
  companionsOf(server: string): readonly CloudServer[] {
    const groups = this.groups.filter(
      ({ policy, members }) => policy === 'anti-affinity' && members.includes(server),
    );
    const others = groups.flatMap(({ members }) => members).filter((each) => each !== server);
    return others.flatMap((each) => this.server(each) ?? []);
  }
}
