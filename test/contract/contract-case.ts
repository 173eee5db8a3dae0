/** One case of the contract: a world of its own behind an adapter, and the actions in it. */
import { expect, it } from 'vitest';
import type { JobAction } from '../../src/crds/spec/host-action.ts';
import { effectKey, type Effect, type Outcome } from '../../src/engine/effect.ts';
import type { Claim, EffectFacts, EffectKey, HostFacts, View } from '../../src/engine/view.ts';
import type { Fence, HostOps, HostWatch, Provider, Scope, Subscription } from '../../src/hostops/port.ts';
import type { Facts, HostName } from '../../src/planner/hosts/facts.ts';

/** A patch of every fixture's hosts: its Job succeeds on an honest host. */
export const PATCH = 'kernel-6.12.48';
export const OLD_KERNEL = '6.12.40';
/** The exit code of patches on a failing host. */
export const EXIT_CODE = 7;

export type FixtureHost = {
  readonly labels?: Readonly<Record<string, string>>;
  /** Its patches end with `EXIT_CODE`. */
  readonly failing?: boolean;
  /** No pod is made for its Jobs. */
  readonly stuck?: boolean;
};

export type StrangersJob = { readonly name: string; isUntouched(): Promise<boolean> };

export type FixturePod = { readonly uid: string; readonly namespace: string; readonly name: string };

/** What not every kind of host has. The cases that need it are left out for an adapter without. */
export type ContractFeatures = {
  /** The time at which a host has joined is known. */
  readonly joins: boolean;
  /** Hosts have taints, and report conditions. */
  readonly taints: boolean;
  /** Instances have budgets. */
  readonly budgets: boolean;
  /** A lock says whose it is: one of others is never undone, whatever the run has recorded. */
  readonly signedLocks: boolean;
};

export const OF_NODES: ContractFeatures = { joins: true, taints: true, budgets: true, signedLocks: false };

/** A case that only some adapters have: for the others there is none, rather than one that is skipped. */
export function itWhere(applies: boolean, name: string, run: () => Promise<void>): void {
  if (applies) it(name, run);
}

/** The world of one case: its own hosts behind an adapter, and the actions of others on them. */
export type ContractFixture = {
  readonly ops: HostOps;
  /** Selects the hosts of this fixture and no others. */
  readonly scope: Scope;
  /** The strategy of the case; the adapter finds it. */
  readonly owner: Fence['owner'];
  /** The source of the hosts that have these labels, in whatever words the adapter has for them. */
  providerOf(labels: Readonly<Record<string, string>>): Provider;
  /** What a host with these labels shows in a plan, at least. */
  factsWith(labels: Readonly<Record<string, string>>): Facts;
  /** Adds a host that is ready and open. Returns its name: `name` at its beginning, where hosts can be named. */
  addHost(name: string, options?: FixtureHost): Promise<HostName>;
  /** Adds a pod. `protected`: its budget allows no disruption. */
  addPod(host: HostName, name: string, budget: 'protected' | 'none'): Promise<FixturePod>;
  podExists(pod: FixturePod): Promise<boolean>;
  /** Makes a host ready or not, also while somebody works on it. */
  setReady(host: HostName, ready: boolean): Promise<void>;
  /** Gives a host a taint of effect NoSchedule. */
  taint(host: HostName, key: string): Promise<void>;
  /** Makes a host report a condition as True. */
  report(host: HostName, type: string): Promise<void>;
  /** Cordons a host, as a person does. */
  close(host: HostName): Promise<void>;
  /** Uncordons a host, as a person does. */
  open(host: HostName): Promise<void>;
  /** Lets the pod of a Job fail several times before the Job does, as a policy does. */
  alterJob(name: string): Promise<void>;
  /** Makes a ConfigMap in the namespace of the strategy. */
  addConfigMap(name: string, immutable: boolean): Promise<void>;
  /**
   * Adds a running Job with all our labels and annotations, as if made for this effect of `RUN`, that somebody else made:
   * in the namespace of the owner or in another one. It has no end.
   */
  addStrangersJob(key: EffectKey, where: 'same namespace' | 'other namespace'): Promise<StrangersJob>;
  /** Edits the claim of a host, as a person does. */
  editClaim(host: HostName): Promise<void>;
  /** Lets time pass until the condition holds; fails when it never does. */
  eventually(what: string, condition: () => boolean): Promise<void>;
  cleanup(): Promise<void>;
};

