/** People and other programs in the simulated cluster: they request, edit, cordon and delete. */
import { at, type ApiServer } from './world/api-server.ts';
import type { Call } from '../../src/kube/client.ts';
import { targetOf } from './world/api-requests.ts';
import { isJson, type ApiObject, type Json } from './world/objects.ts';
import type { Random } from './world/random.ts';
import { outagesOf, stateOf } from './seen.ts';
import type { FaultKind } from './faults.ts';
import { ADMIN, POOL } from './scenario.ts';
import { editedUpgrade, ROLLBACK_ASKED, UPGRADE_EDITS } from './upgrade-scenario.ts';
import { refOf, strategiesOf, textOf, type StrategyRef } from './world/strategies.ts';

const REQUEST = 'careen.dev/request';
const ABORT = 'careen.dev/abort';
const FAILED: ReadonlySet<string> = new Set([
  'apply-failed',
  'apply-timeout',
  'abort-failed',
  'abort-timeout',
]);
/** Another version of the kind may have admitted it. */
const UNREADABLE = { workerApplyType: 'sideways' };
const READABLE = { workerApplyType: 'parallel' };
const SOMEBODY = 'somebody';

export type PeopleOptions = {
  readonly server: ApiServer;
  readonly random: Random;
  readonly hosts: readonly string[];
  readonly strategies: readonly StrategyRef[];
  readonly limit: number | string;
  readonly note: (kind: FaultKind, about: string) => void;
};

export class People {
  readonly #options: PeopleOptions;
  #serial = 0;

  constructor(options: PeopleOptions) {
    this.#options = options;
  }

  /** Does one thing of a kind, if there is an object for it. */
  act(kind: FaultKind): void {
    const { random, hosts, strategies, server } = this.#options;
    // Without any strategy there is still the pool.
    if (strategiesOf(server).length === 0) return this.#limit();
    const strategy = random.pick(strategies);
    switch (kind) {
      case 'abort':
        return random.chance(0.5)
          ? this.#mode(kind, strategy, 'Abort')
          : this.#annotate(kind, strategy, ABORT, this.#id());
      case 'retry':
        return this.#annotate(kind, strategy, REQUEST, this.#request());
      case 'hold':
        return this.#mode(kind, strategy, 'Hold');
      case 'suspend':
        return this.#mode(kind, strategy, 'Suspend');
      case 'edit':
        return this.#edit(strategy);
      case 'delete':
        return this.#delete(strategy);
      case 'limit changes':
        return this.#limit();
      case 'pool paused':
        return this.#pool(kind, { paused: true });
      case 'cordon':
      case 'uncordon':
        return this.#cordon(kind, random.pick(hosts));
      default:
        throw new Error(`people do nothing of the kind ${kind}`);
    }
  }

