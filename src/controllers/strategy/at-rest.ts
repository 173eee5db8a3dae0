import { strategyKey } from '../../resources/paths.ts';
import { ownerOfKey, type OwnerRef } from '../../crds/owner-ref.ts';
import type { HostPool } from '../../resources/careen-api.ts';
import { ownerOf } from '../../resources/stored-strategy.ts';
import { endedRun } from '../../status/finished.ts';
import type { Attachment, Attachments } from '../runtime/attachments.ts';
import type { StrategyDeps } from './strategy-deps.ts';
import type { StrategyPass } from './strategy-pass.ts';

type Deps = Pick<StrategyDeps, 'api' | 'hosts' | 'pools' | 'tenants'>;

type Resting = {
  readonly pool: string;
  readonly owner: OwnerRef;
  /** The versions of all that the last pass depended on. */
  readonly seen: string;
};

/**
 * The strategies at rest: their run has ended, and a pass would find what the last one found. However many there are, they
 * cost nothing while others run: no change of a host wakes them, and neither their object nor a subscription is kept. The
 * watch of the strategies reports an edit or a request at once; whether hosts lack a patch since is looked at in turn
 * (`StrategyIndex.due`).
 */
export class StrategiesAtRest {
  readonly #deps: Deps;
  readonly #attachments: Attachments;
  readonly #resting = new Map<string, Resting>();

  constructor(deps: Deps, attachments: Attachments) {
    this.#deps = deps;
    this.#attachments = attachments;
  }

  /** Whether a strategy is still at rest. If not, it needs a pass. */
  async has(key: string): Promise<boolean> {
    const resting = this.#resting.get(key);
    if (!resting) return false;
    const { api, hosts, pools, tenants } = this.#deps;
    const pool = await api.pool(resting.pool);
    const attachment = pool && this.#attachments.attach(key, pools.scopeOf(pool));
    const seen = attachment && this.#seen(key, pool, attachment);
    const isUnchanged = seen === resting.seen && !tenants.hasNews(key);
    const isAtRest = isUnchanged && hosts.idleJobs(resting.owner).length === 0;
    if (isAtRest) this.#attachments.detach(key);
    else this.#resting.delete(key);
    return isAtRest;
  }

  /** What a pass depends on, as it is at its beginning; undefined where a later pass may find something else. */
  look({ key, strategy, pool, attachment }: StrategyPass): string | undefined {
    const shown = this.#deps.api.shownStrategy(strategyKey(ownerOfKey(key)));
    const isShown = shown?.resourceVersion === strategy.metadata.resourceVersion;
    const mayRest = isShown && endedRun(strategy) && pool && pool.unreadable === undefined;
    return mayRest ? this.#seen(key, pool, attachment) : undefined;
  }

  /** Puts a strategy to rest after a pass that left nothing to do. */
  add({ key, strategy, attachment }: StrategyPass, seen: string | undefined): void {
    const owner = ownerOf(strategy);
    if (seen === undefined || this.#deps.hosts.idleJobs(owner).length > 0) return;
    this.#resting.set(key, { pool: attachment.scope.pool, owner, seen });
    this.#attachments.detach(key);
    this.#deps.api.forgetStrategy(strategyKey(ownerOfKey(key)));
  }

  #seen(key: string, { metadata }: HostPool, attachment: Attachment): string | undefined {
    const shown = this.#deps.api.shownStrategy(strategyKey(ownerOfKey(key)));
    if (!shown) return undefined;
    const { revision, keptByOtherPools } = attachment.view().fleet;
    return [
      ...[shown.connection, shown.uid, shown.resourceVersion],
      ...[metadata.uid, metadata.generation, revision, keptByOtherPools.size > 0],
    ].join('/');
  }
}
