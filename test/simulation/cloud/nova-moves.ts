/**
 * How a simulated Nova moves servers. As in the real one, a request that is accepted may wait in a queue, err late, or be
 * lost. The scheduler judges a group by where its servers are, not by where they are about to be.
 */
import type { Random } from '../world/random.ts';
import type { Scheduler } from '../world/scheduler.ts';
import { isOpen, type Act, type CloudServer, type MigrationType, type NovaState } from './nova-state.ts';

/** An answer of Nova that is an error. */
export class NovaRefusal extends Error {
  override readonly name = 'NovaRefusal';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * - `late error`: it fails after a while
 * - `forgotten`: the conductor forgets the request before it records a migration
 * - `cut off`: a restart ends it, and its record stays open for ever
 * - `broken`: it fails, and the server is in ERROR
 */
export type MoveEnd = 'success' | 'late error' | 'forgotten' | 'cut off' | 'broken';
export type MoveFate = { readonly end: MoveEnd; readonly milliseconds: number };

export type NovaMovesOptions = {
  readonly state: NovaState;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly fateOf: (server: CloudServer, type: MigrationType) => MoveFate;
  /** How many live migrations one host carries out at once. */
  readonly atOnce: number;
};

type Asked = { readonly server: string; readonly to: string | undefined; readonly by: string };
type Move = Asked & { readonly type: MigrationType; readonly source: string; readonly fate: MoveFate };

const ABORTABLE: ReadonlySet<string> = new Set(['queued', 'preparing', 'running']);
const WORKED_ON: ReadonlySet<string> = new Set(['preparing', 'running', 'post-migrating']);
/** A service that runs again looks for what waits for it so often. */
const RETRY_MS = 2_000;

export class NovaMoves {
  readonly #options: NovaMovesOptions;
  /** The migrations whose records stay open for ever. */
  readonly #cutOff = new Set<number>();

  constructor(options: NovaMovesOptions) {
    this.#options = options;
  }

  liveMigrate(asked: Asked): void {
    const server = this.#asked('live-migrate', asked, ['ACTIVE']);
    this.#set(server.id, { task: 'migrating' }, asked.by);
    this.#begin(server, asked, 'live-migration');
  }

  /** Of a person, with another flavor, or with the same. */
  migrate(asked: Asked, type: 'migration' | 'resize' = 'migration'): void {
    const server = this.#asked('cold-migrate', asked, ['ACTIVE', 'SHUTOFF']);
    this.#set(server.id, { task: 'resize_prep' }, asked.by);
    this.#begin(server, asked, type);
  }

  /** Whatever is done with the server ended with its host. */
  evacuate(asked: Asked): void {
    const { state } = this.#options;
    const server = this.#asked('evacuate', asked, ['ACTIVE', 'SHUTOFF', 'ERROR'], (each) =>
      state.isUp(state.service(each.host)) ? `Compute service of ${each.host} is still in use.` : undefined,
    );
    this.#set(server.id, { task: 'rebuilding' }, asked.by);
    this.#begin(server, asked, 'evacuation');
  }

