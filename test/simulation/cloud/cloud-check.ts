/**
 * Judges what the operator asks of Nova, by Nova's own journal: the disabled services of others, capacity and groups at
 * every instant, and that no server is moved twice. Nova refuses no stale write. So the operator is judged by what the
 * process had read of Nova before it sent a request.
 */
import type { HttpRequest } from '../../../src/openstack/transport.ts';
import { isOurMark } from './cloud-view.ts';
import type { Act, CloudServer, NovaEvent, NovaState, Service } from './nova-state.ts';

/** A request that arrives so late was decided on an older state: its process stood still, or the network did. */
const LATE_MS = 5_000;
/** A lower limit is known by then, and hosts that are out of service come back. */
const LIMIT_SEEN_MS = 180_000;
/** The reason of a service that we have disabled, also of one that was left so for a person. */
const LOCKED = /^careen(-left-locked)?:/;
/** Of a host that is down, a move that was asked for so long ago has gone down with it, as far as the operator can know. */
const HALTED_MS = 60_000;
const MOVES: ReadonlySet<string> = new Set(['live-migrate', 'cold-migrate', 'evacuate']);

export type CloudLimits = {
  readonly maxMigrations: number;
  readonly maxMigrationsPerHost: number;
};

export type CloudCheckOptions = {
  readonly state: NovaState;
  readonly limits: CloudLimits;
  /** How many hosts may be out of service now. */
  readonly mostAway: () => number;
  readonly isOperator: (by: string) => boolean;
  /** Whether a run holds the host now. */
  readonly isClaimed: (host: string) => boolean;
  /** A server is asked to leave a host. */
  readonly leaves: (host: string, server: string, by: string) => void;
  readonly failed: (complaint: string) => void;
};

/** `isLate`: by a request that arrived late. */
type Asked = { readonly by: string; readonly at: number; readonly isLate: boolean };
type Move = Asked & { readonly from: string; readonly act: Act };

export class CloudCheck {
  readonly #options: CloudCheckOptions;
  /** By process, and by host or server: up to when its answers show Nova's state. */
  readonly #knownAt = new Map<string, number>();
  /** By host: since when its service is disabled for another reason than a run of ours. */
  readonly #theirsSince = new Map<string, number>();
  /** By server: who asked for the move that is under way, and when. */
  readonly #moving = new Map<string, Move>();
  /** By server: when it came to its host, and on whose behalf. */
  readonly #arrived = new Map<string, Asked>();
  /** By server: the process that has stopped it. */
  readonly #stoppedBy = new Map<string, string>();
  /** The servers that are stopped by a request that arrived late: as for services, Nova cannot refuse it (decision 31). */
  readonly #stoppedLate = new Set<string>();
  /** The hosts whose service is disabled by a request that arrived late. */
  readonly #closedLate = new Set<string>();
  /**
   * The servers that a late request moves off a host which its run has released since. Nova cannot refuse it, and no run looks
   * for what moves off a host that none holds: a person confirms such a move (decision 31).
   */
  readonly #movedLate = new Set<string>();
  /** The hosts whose claim somebody has removed. */
  readonly #lost = new Set<string>();
  /** The servers on hosts that were left locked with the reason of somebody else. */
  readonly #leftStopped = new Set<string>();
  #limits: readonly { readonly until: number; readonly most: number }[] = [];
  /** When the request was sent that Nova carries out at this moment. */
  #sentAt = 0;

