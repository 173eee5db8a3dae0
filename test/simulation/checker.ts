/**
 * Judges a simulated world by what must always hold (architecture §6). It sees
 * every change of every object, and knows the operator only by these: it shares
 * no line with the engine, the planner or the controllers.
 */
import { at, type ApiServer, type Change } from '../../src/simulation/api-server.ts';
import { isReady, jobEnded } from '../../src/simulation/cluster.ts';
import { keyOf, type ApiObject } from '../../src/simulation/objects.ts';
import { claimOf, outagesOf, permitsOf, stagesOf, stateOf, type Claim } from './seen.ts';

const EFFECT = 'careen.dev/effect';
const RUN_LABEL = 'careen.dev/run';

export type CheckerOptions = {
  readonly server: ApiServer;
  readonly now: () => number;
  /** The operator's own processes: their names begin with it. */
  readonly operator: (by: string) => boolean;
  readonly pool: string;
  readonly wanted: { readonly kernelVersion: string; readonly kubeletVersion: string };
  readonly failed: (complaint: string) => void;
};

/** What was seen of a host that no object says any more. */
type HostMemory = {
  /** Somebody else cordoned it and nobody else has opened it since. */
  closedByOthers: boolean;
  claimedAt: number;
  emptyAt: number;
  openAt: number;
  /** By boot id: when it was seen Ready, and what it ran. */
  readyAt: number;
  currentAt: Record<'kernel' | 'kubelet', number>;
};

export class Checker {
  readonly #options: CheckerOptions;
  readonly #hosts = new Map<string, HostMemory>();
  readonly #jobs = new Map<string, string>();
  readonly #stepBegan = new Map<string, number>();

  constructor(options: CheckerOptions) {
    this.#options = options;
    options.server.listen((change) => this.#judge(change));
  }

  #judge(change: Change): void {
    switch (change.resource) {
      case 'nodes':
        return this.#node(change);
      case 'pods':
        return this.#pod(change);
      case 'jobs':
        return this.#job(change);
      case 'hostpools':
        return this.#pool(change);
      case 'patchstrategies':
        return this.#strategy(change);
      default:
    }
  }

