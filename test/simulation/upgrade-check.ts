/**
 * Judges the runs of UpgradeStrategies: staging, hooks, drains, the order of the roles, and that no host is upgraded, or
 * brought back, in vain (invariant 4 to 6).
 */
import { at, type Change } from './world/api-server.ts';
import type { ApiObject, Json } from './world/objects.ts';
import { isUpgrade, nameOf } from './world/strategies.ts';
import type { HostState } from './host-history.ts';
import { runIdOf, stagesOf, stateOf, type Stage } from './seen.ts';
import {
  broughtBackBy,
  hasHook,
  isDrained,
  isHook,
  isRole,
  isRollback,
  rebootRequired,
  releaseOf,
  roleOf,
  stagedBy,
  type Role,
} from './wants.ts';
import { isAtLeast, ROLES, STAGED } from './upgrade-scenario.ts';

const ACTION = 'careen.dev/action';
const HOST = 'careen.dev/host';
const RUN_LABEL = 'careen.dev/run';
const STAGING = 'sw-upgrade-stage-hosts';
const COMPLETE = 'sw-upgrade-complete';
const STAGE_OF: Readonly<Record<Role, string>> = {
  controller: 'sw-upgrade-controllers',
  storage: 'sw-upgrade-storage-hosts',
  worker: 'sw-upgrade-worker-hosts',
};

export type UpgradeOptions = {
  /** The spec that the plan of a run was built from. */
  readonly specOf: (run: string) => Json;
  readonly stateOf: (host: string) => HostState;
  /** Whether a host has been in a state for so long that the operator knows it. */
  readonly isKnown: (host: string, state: (host: HostState) => boolean) => boolean;
  readonly failed: (complaint: string) => void;
};

/** What is known of a run of an UpgradeStrategy. A plan in parts shows only some of its stages at once. */
class UpgradeRun {
  readonly stages = new Map<number, Pick<Stage, 'name' | 'result'>>();
  /** The hooks that have succeeded. */
  readonly hooks = new Set<string>();
  /** By hook and attempt. */
  readonly begun = new Set<string>();
  /** By action and host: the uid of the node on which its Job succeeded. */
  readonly done = new Map<string, string>();
  hasUpgraded = false;
  hasActivated = false;

  unended(isOf: (name: string) => boolean): number | undefined {
    return [...this.stages].find(([, { name, result }]) => isOf(name) && result !== 'success')?.[0];
  }
}

export class UpgradeCheck {
  readonly #options: UpgradeOptions;
  readonly #runs = new Map<string, UpgradeRun>();
  /** By run: the uid of its strategy. */
  readonly #strategies = new Map<string, string>();
  /** By the uid of a strategy: the releases that it has begun to activate. */
  readonly #activated = new Map<string, Set<string>>();
  /** By the uid of a strategy and its release: the hooks that its applied runs have carried out. */
  readonly #completed = new Map<string, ReadonlySet<string>>();
  /** The hosts on which a Job was started that brings them back. */
  readonly #mayFall = new Set<string>();

  constructor(options: UpgradeOptions) {
    this.#options = options;
  }