export const RUN = 'run-of-this-case';
export const EPOCH = 3;
export const OTHER_RUN = 'run-of-another';
export const JOB: JobAction = { template: { spec: { containers: [{ name: 'apply', image: 'patch:1' }] } } };

export class ContractCase {
  readonly fixture: ContractFixture;
  readonly signal = new AbortController().signal;
  /** The hosts that the watch has reported. */
  readonly reported = new Set<HostName>();
  readonly watch: HostWatch;
  readonly #fleet: Subscription;

  private constructor(fixture: ContractFixture) {
    this.fixture = fixture;
    this.#fleet = fixture.ops.fleet(fixture.scope, () => undefined);
    this.watch = fixture.ops.watch(fixture.scope, (hosts) => {
      for (const host of hosts) this.reported.add(host);
    });
  }

  static async open(makeFixture: () => Promise<ContractFixture>): Promise<ContractCase> {
    const opened = new ContractCase(await makeFixture());
    const { ops, owner } = opened.fixture;
    expect(await ops.prepare(owner.namespace, opened.signal)).toBeUndefined();
    return opened;
  }

  async close(): Promise<void> {
    this.watch.close();
    this.#fleet.close();
    await this.fixture.cleanup();
  }

  view(): View {
    return this.fixture.ops.view(this.fixture.scope);
  }

  host(hostName: HostName): HostFacts | undefined {
    return this.view().host(hostName);
  }

  effect(key: EffectKey): EffectFacts | undefined {
    return this.view().effect(key, this.fixture.owner);
  }

  /** The names of the Jobs that keep the host out of service. */
  jobsOn(hostName: HostName): readonly string[] {
    return this.view()
      .jobsOn(hostName, this.fixture.owner)
      .map(({ name }) => name);
  }

  /** Reads these hosts past all writes until now. */
  async confirm(...hostNames: readonly HostName[]): Promise<void> {
    const { ops, scope } = this.fixture;
    await ops.confirm(scope, hostNames, this.signal);
  }

  /** Adopts the Jobs of the run under the next epoch. */
  async handedOver(): Promise<void> {
    const { ops, scope, owner } = this.fixture;
    await ops.adopt(scope, new Map(), { owner, run: RUN, epoch: EPOCH + 1 }, this.signal);
  }

  async seen(hostName: HostName, fits: (facts: HostFacts) => boolean): Promise<HostFacts> {
    return this.observe(`${hostName} to be as expected`, () => {
      const facts = this.host(hostName);
      return facts && fits(facts) ? facts : undefined;
    });
  }

  async job(key: string, state: EffectFacts['state']): Promise<EffectFacts> {
    return this.observe(`the Job ${key} to be ${state}`, () => {
      const facts = this.effect(key);
      return facts?.state === state ? facts : undefined;
    });
  }

  async perform(effect: Effect, run = RUN): Promise<Outcome> {
    const { ops, scope, owner } = this.fixture;
    return ops.perform(scope, effect, { owner, run, epoch: EPOCH }, this.signal);
  }

  async observe<T>(what: string, look: () => T | undefined): Promise<T> {
    let found: T | undefined;
    await this.fixture.eventually(what, () => {
      found = look();
      return found !== undefined;
    });
    if (found === undefined) throw new Error(`eventually() ended before ${what}`);
    return found;
  }

  /** Adds a host and waits for the watch to report it; returns its facts. */
  async watched(hostName: string, options: FixtureHost = {}): Promise<HostFacts> {
    const full = await this.fixture.addHost(hostName, options);
    this.watch.want(new Set([full]));
    return this.seen(full, ({ ready }) => ready);
  }

