/** People in the simulated cloud: they disable and enable services, and move, make, stop, resize and delete servers. */
import { claimOf } from '../seen.ts';
import type { ApiServer } from '../world/api-server.ts';
import { keyOf, type ApiObject } from '../world/objects.ts';
import type { Random } from '../world/random.ts';
import type { Scheduler } from '../world/scheduler.ts';
import type { CloudFaults, CloudFaultKind } from './cloud-faults.ts';
import type { CloudHosts } from './cloud-hosts.ts';
import { isOurMark } from './cloud-view.ts';
import type { NovaApi } from './nova-api.ts';
import { NovaRefusal, type NovaMoves } from './nova-moves.ts';
import type { CloudServer, NovaState } from './nova-state.ts';

const PERSON = 'somebody';
const REASONS = ['its disk fails', 'careen: do not touch', 'maintenance'];

export type CloudPeopleOptions = {
  readonly state: NovaState;
  readonly moves: NovaMoves;
  readonly hosts: CloudHosts;
  readonly faults: CloudFaults;
  readonly api: NovaApi;
  readonly server: ApiServer;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly note: (kind: CloudFaultKind, about: string) => void;
};

/** What may happen at a time that was drawn beforehand. */
const KINDS = [
  ...(['service disabled', 'service enabled', 'reason replaced', 'server moved by a person'] as const),
  ...(['server created', 'server deleted', 'server stopped', 'server resized'] as const),
  ...(['compute host down', 'Nova restarted on a host', 'claim of a compute host removed'] as const),
  ...(['Nova: outage', 'token revoked'] as const),
] satisfies readonly CloudFaultKind[];

export class CloudPeople {
  readonly #options: CloudPeopleOptions;
  #serial = 0;

  constructor(options: CloudPeopleOptions) {
    this.#options = options;
  }

  /** Draws what happens in the next milliseconds. */
  plan(milliseconds: number): void {
    const { random, scheduler } = this.#options;
    for (let left = random.int(2, 7); left > 0; left -= 1) {
      const kind = random.pick(KINDS);
      scheduler.after(random.int(5_000, milliseconds), () => this.#strike(kind));
    }
  }

  /** People end what they have begun: their services are enabled, and their servers are well. */
  settle(): void {
    const { state, server } = this.#options;
    const claimed = new Set(claimsIn(server).map(hostOf));
    for (const { host, disabled } of state.services)
      if (disabled && !isOurMark(disabled.reason) && !claimed.has(host))
        state.changeService(host, { disabled: undefined }, PERSON);
    for (const { id, status } of state.servers)
      if (status === 'ERROR') state.changeServer(id, { status: 'ACTIVE', fault: undefined }, PERSON);
    for (const { server: id, status, type } of state.migrations)
      if (status === 'finished' && type === 'resize')
        this.#try((asked) => this.#options.moves.confirm(asked), id);
  }

  #strike(kind: (typeof KINDS)[number]): void {
    const { random, state, hosts, moves, faults, api, note } = this.#options;
    const { host } = random.pick(state.services);
    const server = state.servers.length > 0 ? random.pick(state.servers) : undefined;
    switch (kind) {
      case 'service disabled':
        return this.#setService(kind, false, { reason: random.pick(REASONS) });
      case 'reason replaced':
        return this.#setService(kind, true, { reason: random.pick(REASONS) });
      case 'service enabled':
        return this.#setService(kind, true, undefined);
      case 'server created':
        return this.#create(host);
      case 'compute host down': {
        // Often in the middle of a move: then the rest of its servers can only be evacuated.
        const busy = state.services.filter((each) =>
          state.servers.some(({ host: at, task }) => at === each.host && task === 'migrating'),
        );
        const lost = busy.length > 0 && random.chance(0.7) ? random.pick(busy).host : host;
        note(kind, lost);
        return hosts.silence(lost, random.int(20_000, 240_000));
      }
      case 'Nova restarted on a host':
        note(kind, host);
        return moves.restarted(host);
      case 'claim of a compute host removed':
        return this.#removeClaim();
      case 'Nova: outage':
        return faults.breakDown(random.int(5_000, 50_000));
      case 'token revoked':
        note(kind, '');
        return api.revokeTokens();
      default:
        if (server) this.#toServer(kind, server);
    }
  }

  /** Disables or enables a service, of those that are disabled or of the others. */
  #setService(
    kind: CloudFaultKind,
    isDisabled: boolean,
    disabled: { readonly reason: string } | undefined,
  ): void {
    const { state, random, note } = this.#options;
    const found = state.services.filter((each) => (each.disabled !== undefined) === isDisabled);
    if (found.length === 0) return;
    const { host } = random.pick(found);
    note(kind, host);
    state.changeService(host, { disabled }, PERSON);
  }

  #toServer(
    kind: 'server moved by a person' | 'server deleted' | 'server stopped' | 'server resized',
    { id }: CloudServer,
  ): void {
    const { state, moves, note, scheduler, random } = this.#options;
    note(kind, id);
    switch (kind) {
      case 'server moved by a person':
        return this.#try((asked) => moves.liveMigrate(asked), id);
      case 'server deleted':
        return state.removeServer(id, PERSON);
      case 'server stopped':
        state.changeServer(id, { shallRun: false }, PERSON);
        return this.#try((asked) => moves.stop(asked), id);
      case 'server resized':
        this.#try((asked) => moves.migrate(asked, 'resize'), id);
        scheduler.after(random.int(30_000, 120_000), () => this.#try((asked) => moves.confirm(asked), id));
    }
  }

  /** The scheduler has chosen the host just before, and the server arrives a moment later. */
  #create(host: string): void {
    const { state, scheduler, random, note } = this.#options;
    const { disabled, units } = state.service(host);
    if (disabled || units - state.taken(host) < 1) return;
    this.#serial += 1;
    const id = `new-${String(this.#serial)}`;
    note('server created', `${id} on ${host}`);
    scheduler.after(random.int(100, 2_500), () => {
      if (state.service(host).units - state.taken(host) < 1) return;
      state.addServer(
        {
          ...{
            id,
            host,
            status: 'ACTIVE',
            task: undefined,
            units: 1,
            pinnedZone: undefined,
            hasDevice: false,
          },
          ...{ createdAt: scheduler.now, fault: undefined, heldOn: undefined, shallRun: true },
        },
        'owner',
      );
    });
  }

  #removeClaim(): void {
    const { server, random, note } = this.#options;
    const claims = claimsIn(server);
    if (claims.length === 0) return;
    const claim = random.pick(claims);
    note('claim of a compute host removed', hostOf(claim));
    server.remove('leases', keyOf(claim.metadata), PERSON);
  }

  /** A person who is refused leaves it. */
  #try(ask: (asked: { server: string; to: undefined; by: string }) => void, server: string): void {
    try {
      ask({ server, to: undefined, by: PERSON });
    } catch (error) {
      if (!(error instanceof NovaRefusal)) throw error;
    }
  }
}

/** The Leases that are held for a host. A released one stays. */
function claimsIn(server: ApiServer): readonly ApiObject[] {
  return server.list('leases').filter((each) => claimOf(each) !== undefined);
}

function hostOf({ metadata }: ApiObject): string {
  return metadata.annotations?.['careen.dev/host'] ?? '';
}