  confirm(asked: Asked): void {
    const { state } = this.#options;
    const server = this.#asked('confirm', asked, ['VERIFY_RESIZE']);
    const finished = state.migrations.find((each) => each.server === server.id && each.status === 'finished');
    if (finished) state.changeMigration(finished.id, { status: 'confirming' });
    this.#after([300, 2_000], () => {
      if (finished) state.changeMigration(finished.id, { status: 'confirmed' });
      this.#set(
        server.id,
        { status: server.shallRun ? 'ACTIVE' : 'SHUTOFF', task: undefined, heldOn: undefined },
        asked.by,
      );
    });
  }

  stop(asked: Asked): void {
    const server = this.#asked('stop', asked, ['ACTIVE']);
    this.#set(server.id, { task: 'powering-off' }, asked.by);
    this.#after([500, 5_000], () => this.#set(server.id, { task: undefined, status: 'SHUTOFF' }, asked.by));
  }

  start(asked: Asked): void {
    const server = this.#asked('start', asked, ['SHUTOFF']);
    this.#set(server.id, { task: 'powering-on' }, asked.by);
    this.#after([500, 3_000], () => this.#set(server.id, { task: undefined, status: 'ACTIVE' }, asked.by));
  }

  /** Cancels a live migration. */
  cancel(asked: Asked, id: number): void {
    const { state } = this.#options;
    const server = state.server(asked.server);
    const found = state.migration(id);
    if (!server || found?.server !== server.id || found.type !== 'live-migration')
      throw new NovaRefusal(404, `Migration ${String(id)} not found for instance ${asked.server}`);
    const refusal = ABORTABLE.has(found.status) ? undefined : `Migration ${String(id)} is ${found.status}`;
    state.report({ kind: 'asked', act: 'cancel', server, to: undefined, by: asked.by, refusal });
    if (refusal !== undefined) throw new NovaRefusal(400, refusal);
    this.#end(id, 'cancelled', {}, asked.by);
  }

  /** The host that a server would be moved to; undefined when there is none. */
  place(server: CloudServer, wanted?: string): string | undefined {
    const { state } = this.#options;
    const companions = state.companionsOf(server.id);
    const fits = state.services.filter(
      (service) =>
        service.host !== server.host &&
        (wanted === undefined || service.host === wanted) &&
        service.disabled === undefined &&
        state.isUp(service) &&
        (server.pinnedZone === undefined || server.pinnedZone === service.zone) &&
        service.units - state.taken(service.host) >= server.units &&
        companions.every(({ host }) => host !== service.host),
    );
    const free = ({ host, units }: (typeof fits)[number]): number => units - state.taken(host);
    return fits.toSorted((a, b) => free(b) - free(a))[0]?.host;
  }

  /** Whatever runs on a host, or to it, is cut off when its service restarts. */
  restarted(host: string): void {
    const { state } = this.#options;
    const worked = state.migrations.filter(
      ({ source, status, type }) => source === host && type === 'live-migration' && WORKED_ON.has(status),
    );
    for (const { id, server, by } of worked) this.#cut(id, server, by);
  }

  /** Notes the request. Throws when Nova refuses it. */
  #asked(
    act: Act,
    { server: id, to, by }: Asked,
    statuses: readonly CloudServer['status'][],
    against: (server: CloudServer) => string | undefined = () => undefined,
  ): CloudServer {
    const { state } = this.#options;
    const server = state.server(id);
    if (!server) throw new NovaRefusal(404, `Instance ${id} could not be found.`);
    const because = (what: string): string => `Cannot ${act} instance ${id} while it is in ${what}`;
    const task = act === 'evacuate' ? undefined : server.task;
    const busy = task === undefined ? undefined : because(`task_state ${task}`);
    const conflict =
      busy ?? (statuses.includes(server.status) ? undefined : because(`state ${server.status}`));
    const unknown =
      to === undefined || state.hasHost(to) ? undefined : `Compute host ${to} could not be found.`;
    const refusal = conflict ?? unknown ?? against(server);
    state.report({ kind: 'asked', act, server, to, by, refusal });
    if (refusal !== undefined) throw new NovaRefusal(conflict === undefined ? 400 : 409, refusal);
    return server;
  }

  /** The conductor takes the request up, and records a migration. */
  #begin(server: CloudServer, { to, by }: Asked, type: MigrationType): void {
    const fate = this.#options.fateOf(server, type);
    const move: Move = { server: server.id, to, by, type, source: server.host, fate };
    if (fate.end === 'forgotten')
      this.#after([1_000, 20_000], () => this.#set(server.id, { task: undefined }, by));
    else this.#after([50, 1_500], () => this.#schedule(move));
  }

  #schedule({ server: id, source, type, by, to, fate }: Move): void {
    const { state } = this.#options;
    const server = state.server(id);
    if (!server) return;
    const dest = this.place(server, to);
    const status = type === 'live-migration' ? 'accepted' : 'pre-migrating';
    const migration = state.addMigration({ server: id, type, status, source, dest, by });
    if (dest === undefined) {
      const fault = 'No valid host was found. There are not enough hosts available.';
      return this.#end(migration, 'error', { fault }, by);
    }
    const move: Move = { server: id, source, type, by, to, fate };
    if (type === 'live-migration')
      this.#after([20, 400], () => {
        state.changeMigration(migration, { status: 'queued' });
        this.#dequeue(migration, move);
      });
    else this.#after([200, 1_000], () => this.#copy(migration, move));
  }

  /** Waits until the service of the source runs and has a place for one more. */
  #dequeue(migration: number, move: Move): void {
    const { state, atOnce } = this.#options;
    if (!this.#isOpen(migration)) return;
    if (state.server(move.server)?.task !== 'migrating') {
      // It was evacuated meanwhile: its old host knows nothing of it any more.
      state.changeMigration(migration, { status: 'error' });
      return;
    }
    const busy = state.migrations.filter(
      ({ id, source, status, type }) =>
        source === move.source && type === 'live-migration' && WORKED_ON.has(status) && !this.#cutOff.has(id),
    );
    if (busy.length >= atOnce || state.service(move.source).silentSince !== undefined) {
      this.#after([RETRY_MS / 2, RETRY_MS], () => this.#dequeue(migration, move));
      return;
    }
    state.changeMigration(migration, { status: 'preparing' });
    this.#after([100, 1_000], () => this.#copy(migration, move));
  }

  #copy(migration: number, move: Move): void {
    const { state, scheduler } = this.#options;
    if (!this.#isOpen(migration)) return;
    const isLive = move.type === 'live-migration';
    state.changeMigration(migration, { status: isLive ? 'running' : 'migrating' });
    if (move.type === 'migration' || move.type === 'resize')
      this.#set(move.server, { task: 'resize_migrating' }, move.by);
    scheduler.after(move.fate.milliseconds, () => this.#copied(migration, move));
  }

  #copied(migration: number, { server, type, by, fate }: Move): void {
    const { state } = this.#options;
    const found = state.migration(migration);
    if (!found || !this.#isOpen(migration) || !state.server(server)) return;
    // It has gone down with its host, and is cut off when that starts again.
    if (type === 'live-migration' && state.service(found.source).silentSince !== undefined) return;
    const dest = state.service(found.dest ?? '');
    const fault = 'Live migration failed.';
    switch (fate.end) {
      case 'cut off':
        return this.#cut(migration, server, by);
      case 'late error':
        return this.#end(migration, type === 'live-migration' ? 'failed' : 'error', { fault }, by);
      case 'broken':
        return this.#end(migration, 'error', { status: 'ERROR', fault }, by);
      default:
        if (dest.silentSince !== undefined) return this.#end(migration, 'error', { fault }, by);
        state.changeMigration(migration, { status: 'post-migrating' });
        this.#after([100, 1_500], () => this.#arrive(migration, server, by));
    }
  }

  #arrive(migration: number, id: string, by: string): void {
    const { state } = this.#options;
    const found = state.migration(migration);
    if (!found) return;
    if (!this.#isOpen(migration)) return;
    const { type, source, dest: host = source } = found;
    const isCold = type === 'migration' || type === 'resize';
    // The record and the server change one after the other.
    if (isCold) {
      const held = { status: 'VERIFY_RESIZE', task: undefined, host, heldOn: source } as const;
      this.#set(id, held, by);
      state.changeMigration(migration, { status: 'finished' });
      return;
    }
    this.#set(id, { host, task: undefined, fault: undefined }, by);
    state.changeMigration(migration, { status: type === 'evacuation' ? 'done' : 'completed' });
  }

  #end(migration: number, status: string, server: Partial<CloudServer>, by: string): void {
    const { state } = this.#options;
    const found = state.migration(migration);
    if (!found) return;
    state.changeMigration(migration, { status });
    this.#set(found.server, { task: undefined, ...server }, by);
  }

  #cut(migration: number, server: string, by: string): void {
    if (this.#cutOff.has(migration)) return;
    this.#cutOff.add(migration);
    this.#set(server, { task: undefined }, by);
  }

  /** Whether a migration goes on: nobody has cancelled it, and its server is there. */
  #isOpen(id: number): boolean {
    const { state } = this.#options;
    const found = state.migration(id);
    if (!found || !isOpen(found) || this.#cutOff.has(id)) return false;
    const isThere = state.server(found.server) !== undefined;
    if (!isThere) state.changeMigration(id, { status: 'error' });
    return isThere;
  }

  #set(id: string, change: Partial<CloudServer>, by: string): void {
    this.#options.state.changeServer(id, change, by);
  }

  #after([from, to]: readonly [number, number], act: () => void): void {
    const { scheduler, random } = this.#options;
    scheduler.after(random.int(from, to), act);
  }
}