  claimOf({ name: hostName, revision, closedToNewWork }: HostFacts, run = RUN): Effect & { kind: 'claim' } {
    const claim: Claim = {
      run,
      pool: this.fixture.scope.pool,
      epoch: EPOCH,
      owner: this.fixture.owner,
      planDigest: 'sha256:0',
      stage: 0,
      level: 'away',
      closedToNewWorkBefore: closedToNewWork,
      since: '2026-11-23T09:00:00.000Z',
    };
    return { kind: 'claim', key: keyOf(hostName, 'lock-hosts', run), host: hostName, revision, claim };
  }

  releaseOf({ name: hostName, revision }: HostFacts, run = RUN): Effect {
    return { kind: 'release', key: keyOf(hostName, 'unlock-hosts'), host: hostName, revision, run };
  }

  /** @param other what differs in the claim from one that takes the host as it is */
  async claimed({ name: hostName }: HostFacts, other: Partial<Claim> = {}): Promise<HostFacts> {
    await this.accepted(
      () => this.host(hostName),
      (facts) => {
        const effect = this.claimOf(facts);
        return { ...effect, claim: { ...effect.claim, ...other } };
      },
    );
    const { level = 'away' } = other;
    const isTaken = ({ claim }: HostFacts): boolean => claim?.run === RUN && claim.level === level;
    return this.seen(hostName, (facts) => isTaken(facts) && facts.closedToNewWork);
  }

  async released({ name: hostName }: HostFacts): Promise<HostFacts> {
    await this.accepted(
      () => this.host(hostName),
      (facts) => this.releaseOf(facts),
    );
    return this.seen(hostName, ({ claim }) => claim === undefined);
  }

  /** Performs an effect; reads again when something else changed the object meanwhile, as real clusters do. */
  async accepted<T extends { readonly revision: string }>(
    look: () => T | undefined,
    effectOf: (found: T) => Effect,
  ): Promise<void> {
    let stale: string | undefined;
    let outcome: Outcome;
    do {
      const found = await this.observe('something newer', () => {
        const now = look();
        return now?.revision === stale ? undefined : now;
      });
      stale = found.revision;
      outcome = await this.perform(effectOf(found));
    } while (outcome.kind === 'stale');
    expect(outcome).toEqual({ kind: 'accepted' });
  }

  evictOf(hostName: HostName, { uid, namespace, name: podName }: FixturePod): Effect {
    const key = keyOf(hostName, 'migrate-instances-from-host', uid);
    return { kind: 'evict', key, host: hostName, instance: { uid, namespace, name: podName } };
  }

  async startedJob(hostName: HostName): Promise<string> {
    const key = keyOf(hostName, 'sw-patch-hosts', PATCH);
    const create: Effect = { kind: 'create-job', key, host: hostName, action: PATCH, job: JOB };
    expect(await this.perform(create)).toEqual({ kind: 'accepted' });
    const { name: jobName, uid } = await this.job(key, 'suspended');
    expect(await this.perform(create)).toEqual({ kind: 'already' });
    expect(await this.job(key, 'suspended')).toMatchObject({ name: jobName, uid });

    await this.accepted(
      () => this.effect(key),
      (found): Effect => ({
        kind: 'start-job',
        key: `${key}/start`,
        host: hostName,
        name: jobName,
        uid,
        revision: found.startRevision ?? found.revision,
        timeoutSeconds: 60,
      }),
    );
    return key;
  }
}

/** The key of an effect of the case on a host. */
export function keyOf(host: HostName, step: string, subject = ''): string {
  return effectKey(RUN, 0, step, host, subject, 1);
}

export function reasonOfBlocked(outcome: Outcome): string {
  return outcome.kind === 'blocked' ? outcome.reason : `not blocked but ${outcome.kind}`;
}

/** What a node of a fixture shows in a plan. */
export function nodeFactsWith(labels: Readonly<Record<string, string>>): Facts {
  const shown = Object.entries(labels).map(([key, value]) => [`labels.${key}`, value] as const);
  return { 'nodeInfo.kernelVersion': OLD_KERNEL, ...Object.fromEntries(shown) };
}
