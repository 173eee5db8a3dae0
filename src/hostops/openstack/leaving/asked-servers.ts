/** The servers that were asked to leave: Nova may show nothing of that yet, or never. */
import type { Instant } from '../../../engine/view.ts';
import type { Migration, Server } from '../../../openstack/compute-answers.ts';
import type { HostName } from '../../../planner/hosts/facts.ts';

/** A request to leave of which Nova shows nothing after this time is lost. */
const LOST_AFTER_MS = 60_000;
/** How far the clocks of Careen and of Nova may differ. */
export const CLOCK_SKEW_MS = 60_000;

export class AskedServers {
  /** Those with a request that has no answer yet, and where they are told to go. */
  readonly #asking = new Map<string, HostName | undefined>();
  /** When they were last asked, and where they were told to go. */
  readonly #asked = new Map<string, { readonly at: Instant; readonly to: HostName | undefined }>();
  readonly #lost = new Map<string, number>();

  /** A server is asked to leave, until `end`. */
  begin(server: string, to: HostName | undefined): void {
    this.#asking.set(server, to);
  }

  /** The request has ended. */
  end(server: string, mayLeave: boolean, at: Instant): void {
    const to = this.#asking.get(server);
    this.#asking.delete(server);
    if (mayLeave) this.#asked.set(server, { at, to });
  }

  /** How often a request was accepted and nothing came of it, by the id of the server. */
  get lost(): ReadonlyMap<string, number> {
    return this.#lost;
  }

  /** Those that are being asked, and those that may leave since this time. */
  since(time: Instant): readonly string[] {
    const asked = [...this.#asked].filter(([, { at }]) => at >= time);
    return [...this.#asking.keys(), ...asked.map(([server]) => server)];
  }

  /** Where a server was told to go; undefined when that was left to Nova. */
  toldTo(server: string): HostName | undefined {
    return this.#asking.get(server) ?? this.#asked.get(server)?.to;
  }

  /** Looks at a server that is still there, with its migrations. */
  noteLost({ id, taskState }: Server, migrations: readonly Migration[], now: Instant): void {
    const asked = this.#asked.get(id)?.at;
    if (asked === undefined || now - asked < LOST_AFTER_MS) return;
    this.#asked.delete(id);
    const isSeen = migrations.some(({ createdAt }) => Date.parse(createdAt) >= asked - CLOCK_SKEW_MS);
    if (taskState === undefined && !isSeen) this.#lost.set(id, (this.#lost.get(id) ?? 0) + 1);
  }
}
