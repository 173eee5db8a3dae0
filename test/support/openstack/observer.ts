/**
 * Watches a cloud from outside while strategies run on it, with the eyes of its administrator: which compute services are
 * disabled, asked again and again, and which migrations there were, from Nova's own records of them.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Admin, ComputeService } from './admin.ts';

const PAUSE_MS = 700;

const time = z.string().transform((each) => Date.parse(`${each}Z`));
const migrationsSchema = z.object({
  migrations: z.array(
    z
      .object({
        instance_uuid: z.string(),
        migration_type: z.string(),
        status: z.string(),
        source_compute: z.string(),
        dest_compute: z.string().nullable(),
        created_at: time,
        updated_at: time.nullable(),
      })
      .transform((each) => ({
        server: each.instance_uuid,
        ...{ type: each.migration_type, status: each.status },
        ...{ source: each.source_compute, dest: each.dest_compute ?? undefined },
        beganAt: each.created_at,
        /** When its record changed last: when it ended, if it has. */
        endedAt: each.updated_at ?? each.created_at,
      })),
  ),
});
export type MigrationRecord = z.infer<typeof migrationsSchema>['migrations'][number];

/** All migrations that were ever begun, or those of one server, in the order of their begin. */
export async function migrationRecords(admin: Admin, server?: string): Promise<readonly MigrationRecord[]> {
  const query = server === undefined ? '' : `?instance_uuid=${server}`;
  const { migrations } = migrationsSchema.parse(await admin.get(`/os-migrations${query}`));
  return migrations.toSorted((a, b) => a.beganAt - b.beganAt);
}

export class ServiceObserver {
  /** The most services that were disabled at one time. */
  mostDisabled = 0;
  /** The services that were disabled with another reason than that of a run of Careen, each with every reason it had. */
  readonly foreignReasons = new Map<string, Set<string>>();
  /** How often all services were seen. */
  looks = 0;
  readonly #admin: Admin;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;

  constructor(admin: Admin) {
    this.#admin = admin;
    this.#running = this.#watch(this.#stopping.signal);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #watch(stopping: AbortSignal): Promise<void> {
    while (!stopping.aborted) {
      const services = await this.#admin.computeServices().catch(() => []); // Nova may be gone for a while
      if (services.length > 0) this.#note(services);
      await delay(PAUSE_MS, undefined, { signal: stopping }).catch(() => undefined); // stopped
    }
  }

  #note(services: readonly ComputeService[]): void {
    this.looks += 1;
    const disabled = services.filter(({ status }) => status === 'disabled');
    this.mostDisabled = Math.max(this.mostDisabled, disabled.length);
    for (const { host, disabledReason = '' } of disabled) {
      if (/^careen:\S+$/.test(disabledReason)) continue;
      const reasons = this.foreignReasons.get(host) ?? new Set();
      this.foreignReasons.set(host, reasons.add(disabledReason));
    }
  }
}

/** Pairs of migrations of one server that were under way at the same time. */
export function overlaps(
  records: readonly MigrationRecord[],
): readonly (readonly [MigrationRecord, MigrationRecord])[] {
  return records.flatMap((one, i) =>
    records
      .slice(i + 1)
      .filter((other) => other.server === one.server && other.beganAt < one.endedAt)
      .map((other) => [one, other] as const),
  );
}

/** The most migrations away from one host that were under way at the same time. */
export function mostFromOneHost(records: readonly MigrationRecord[]): number {
  const counts = records.map(
    ({ source, beganAt }) =>
      records.filter((each) => each.source === source && each.beganAt <= beganAt && beganAt < each.endedAt)
        .length,
  );
  return Math.max(0, ...counts);
}

type Stay = { readonly server: string; readonly host: string; readonly from: number; readonly until: number };

/**
 * The times at which two servers of a group were on the same host: a server that moves is on both hosts.
 * @param homes says where each server of the group was before all moves
 */
export function sharedHosts(
  homes: ReadonlyMap<string, string>,
  records: readonly MigrationRecord[],
): readonly (readonly [Stay, Stay])[] {
  const stays = [...homes].flatMap(([server, home]) => staysOf(server, home, records));
  return stays.flatMap((one, i) =>
    stays
      .slice(i + 1)
      .filter((other) => other.server !== one.server && other.host === one.host)
      .filter((other) => other.from < one.until && one.from < other.until)
      .map((other) => [one, other] as const),
  );
}

function staysOf(server: string, home: string, records: readonly MigrationRecord[]): Stay[] {
  const stays: Stay[] = [];
  let here = { host: home, from: 0 };
  const own = records.filter((each) => each.server === server && each.dest !== undefined);
  for (const { dest = '', status, beganAt, endedAt } of own) {
    if (status !== 'completed' && status !== 'confirmed') {
      stays.push({ server, host: dest, from: beganAt, until: endedAt });
      continue;
    }
    stays.push({ server, ...here, until: endedAt });
    here = { host: dest, from: beganAt };
  }
  return [...stays, { server, ...here, until: Infinity }];
}