  /** Judges a status that the operator wrote. `opened`: the hosts whose outage began with it. */
  written(object: ApiObject, before: ApiObject, opened: readonly string[]): void {
    if (!isUpgrade(object)) return;
    const run = runIdOf(object);
    this.#strategies.set(run, object.metadata.uid);
    const known = this.#runOf(run);
    const stages = stagesOf(object);
    for (const { id, name, result } of stages) known.stages.set(id, { name, result });
    const current = stages.find(
      ({ inProgress, hosts }) => inProgress && opened.some((host) => hosts.includes(host)),
    );
    const role = current && roleOfStage(current.name);
    if (role && !isRollback(this.#options.specOf(run)))
      for (const host of opened) this.#staged(run, host, role, `an outage of ${host} began`);
    if (stateOf(object) === 'applied' && stateOf(before) === 'applying') this.#applied(object, known);
  }

  jobEnded(job: ApiObject): void {
    const { run, host, action } = ofJob(job);
    if (releaseOf(this.#options.specOf(run)) === undefined || !hasSucceeded(job)) return;
    const known = this.#runOf(run);
    known.done.set(`${action}/${host}`, this.#options.stateOf(host).uid);
    if (isHook(action)) known.hooks.add(action);
  }

  /** Judges the start of a Job of this strategy. */
  jobStarts(job: ApiObject, strategy: ApiObject | undefined): void {
    const { run, host, action } = ofJob(job);
    if (!strategy || !isUpgrade(strategy)) return;
    const back = broughtBackBy(action);
    if (isRole(action)) this.#upgrades(run, host, action);
    else if (back) this.#bringsBack(run, host, back);
    else if (isHook(action)) this.#hook(run, action, strategy);
  }

  /** Somebody removed the record of a run: the operator no longer knows what its strategy has activated. */
  recordLost(run: string): void {
    const strategy = this.#strategies.get(run) ?? '';
    this.#activated.delete(strategy);
    for (const key of this.#completed.keys()) if (key.startsWith(`${strategy}/`)) this.#completed.delete(key);
  }

  /** Judges the eviction of a pod from a host that a run holds. */
  evicts(run: string, host: string): void {
    const spec = this.#options.specOf(run);
    const role = roleOf(this.#options.stateOf(host));
    if (releaseOf(spec) !== undefined && !isDrained(spec, role))
      this.#options.failed(`(2) a pod was evicted from ${host}, which ${run} does not drain`);
  }

  /** Whether a Job needs an empty host. */
  needsEmpty(run: string, host: string): boolean {
    const spec = this.#options.specOf(run);
    return releaseOf(spec) === undefined || isDrained(spec, roleOf(this.#options.stateOf(host)));
  }

  /** A node has changed: no release of it is lower than before, unless a Job brings it back. */
  node({ object, before }: Change): void {
    const [was, is] = [before, object].map((node) => at(node?.status, 'nodeInfo', 'kubeletVersion'));
    if (typeof was !== 'string' || isAtLeast(String(is), was)) return;
    const { name } = object.metadata;
    if (!this.#mayFall.delete(name))
      this.#options.failed(`(5) ${name} was brought from ${was} down to ${String(is)}`);
  }

  #runOf(run: string): UpgradeRun {
    const known = this.#runs.get(run) ?? new UpgradeRun();
    this.#runs.set(run, known);
    return known;
  }

  #upgrades(run: string, host: string, role: Role): void {
    const { specOf, isKnown, failed } = this.#options;
    const [spec, known] = [specOf(run), this.#runOf(run)];
    const what = `the upgrade of ${host} was started`;
    this.#staged(run, host, role, what);
    if (hasHook(spec, 'start') && !known.hooks.has('start'))
      failed(`(4) ${what}, and start has not succeeded`);
    if (known.hasActivated) failed(`(4) ${what} after activate or complete`);
    known.hasUpgraded = true;
    const release = releaseOf(spec) ?? '';
    if (isKnown(host, ({ nodeInfo }) => isAtLeast(String(nodeInfo['kubeletVersion']), release)))
      failed(`(5) ${what}, and it has ${release} already`);
    if (isRollback(spec)) failed(`(4) ${what}, and its spec asks for the release before`);
    this.#inOrder(run, role, what);
    this.#atLevel(run, host, role, what);
  }

  #bringsBack(run: string, host: string, role: Role): void {
    const { specOf, isKnown, failed } = this.#options;
    const [spec, what] = [specOf(run), `the way back of ${host} was started`];
    const release = releaseOf(spec) ?? '';
    if (!isRollback(spec)) failed(`(4) ${what}, and its spec asks for ${release}`);
    if (isKnown(host, ({ nodeInfo }) => !isAtLeast(String(nodeInfo['kubeletVersion']), release)))
      failed(`(5) ${what}, and it does not have ${release}`);
    if (this.#activated.get(this.#strategies.get(run) ?? '')?.has(release))
      failed(`(4) ${what} after activate or complete of ${release}`);
    this.#inOrder(run, role, what);
    this.#atLevel(run, host, role, what);
    this.#mayFall.add(host);
  }

  /** The hosts of the roles before it have succeeded; on the way back the order is the opposite. */
  #inOrder(run: string, role: Role, what: string): void {
    const { specOf, failed } = this.#options;
    const order = isRollback(specOf(run)) ? ROLES.toReversed() : ROLES;
    const before = order.slice(0, order.indexOf(role)).map((each) => STAGE_OF[each]);
    const open = this.#runOf(run).unended((name) => before.includes(name));
    if (open !== undefined)
      failed(`(4) ${what}, and stage ${String(open)} of another role has not succeeded`);
  }

  #atLevel(run: string, host: string, role: Role, what: string): void {
    const { specOf, stateOf: stateOfHost, failed } = this.#options;
    const spec = specOf(run);
    const level = isDrained(spec, role) || rebootRequired(spec, role) ? 'away' : 'touched';
    const { claim } = stateOfHost(host);
    if (claim?.run === run && claim.level !== level)
      failed(`(4) ${what} at level ${claim.level}, and its spec asks for ${level}`);
  }

  /** All staging of the plan has succeeded, and the host itself is staged. `role`: by the plan; a host may be gone. */
  #staged(run: string, host: string, role: Role, what: string): void {
    const { specOf, isKnown, failed } = this.#options;
    const [spec, known] = [specOf(run), this.#runOf(run)];
    const open = known.unended((name) => name === STAGING);
    if (open !== undefined) failed(`(4) ${what}, and stage ${String(open)} has not staged its hosts`);
    const by = stagedBy(spec, role);
    if (by === undefined) return;
    const release = releaseOf(spec) ?? '';
    const machine = known.done.get(`stage-${role}/${host}`);
    const isStaged = ({ labels, uid }: HostState): boolean =>
      by === 'label' ? labels[STAGED] === release : uid === machine;
    // A host that has the release is claimed and given back: no work is done on it.
    const isUnstaged = (state: HostState): boolean =>
      state.exists && !isAtLeast(String(state.nodeInfo['kubeletVersion']), release) && !isStaged(state);
    if (isKnown(host, isUnstaged)) failed(`(4) ${what}, and it is not staged`);
  }

  #hook(run: string, hook: string, strategy: ApiObject): void {
    const { specOf, failed } = this.#options;
    const known = this.#runOf(run);
    const what = `the hook ${hook} was started`;
    const stage = stagesOf(strategy).find(({ inProgress }) => inProgress);
    const attempt = `${hook}/${String(stage?.attempt)}`;
    if (known.begun.has(attempt)) failed(`(5) ${what} a second time in attempt ${String(stage?.attempt)}`);
    known.begun.add(attempt);
    if (hook === 'start') {
      if (known.hasUpgraded) failed(`(4) ${what} after the first upgrade of a host`);
      const open = known.unended((name) => name === STAGING);
      if (open !== undefined) failed(`(4) ${what}, and stage ${String(open)} has not staged its hosts`);
      return;
    }
    known.hasActivated = true;
    this.#activates(strategy.metadata.uid, releaseOf(specOf(run)) ?? '');
    const open = known.unended((name) => roleOfStage(name) !== undefined);
    if (open !== undefined) failed(`(4) ${what}, and stage ${String(open)} has not upgraded its hosts`);
    if (hook === 'complete' && hasHook(specOf(run), 'activate') && !known.hooks.has('activate'))
      failed(`(4) ${what}, and activate has not succeeded`);
  }

  #activates(strategy: string, release: string): void {
    this.#activated.set(strategy, new Set([...(this.#activated.get(strategy) ?? []), release]));
  }

  /**
   * A run whose plan ends with the hooks has carried them out. One that has upgraded no host leaves out those that an
   * earlier run of the strategy has carried out for the release: somebody added another hook since.
   */
  #applied(strategy: ApiObject, known: UpgradeRun): void {
    const spec = this.#options.specOf(runIdOf(strategy));
    const isPlanned = [...known.stages.values()].some((stage) => stage.name === COMPLETE);
    const asked = ['activate', 'complete'].filter((hook) => isPlanned && hasHook(spec, hook));
    const key = `${strategy.metadata.uid}/${releaseOf(spec) ?? ''}`;
    const earlier = this.#completed.get(key) ?? new Set<string>();
    const isDone = (hook: string): boolean =>
      known.hooks.has(hook) || (!known.hasUpgraded && earlier.has(hook));
    for (const hook of asked.filter((each) => !isDone(each)))
      this.#options.failed(`(6) ${nameOf(strategy)} is applied, and ${hook} has not succeeded`);
    this.#completed.set(key, new Set([...earlier, ...known.hooks]));
  }
}

/** The role of the hosts that a stage upgrades or brings back; undefined for one that does neither. */
function roleOfStage(name: string): Role | undefined {
  return ROLES.find((role) => STAGE_OF[role] === name);
}

function ofJob({ metadata: { annotations = {}, labels = {} } }: ApiObject): {
  readonly run: string;
  readonly host: string;
  readonly action: string;
} {
  return { run: labels[RUN_LABEL] ?? '', host: annotations[HOST] ?? '', action: labels[ACTION] ?? '' };
}

function hasSucceeded({ status }: ApiObject): boolean {
  const conditions = status?.['conditions'];
  return Array.isArray(conditions) && conditions.some((each) => at(each, 'type') === 'Complete');
}