  constructor(options: CloudCheckOptions) {
    this.#options = options;
    options.state.listen((event) => this.#judge(event));
  }

  /** A request of a process is carried out next. */
  arrives(sentAt: number): void {
    this.#sentAt = sentAt;
  }

  /** A process has read Nova's state of that time. */
  answered(by: string, { method, url }: HttpRequest, knownAt: number): void {
    if (method !== 'GET') return;
    const { pathname, searchParams } = new URL(url);
    const [resource = '', id] = pathname.split('/').slice(2);
    const { services, servers } = this.#options.state;
    if (resource === 'os-services')
      for (const { host } of services)
        if ((searchParams.get('host') ?? host) === host) this.#knownAt.set(`${by}/${host}`, knownAt);
    if (resource !== 'servers' || id === undefined) return;
    const listed = servers.filter(({ host }) => (searchParams.get('host') ?? host) === host);
    for (const known of id === 'detail' ? listed.map((each) => each.id) : [id])
      this.#knownAt.set(`${by}/${known}`, knownAt);
  }

  /** The limit of the pool may have changed. */
  limitChanged(): void {
    const { state, mostAway } = this.#options;
    const kept = this.#limits.filter(({ until }) => until > state.now);
    this.#limits = [...kept, { until: state.now + LIMIT_SEEN_MS, most: mostAway() }];
  }

  /** Somebody has removed the claim of a host: its run knows nothing of the servers that it has moved. */
  claimLost(host: string): void {
    this.#lost.add(host);
  }

  /**
   * The claim of a host was given up after its work has failed. Where somebody else says why it is disabled, that is not
   * replaced; its servers start, as on every host that stays locked, when a person has given it back.
   */
  leftAfterFailure(host: string): void {
    const { disabled } = this.#options.state.service(host);
    if (!disabled || isOurMark(disabled.reason)) return;
    for (const server of this.#options.state.servers)
      if (server.host === host) this.#leftStopped.add(server.id);
  }

  /**
   * Whether a late request has disabled the service of a host. Nova cannot refuse it, and nobody looks for a mark of which
   * there is no claim: a person enables such a service (decision 31).
   */
  wasClosedLate(host: string): boolean {
    return this.#closedLate.has(host);
  }

  /** Judges the end of a seed: what the operator has done to servers, it has also ended. */
  atEnd(): void {
    const { state, failed, isOperator } = this.#options;
    for (const { id, host, status, shallRun } of state.servers) {
      const last = state.migrations.findLast(({ server }) => server === id);
      const isKnown = last !== undefined && !this.#lost.has(last.source) && !this.#movedLate.has(id);
      if (status === 'VERIFY_RESIZE' && isKnown && last.type === 'migration' && isOperator(last.by))
        failed(`(4) server ${id} was moved by ${last.by}, and nobody has confirmed that`);
      if (status === 'SHUTOFF' && shallRun && this.#shallStartAgain(id, host))
        failed(`(4) server ${id} was stopped by ${this.#stoppedBy.get(id) ?? ''}, and never started again`);
    }
  }

  /** The servers on a host that stays locked after a failure start when a person has given it back. */
  #shallStartAgain(id: string, host: string): boolean {
    const { disabled } = this.#options.state.service(host);
    const staysLocked = disabled !== undefined && LOCKED.test(disabled.reason);
    const isLeft = staysLocked || this.#lost.has(host) || this.#leftStopped.has(id);
    return this.#stoppedBy.has(id) && !this.#stoppedLate.has(id) && !isLeft;
  }

  #judge(event: NovaEvent): void {
    switch (event.kind) {
      case 'service':
        return this.#service(event.before, event.after, event.by);
      case 'asked':
        if (event.refusal === undefined) this.#switched(event);
        if (MOVES.has(event.act)) this.#asked(event);
        return;
      case 'server':
        return this.#server(event.before, event.after);
      default:
    }
  }

  #switched({ act, server: { id, host }, by }: Extract<NovaEvent, { kind: 'asked' }>): void {
    const { isOperator, leaves, failed } = this.#options;
    if (act === 'stop' && isOperator(by)) {
      this.#leftStopped.delete(id);
      if (this.#isLate) this.#stoppedLate.add(id);
      else {
        this.#stoppedLate.delete(id);
        leaves(host, id, by);
      }
      this.#stoppedBy.set(id, by);
    } else if (act === 'stop' || act === 'start') {
      if (isOperator(by) && !this.#stoppedBy.has(id))
        failed(`(4) server ${id} was started by ${by}, which none of us has stopped`);
      // A start may fail, and is asked again.
      if (!isOperator(by)) this.#stoppedBy.delete(id);
    }
  }

  #service(before: Service | undefined, after: Service, by: string): void {
    const { state, isOperator, failed } = this.#options;
    const { host, disabled } = after;
    if (before && isOperator(by) && this.#isKnownTheirs(host, by)) {
      const was = before.disabled?.reason ?? '';
      if (!disabled) failed(`(3) ${host} was disabled by somebody else (${was}), and was enabled by ${by}`);
      else if (disabled.reason !== was)
        failed(`(3) ${by} replaced the reason of somebody else (${was}) on ${host} by ${disabled.reason}`);
    }
    if (!disabled || isOurMark(disabled.reason)) this.#theirsSince.delete(host);
    else if (disabled.reason !== before?.disabled?.reason) this.#theirsSince.set(host, state.now);
    if (!before || !isOperator(by)) return;
    if (disabled && this.#isLate) this.#closedLate.add(host);
    else this.#closedLate.delete(host);
    if (!before.disabled && disabled && !this.#isLate) this.#away();
  }

  /** Whether the process had read, before it sent this request, that somebody else has disabled the service. */
  #isKnownTheirs(host: string, by: string): boolean {
    const since = this.#theirsSince.get(host) ?? Infinity;
    return since <= (this.#knownAt.get(`${by}/${host}`) ?? -Infinity) && since < this.#sentAt;
  }

  get #isLate(): boolean {
    return this.#options.state.now - this.#sentAt > LATE_MS;
  }

  #away(): void {
    const { state, failed } = this.#options;
    this.limitChanged();
    const most = Math.max(...this.#limits.map((each) => each.most));
    const ours = state.services.filter(({ disabled }) => disabled && isOurMark(disabled.reason));
    if (ours.length > most)
      failed(
        `(1) ${ours.map(({ host }) => host).join(', ')} are disabled by us, the pool allows ${String(most)}`,
      );
  }

  #asked({ act, server, by, refusal }: Extract<NovaEvent, { kind: 'asked' }>): void {
    const { state, isOperator, isClaimed, leaves, failed, limits } = this.#options;
    const { id, host } = server;
    const move = this.#moving.get(id);
    if (isOperator(by) && !this.#isLate) {
      const isUnderWay = move && !(act === 'evacuate' && this.#isHalted(move));
      if (isUnderWay && move.at <= (this.#knownAt.get(`${by}/${id}`) ?? -Infinity) && move.at < this.#sentAt)
        failed(`(5) server ${id} was asked to move by ${by}, while it moves for ${move.by}`);
      if (refusal === undefined) {
        leaves(host, id, by);
        this.#together(id, by);
      }
    }
    if (refusal !== undefined) return;
    this.#moving.set(id, { act, by, at: state.now, isLate: this.#isLate, from: host });
    if (isOperator(by) && this.#isLate && !isClaimed(host)) this.#movedLate.add(id);
    else this.#movedLate.delete(id);
    if (!isOperator(by) || this.#isLate) return;
    const ours = [...this.#moving.values()].filter((each) => each.by === by && !this.#isHalted(each));
    if (ours.length > limits.maxMigrations)
      failed(`(1) ${String(ours.length)} servers move, the pool allows ${String(limits.maxMigrations)}`);
    const off = ours.filter(({ from }) => from === host);
    if (off.length > limits.maxMigrationsPerHost)
      failed(
        `(1) ${String(off.length)} servers leave ${host}, the pool allows ${String(limits.maxMigrationsPerHost)}`,
      );
  }

  #isHalted({ act, from, at }: Move): boolean {
    const { state } = this.#options;
    return act !== 'evacuate' && !state.isUp(state.service(from)) && state.now - at > HALTED_MS;
  }

  /** A process moves one server of a group at a time: Nova judges each move by where the others are now. */
  #together(server: string, by: string): void {
    const { state, failed } = this.#options;
    const other = state.companionsOf(server).find(({ id }) => this.#moving.get(id)?.by === by);
    if (other)
      failed(`(2) server ${server} was asked to move by ${by}, while ${other.id} of its group moves`);
  }

  #server(before: CloudServer | undefined, after: CloudServer | undefined): void {
    const { state } = this.#options;
    const id = (after ?? before)?.id ?? '';
    if (!after) {
      this.#moving.delete(id);
      return;
    }
    const move = this.#moving.get(id);
    if (!before) this.#arrived.set(id, { by: 'owner', at: state.now, isLate: false });
    else if (before.host !== after.host) {
      this.#arrived.set(id, { by: move?.by ?? 'owner', at: state.now, isLate: move?.isLate === true });
      if (move) this.#landed(after, move);
    }
    // A cold migration has ended when its server has arrived; it waits for its confirmation then.
    if (after.task === undefined) this.#moving.delete(id);
  }

  #landed({ id, host }: CloudServer, { by, at, isLate }: Move): void {
    const { state, isOperator, failed } = this.#options;
    if (!isOperator(by)) return;
    const { units } = state.service(host);
    if (state.taken(host) > units)
      failed(
        `(2) ${host} has ${String(units)} units, and ${String(state.taken(host))} since server ${id} came`,
      );
    const other = state.companionsOf(id).find((each) => each.host === host);
    const arrived = other && this.#arrived.get(other.id);
    // A person moved it there meanwhile, or one of the two was moved by a request of a process that did not lead any more.
    const isTheirs = arrived && !isOperator(arrived.by) && arrived.at > at;
    const isExcused = isTheirs || isLate || arrived?.isLate;
    if (other && !isExcused) failed(`(2) servers ${id} and ${other.id} of one group are both on ${host}`);
  }
}