  #fail(complaint: string): void {
    this.#options.failed(complaint);
  }

  #node({ type, object, before, by }: Change): void {
    const { name } = object.metadata;
    if (type === 'DELETED') {
      this.#hosts.delete(name);
      return;
    }
    const memory = this.#memoryOf(object);
    const ours = this.#options.operator(by);
    const [was, is] = [before?.spec?.['unschedulable'] === true, object.spec?.['unschedulable'] === true];
    if (was && !is && ours && memory.closedByOthers)
      this.#fail(`(3) ${name} was cordoned by somebody else, and was uncordoned`);
    if (!ours && was !== is) memory.closedByOthers = is;
    const [old, claim] = [before && claimOf(before), claimOf(object)];
    if (old && claim && old.run !== claim.run)
      this.#fail(`(5) the claim of ${old.run} on ${name} was replaced by one of ${claim.run}`);
    if (claim && !old) this.#claimed(name, claim);
    this.#remember(object, memory, claim);
  }

  #claimed(name: string, claim: Claim): void {
    const pool = this.#options.server.get('hostpools', this.#options.pool);
    const permits = permitsOf(pool).filter(({ host }) => host === name);
    if (permits.length !== 1 || permits[0]?.run !== claim.run)
      this.#fail(
        `(5) ${name} was claimed by ${claim.run}, its permits: ${permits.map(({ run }) => run).join(', ') || 'none'}`,
      );
    const strategy = this.#options.server
      .list('patchstrategies')
      .find((each) => at(each.status, 'run', 'id') === claim.run);
    if (!strategy || !outagesOf(strategy).some((outage) => outage.name === name))
      this.#fail(`(6) ${name} was claimed before its strategy had recorded it`);
  }

  #memoryOf(node: ApiObject): HostMemory {
    const { name } = node.metadata;
    const known = this.#hosts.get(name);
    if (known) return known;
    const never = {
      claimedAt: -1,
      emptyAt: -1,
      openAt: -1,
      readyAt: -1,
      currentAt: { kernel: -1, kubelet: -1 },
    };
    const made = { ...never, closedByOthers: node.spec?.['unschedulable'] === true };
    this.#hosts.set(name, made);
    return made;
  }

  #remember(node: ApiObject, memory: HostMemory, claim: Claim | undefined): void {
    // TODO
    void node;
    void memory;
    void claim;
  }

  #pod(_change: Change): void {
    // budgets: below
  }

  #job({ type, object, before }: Change): void {
    const key = object.metadata.annotations?.[EFFECT] ?? '';
    const { uid } = object.metadata;
    if (type === 'ADDED') {
      const other = this.#jobs.get(key);
      if (other !== undefined) this.#fail(`(5) a second Job was made for effect ${key}`);
      this.#jobs.set(key, uid);
    }
    const started = object.spec?.['suspend'] !== true && before?.spec?.['suspend'] === true;
    if (!started) return;
    const host = object.metadata.annotations?.['careen.dev/host'] ?? '';
    const run = object.metadata.labels?.[RUN_LABEL] ?? '';
    const node = this.#options.server.get('nodes', host);
    if (node && claimOf(node)?.run !== run)
      this.#fail(`(4) a Job was started on ${host}, which ${run} does not hold`);
    const busy = this.#options.server
      .list('jobs')
      .filter(
        (job) =>
          job.metadata.annotations?.['careen.dev/host'] === host &&
          job.spec?.['suspend'] !== true &&
          !jobEnded(job),
      );
    if (busy.length > 1) this.#fail(`(5) two Jobs run on ${host} at once`);
  }

  #pool({ object, before }: Change): void {
    const permits = permitsOf(object);
    const old = new Set(permitsOf(before).map(({ host, run }) => `${run}/${host}`));
    const granted = permits.filter(({ host, run }) => !old.has(`${run}/${host}`));
    const hosts = permits.map(({ host }) => host);
    if (new Set(hosts).size < hosts.length) this.#fail(`(5) a host has two permits: ${hosts.join(', ')}`);
    for (const node of this.#options.server.list('nodes')) {
      const claim = claimOf(node);
      const permit = permits.find(({ host }) => host === node.metadata.name);
      if (claim && permit?.run !== claim.run)
        this.#fail(
          `(5) ${node.metadata.name} is claimed by ${claim.run}, and its permit is ${permit ? `of ${permit.run}` : 'gone'}`,
        );
    }
    if (granted.length === 0) return;
    if (object.spec?.['paused'] === true) this.#fail(`(4) a permit was granted while the pool is paused`);
    const away = new Set(permits.filter(({ level }) => level === 'away').map(({ host }) => host));
    const limit = Number(object.spec?.['maxUnavailable']);
    if (granted.some(({ level }) => level === 'away') && away.size > limit)
      this.#fail(`(1) ${String(away.size)} hosts may be away, the pool allows ${String(limit)}`);
  }

  #strategy({ object, before, type, by }: Change): void {
    if (type !== 'MODIFIED' || !before || !this.#options.operator(by)) return;
    const opened = outagesOf(object).filter(
      (outage) => !outagesOf(before).some(({ name }) => name === outage.name),
    );
    if (opened.length > 0)
      this.#begun(
        object,
        before,
        opened.map(({ name }) => name),
      );
    this.#steps(object, before);
  }

  /** A write is guarded by the version that it was decided upon: so `before` is what the operator knew. */
  #begun(object: ApiObject, before: ApiObject, hosts: readonly string[]): void {
    const what = `(4) an outage of ${hosts.join(', ')} began`;
    if (before.metadata.deletionTimestamp !== undefined) this.#fail(`${what} after the strategy was deleted`);
    const mode = at(before.spec, 'execution', 'mode');
    const stage = Number(at(object.status, 'applyPhase', 'currentStage'));
    const through = Number(at(before.spec, 'execution', 'throughStage') ?? Infinity);
    const authority = Number(at(object.status, 'run', 'authority', 'throughStage') ?? -1);
    const allowed = mode === 'Run' ? Math.max(through, authority) : mode === 'Hold' ? authority : -1;
    if (stage > allowed)
      this.#fail(
        `${what} in mode ${String(mode)}, in stage ${String(stage)}, allowed are those to ${String(allowed)}`,
      );
    if (stateOf(object) !== 'applying') this.#fail(`${what} in state ${String(stateOf(object))}`);
  }

  #steps(object: ApiObject, before: ApiObject): void {
    const old = stagesOf(before);
    for (const stage of stagesOf(object)) {
      for (const step of stage.steps) {
        const key = [keyOf(object.metadata), String(at(object.status, 'run', 'id')), stage.id, step.id].join(
          '/',
        );
        const was = old[stage.id]?.steps[step.id]?.result;
        if (was === step.result) continue;
        if (was === 'initial' || was === undefined) this.#stepBegan.set(key, this.#options.now());
      }
    }
    void isReady;
  }
}