  /** Ends all pauses, so that everything can end. */
  settle(): void {
    const { server, limit, random } = this.#options;
    this.#pool(undefined, { paused: false, maxUnavailable: limit });
    for (const strategy of strategiesOf(server)) {
      const { spec } = strategy;
      if (at(spec, 'workerApplyType') === UNREADABLE.workerApplyType && random.chance(0.5))
        this.#change(undefined, refOf(strategy), 'mended', (object) => ({
          ...object,
          spec: { ...object.spec, ...READABLE },
        }));
      const mode = at(spec, 'execution', 'mode');
      if (mode === 'Suspend' || mode === 'Hold') this.#mode(undefined, refOf(strategy), 'Run');
    }
  }

  /** Decides about failed runs. Returns whether there are any. */
  handleFailed(): boolean {
    const { server, random } = this.#options;
    const failed = strategiesOf(server).filter((each) => FAILED.has(stateOf(each) ?? ''));
    for (const each of failed) {
      const ref = refOf(each);
      const what = random.pick(['retry', 'retry', 'resume', 'abort', 'delete'] as const);
      if (what === 'delete') server.remove(ref.resource, ref.key, ADMIN);
      else if (what === 'abort') this.#annotate(undefined, ref, ABORT, this.#id());
      else if (what === 'resume') this.#annotate(undefined, ref, REQUEST, this.#withoutLocked(each));
      else this.#annotate(undefined, ref, REQUEST, JSON.stringify({ id: this.#id(), verb: what }));
    }
    return failed.length > 0;
  }

  /** Asks for the release before, in place of the one that an upgrade brings; or for that one again. */
  rollBack(random: Random): void {
    const strategy = random.pick(
      this.#options.strategies.filter(({ resource }) => resource === 'upgradestrategies'),
    );
    this.#change(ROLLBACK_ASKED, strategy, 'rollback', (object) => {
      const { rollback, ...spec } = object.spec ?? {};
      const execution = { mode: 'Run' };
      return { ...object, spec: { ...spec, execution, ...(rollback === true ? {} : { rollback: true }) } };
    });
  }

  deleteAll(): void {
    const { server } = this.#options;
    for (const { resource, key } of strategiesOf(server).map(refOf)) server.remove(resource, key, ADMIN);
  }

  /** Writes to the object of a request just before the request arrives. */
  interfere({ path }: Call): void {
    const { server, random } = this.#options;
    const { resource, namespace, name } = targetOf(path);
    if (name === undefined || resource === 'pods') return;
    const key = namespace === undefined ? name : `${namespace}/${name}`;
    if (!server.get(resource, key)) return;
    const labels = { touched: String(random.int(1, 1_000_000)) };
    server.update(resource, key, (object) => withLabels(object, labels), SOMEBODY);
  }

  #request(): string {
    const { random, hosts } = this.#options;
    const id = this.#id();
    const verb = random.pick(['retry', 'retry', 'resume', 'apply-all', 'apply-stage', 'release-host']);
    if (verb === 'apply-stage') return JSON.stringify({ id, verb, stage: random.int(0, 3) });
    if (verb !== 'release-host') return JSON.stringify({ id, verb });
    const isSkip = this.#serial % 2 === 0;
    return JSON.stringify({ id, verb: isSkip ? 'skip-host' : verb, host: random.pick(hosts) });
  }

  /** Goes on without a host that stays locked, or as it is when there is none; every second time. */
  #withoutLocked(strategy: ApiObject): string {
    const id = this.#id();
    const [locked] = outagesOf(strategy);
    const isSkip = locked !== undefined && this.#serial % 2 === 0;
    return JSON.stringify(isSkip ? { id, verb: 'skip-host', host: locked.name } : { id, verb: 'resume' });
  }

  #mode(kind: FaultKind | undefined, strategy: StrategyRef, mode: string): void {
    this.#change(kind, strategy, `mode ${mode}`, (object) => {
      const execution = object.spec?.['execution'];
      return {
        ...object,
        spec: { ...object.spec, execution: { ...(isJson(execution) ? execution : {}), mode } },
      };
    });
  }

  #edit(strategy: StrategyRef): void {
    const { random, server } = this.#options;
    const { resource, key } = strategy;
    const spec = server.get(resource, key)?.spec ?? {};
    if (resource === 'upgradestrategies' && random.chance(0.7)) {
      const kind = random.pick(UPGRADE_EDITS);
      const edited = editedUpgrade(spec, kind, random);
      if (edited)
        this.#change(kind, strategy, JSON.stringify(edited), (object) => ({ ...object, spec: edited }));
      return;
    }
    if (resource === 'maintenancesessions')
      return this.#spec('edit', strategy, { metadata: { note: String(random.int(1, 1_000_000)) } });
    const change = random.chance(0.2) ? UNREADABLE : { maxParallelWorkerHosts: random.int(1, 5) };
    this.#spec('edit', strategy, change);
  }

  #spec(kind: FaultKind, strategy: StrategyRef, change: Json): void {
    this.#change(kind, strategy, JSON.stringify(change), (object) => ({
      ...object,
      spec: { ...object.spec, ...change },
    }));
  }

  #annotate(kind: FaultKind | undefined, strategy: StrategyRef, annotation: string, value: string): void {
    this.#change(kind, strategy, value, ({ metadata, ...rest }) => ({
      ...rest,
      metadata: { ...metadata, annotations: { ...metadata.annotations, [annotation]: value } },
    }));
  }

  #change(
    kind: FaultKind | undefined,
    strategy: StrategyRef,
    what: string,
    change: (object: ApiObject) => ApiObject,
  ): void {
    const { server, note } = this.#options;
    const { resource, key } = strategy;
    if (!server.get(resource, key)) return;
    if (kind) note(kind, `${textOf(strategy)}: ${what}`);
    server.update(resource, key, change, ADMIN);
  }

  #delete(strategy: StrategyRef): void {
    const { server, note } = this.#options;
    const { resource, key } = strategy;
    if (!server.get(resource, key)) return;
    note('delete', textOf(strategy));
    server.remove(resource, key, ADMIN);
  }

  #limit(): void {
    const { random } = this.#options;
    const maxUnavailable = random.chance(0.3) ? `${String(random.int(5, 60))}%` : random.int(1, 5);
    this.#pool('limit changes', { maxUnavailable });
  }

  #pool(kind: FaultKind | undefined, change: Json): void {
    if (kind) this.#options.note(kind, JSON.stringify(change));
    this.#options.server.update(
      'hostpools',
      POOL,
      (pool) => ({ ...pool, spec: { ...pool.spec, ...change } }),
      ADMIN,
    );
  }

  #cordon(kind: 'cordon' | 'uncordon', host: string): void {
    const { server, note } = this.#options;
    if (!server.get('nodes', host)) return;
    note(kind, host);
    const unschedulable = kind === 'cordon';
    server.update(
      'nodes',
      host,
      (node) => ({ ...node, spec: cordoned(node.spec ?? {}, unschedulable) }),
      SOMEBODY,
    );
  }

  #id(): string {
    this.#serial += 1;
    return `ask-${String(this.#serial)}`;
  }
}

function cordoned({ unschedulable: _, ...spec }: Json, isCordoned: boolean): Json {
  return isCordoned ? { ...spec, unschedulable: true } : spec;
}

function withLabels(object: ApiObject, labels: Readonly<Record<string, string>>): ApiObject {
  return { ...object, metadata: { ...object.metadata, labels: { ...object.metadata.labels, ...labels } } };
}
