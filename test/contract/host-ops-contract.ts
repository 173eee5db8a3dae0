/** What every adapter of the host-ops port promises, as tests that run against any of them. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JobAction } from '../../src/crds/patch-strategy-spec.ts';
import { effectKey, type Effect, type Outcome } from '../../src/engine/effect.ts';
import type { Claim, EffectFacts, HostFacts, View } from '../../src/engine/view.ts';
import type { Fence, HostOps, HostWatch, Scope, Subscription } from '../../src/hostops/port.ts';
import type { HostName, HostSeed } from '../../src/planner/facts.ts';

/** The patch that the hosts of a fixture know: its Job succeeds on an honest host. */
export const PATCH = 'kernel-6.12.48';
export const OLD_KERNEL = '6.12.40';
/** The exit code of patches on a host that is asked to fail. */
export const EXIT_CODE = 7;

export type FixtureHost = {
  readonly labels?: Readonly<Record<string, string>>;
  /** Its patches end with `EXIT_CODE`. */
  readonly failing?: boolean;
};

export type FixturePod = { readonly uid: string; readonly namespace: string; readonly name: string };

/** A world of one case: hosts of its own behind an adapter, and what others can do to them. */
export type ContractFixture = {
  readonly ops: HostOps;
  /** Selects the hosts of this fixture and no others. */
  readonly scope: Scope;
  /** The strategy on whose behalf the case acts; it exists as far as the adapter can tell. */
  readonly owner: Fence['strategy'];
  /** Adds a host that is ready, open and runs kernel `OLD_KERNEL`. Returns its name, which begins with `name`. */
  addHost(name: string, options?: FixtureHost): Promise<HostName>;
  /** Adds a pod. `protected`: its budget allows no disruption. */
  addPod(host: HostName, name: string, budget: 'protected' | 'none'): Promise<FixturePod>;
  podExists(pod: FixturePod): Promise<boolean>;
  /** Makes a host ready or not, whoever works on it. */
  setReady(host: HostName, ready: boolean): Promise<void>;
  /** Closes a host, as a person would. */
  close(host: HostName): Promise<void>;
  /** Opens a host, as a person would. */
  open(host: HostName): Promise<void>;
  /** Edits the claim of a host, as a person would. */
  editClaim(host: HostName): Promise<void>;
  /** Lets time pass until this is so; fails when it does not come. */
  eventually(what: string, condition: () => boolean): Promise<void>;
  cleanup(): Promise<void>;
};

const RUN = 'run-of-this-case';
const EPOCH = 3;
const OTHER_RUN = 'run-of-another';
const JOB: JobAction = { template: { spec: { containers: [{ name: 'apply', image: 'patch:1' }] } } };

/** Runs the contract against an adapter; each case gets a fixture of its own. */
export function hostOpsContract(name: string, makeFixture: () => Promise<ContractFixture>): void {
  describe(`${name} keeps the contract of HostOps`, () => {
    let fixture: ContractFixture;
    let watch: HostWatch;
    let fleet: Subscription;
    let told: Set<HostName>;
    let signal: AbortSignal;

    beforeEach(async () => {
      fixture = await makeFixture();
      told = new Set();
      signal = new AbortController().signal;
      expect(await fixture.ops.prepare(fixture.owner.namespace, signal)).toBeUndefined();
      fleet = fixture.ops.fleet(fixture.scope, () => undefined);
      watch = fixture.ops.watch((hosts) => {
        for (const host of hosts) told.add(host);
      });
    });

    afterEach(async () => {
      watch.close();
      fleet.close();
      await fixture.cleanup();
    });

    const view = (): View => fixture.ops.view(fixture.scope);
    const host = (hostName: HostName): HostFacts | undefined => view().host(hostName);
    const seen = (hostName: HostName, fits: (facts: HostFacts) => boolean): Promise<HostFacts> =>
      observe(`${hostName} to be as expected`, () => {
        const facts = host(hostName);
        return facts && fits(facts) ? facts : undefined;
      });
    const job = (key: string, state: EffectFacts['state']): Promise<EffectFacts> =>
      observe(`the Job ${key} to be ${state}`, () => {
        const facts = view().effect(key);
        return facts?.state === state ? facts : undefined;
      });
    const perform = (effect: Effect, run = RUN): Promise<Outcome> =>
      fixture.ops.perform(effect, { strategy: fixture.owner, run, epoch: EPOCH }, signal);

    async function observe<T>(what: string, look: () => T | undefined): Promise<T> {
      let found: T | undefined;
      await fixture.eventually(what, () => {
        found = look();
        return found !== undefined;
      });
      if (found === undefined) throw new Error(`eventually() ended before ${what}`);
      return found;
    }

    /** A host that is watched, and how it looks. */
    async function watched(hostName: string, options: FixtureHost = {}): Promise<HostFacts> {
      const full = await fixture.addHost(hostName, options);
      watch.want(new Set([full]));
      return seen(full, ({ ready, instances }) => ready && instances !== undefined);
    }

    function claimOf({ name: hostName, revision, closed }: HostFacts, run = RUN): Effect & { kind: 'claim' } {
      const claim: Claim = {
        run,
        pool: fixture.scope.pool,
        epoch: EPOCH,
        owner: fixture.owner,
        planDigest: 'sha256:0',
        stage: 0,
        level: 'away',
        closedBefore: closed,
        since: '2026-11-23T09:00:00.000Z',
      };
      return { kind: 'claim', key: keyOf(hostName, 'lock-hosts', run), host: hostName, revision, claim };
    }

    function releaseOf({ name: hostName, revision }: HostFacts, run = RUN): Effect {
      return { kind: 'release', key: keyOf(hostName, 'unlock-hosts'), host: hostName, revision, run };
    }

    async function claimed({ name: hostName }: HostFacts): Promise<HostFacts> {
      await accepted(() => host(hostName), claimOf);
      return seen(hostName, ({ claim, closed }) => claim?.run === RUN && closed);
    }

    async function released({ name: hostName }: HostFacts): Promise<HostFacts> {
      await accepted(() => host(hostName), releaseOf);
      return seen(hostName, ({ claim }) => claim === undefined);
    }

    /** Performs an effect; looks again when something else changed its object meanwhile, as happens to real ones. */
    async function accepted<T extends { readonly revision: string }>(
      look: () => T | undefined,
      effectOf: (found: T) => Effect,
    ): Promise<void> {
      let stale: string | undefined;
      let outcome: Outcome;
      do {
        const found = await observe('something newer', () => {
          const now = look();
          return now?.revision === stale ? undefined : now;
        });
        stale = found.revision;
        outcome = await perform(effectOf(found));
      } while (outcome.kind === 'stale');
      expect(outcome).toEqual({ kind: 'accepted' });
    }

    function evictOf(hostName: HostName, { uid, namespace, name: podName }: FixturePod): Effect {
      const key = keyOf(hostName, 'migrate-instances-from-host', uid);
      return { kind: 'evict', key, host: hostName, instance: { uid, namespace, name: podName } };
    }

    async function startedJob(hostName: HostName): Promise<string> {
      const key = keyOf(hostName, 'sw-patch-hosts', PATCH);
      const create: Effect = { kind: 'create-job', key, host: hostName, action: PATCH, job: JOB };
      expect(await perform(create)).toEqual({ kind: 'accepted' });
      const { name: jobName, uid } = await job(key, 'suspended');
      expect(await perform(create)).toEqual({ kind: 'already' });
      expect(await job(key, 'suspended')).toMatchObject({ name: jobName, uid });

      await accepted(
        () => view().effect(key),
        (found): Effect => ({
          kind: 'start-job',
          key: `${key}/start`,
          host: hostName,
          name: jobName,
          uid,
          revision: found.revision,
          timeoutSeconds: 60,
        }),
      );
      return key;
    }

    it('lists each host of the pool once, with its roles and facts', async () => {
      const controller = await fixture.addHost('controller', {
        labels: { 'node-role.kubernetes.io/control-plane': '' },
      });
      const storage = await fixture.addHost('storage', { labels: { 'node-role.kubernetes.io/storage': '' } });
      const worker = await fixture.addHost('worker', { labels: { shelf: 'b' } });

      const found: HostSeed[] = [];
      for await (const page of fixture.ops.inventory(fixture.scope, signal)) found.push(...page);
      const inOrder = found.toSorted((a, b) => (a.name < b.name ? -1 : 1));

      expect(inOrder.map(({ name: each, roles }) => [each, [...roles]])).toEqual([
        [controller, ['controller']],
        [storage, ['storage']],
        [worker, ['worker']],
      ]);
      expect(inOrder[2]?.facts).toMatchObject({ 'nodeInfo.kernelVersion': OLD_KERNEL, 'labels.shelf': 'b' });
    });

    it('closes a host that it claims, says so, and claims it no second time', async () => {
      const before = await watched('claimed');
      told.clear();
      const after = await claimed(before);
      expect(after.claim).toEqual(claimOf(before).claim);
      expect(after.revision).not.toBe(before.revision);
      expect(told).toContain(before.name);
      expect(await perform(claimOf(before))).toEqual({ kind: 'already' });
    });

    it('leaves a host alone that another run holds', async () => {
      const held = await claimed(await watched('held'));
      const outcome = await perform(claimOf(held, OTHER_RUN), OTHER_RUN);
      expect(reasonOfBlocked(outcome)).toContain(fixture.owner.name);
      expect(await perform(releaseOf(held, OTHER_RUN), OTHER_RUN)).toEqual({ kind: 'already' });
      await fixture.ops.confirm([held.name], signal);
      expect(host(held.name)).toMatchObject({ claim: held.claim, closed: true });
    });

    it('puts a host back as it was: opened when we closed it, left closed when others had', async () => {
      const open = await claimed(await watched('open'));
      expect((await released(open)).closed).toBe(false);
      expect(await perform(releaseOf(open))).toEqual({ kind: 'already' });

      const { name: cordoned } = await watched('cordoned');
      await fixture.close(cordoned);
      const taken = await claimed(await seen(cordoned, ({ closed }) => closed));
      expect((await released(taken)).closed).toBe(true);
    });

    it('refuses as stale what was decided before the host changed', async () => {
      const before = await watched('changed');
      await fixture.close(before.name);
      const after = await seen(before.name, ({ closed }) => closed);
      expect(await perform(claimOf(before))).toEqual({ kind: 'stale' });
      await fixture.ops.confirm([before.name], signal);
      expect(host(before.name)?.claim).toBeUndefined();

      const taken = await claimed(after);
      expect(await perform(releaseOf({ ...taken, revision: before.revision }))).toEqual({ kind: 'stale' });
      await fixture.ops.confirm([before.name], signal);
      expect(host(before.name)).toMatchObject({ claim: taken.claim, closed: true });
    });

    it('closes a claimed host again that somebody opened, and no other', async () => {
      const taken = await claimed(await watched('reopened'));
      await fixture.open(taken.name);
      const opened = await seen(taken.name, ({ closed }) => !closed);
      const recordonOf = ({ name: hostName, revision }: HostFacts, run = RUN): Effect => {
        return {
          kind: 'recordon',
          key: keyOf(hostName, 'lock-hosts', 'recordon'),
          host: hostName,
          revision,
          run,
        };
      };
      expect(await perform(recordonOf(opened, OTHER_RUN), OTHER_RUN)).toEqual({ kind: 'stale' });
      await accepted(() => host(opened.name), recordonOf);
      expect(await seen(opened.name, ({ closed }) => closed)).toMatchObject({
        claim: taken.claim,
        marked: true,
      });
    });

    it('takes an edited claim for none, and puts the host back as the run wrote down that it was', async () => {
      const taken = await claimed(await watched('edited'));
      await fixture.editClaim(taken.name);
      const spoilt = await seen(taken.name, ({ spoiltClaim }) => spoiltClaim !== undefined);
      expect(spoilt).toMatchObject({ claim: undefined, closed: true, marked: true });
      expect(await perform(claimOf(spoilt, OTHER_RUN), OTHER_RUN)).toEqual({ kind: 'stale' });
      expect(fixture.ops.marked(fixture.scope)).toMatchObject([{ host: taken.name, claim: undefined }]);

      await accepted(
        () => host(taken.name),
        (facts) => ({
          ...releaseOf(facts),
          kind: 'release',
          revision: facts.revision,
          run: RUN,
          closedBefore: false,
        }),
      );
      await seen(
        taken.name,
        ({ spoiltClaim, marked, closed }) => spoiltClaim === undefined && !marked && !closed,
      );
    });

    it('leaves a host locked with a note, and without a claim', async () => {
      const { name: failed } = await claimed(await watched('failed'));
      await accepted(
        () => host(failed),
        ({ revision }): Effect => ({
          ...{ kind: 'leave-locked', key: keyOf(failed, 'unlock-hosts', 'leave-locked'), host: failed },
          ...{ revision, run: RUN, reason: 'its patch failed' },
        }),
      );
      const left = await seen(failed, ({ claim }) => claim === undefined);
      expect(left).toMatchObject({ closed: true, marked: false, spoiltClaim: undefined });
      expect(view().fleet.outOfServiceByOthers).toEqual(new Set([failed]));
      await fixture.open(failed);
      await seen(failed, ({ closed }) => !closed);
    });

    it('keeps a claimed host in its pool, whatever its labels say, and knows whose marks there are', async () => {
      const { name: held } = await claimed(await watched('member'));
      expect(fixture.ops.marked(fixture.scope)).toMatchObject([{ host: held, claim: { run: RUN } }]);
      expect(await fixture.ops.readMarked(fixture.scope, signal)).toMatchObject([{ host: held }]);
      const other = { ...fixture.scope, pool: 'another' };
      const opened = fixture.ops.fleet(other, () => undefined);
      expect(fixture.ops.view(other).fleet.total).toBe(0);
      expect(fixture.ops.marked(other)).toEqual([]);
      opened.close();
    });

    it('counts apart what a pool selects that an older one keeps', async () => {
      const kept = await fixture.addHost('kept', { labels: { shelf: 'old' } });
      const newer = { ...fixture.scope, before: [{ shelf: 'old' }] };
      const opened = fixture.ops.fleet(newer, () => undefined);
      await fixture.eventually('the host', () => fixture.ops.view(newer).fleet.keptByOtherPools.has(kept));
      expect(fixture.ops.view(newer).fleet.total).toBe(0);
      opened.close();
    });

    it('hands a run over: what was decided before is refused, a claim on its way is made', async () => {
      const taken = await claimed(await watched('taken-over'));
      const due = await fixture.addHost('due');
      await seen(due, ({ ready }) => ready);
      const before = host(due);
      const adoption = { ...claimOf(taken).claim, epoch: EPOCH + 1 };
      await fixture.ops.adopt(
        new Map([
          [taken.name, { claim: adoption, makeIfMissing: false }],
          [due, { claim: adoption, makeIfMissing: true }],
        ]),
        { strategy: fixture.owner, run: RUN, epoch: EPOCH + 1 },
        signal,
      );
      expect(await perform(releaseOf(taken))).toEqual({ kind: 'stale' });
      expect(before && (await perform(claimOf(before, OTHER_RUN), OTHER_RUN)).kind).toBe('blocked');
      expect(await seen(taken.name, ({ claim }) => claim?.epoch === EPOCH + 1)).toMatchObject({
        closed: true,
      });
      expect(await seen(due, ({ claim }) => claim?.epoch === EPOCH + 1)).toMatchObject({ closed: true });
    });

    it('hands a Job over: it cannot be started by what was decided before, and can be removed', async () => {
      const { name: busy } = await watched('busy');
      const key = keyOf(busy, 'sw-patch-hosts', PATCH);
      await perform({ kind: 'create-job', key, host: busy, action: PATCH, job: JOB });
      const made = await job(key, 'suspended');
      await fixture.ops.adopt(new Map(), { strategy: fixture.owner, run: RUN, epoch: EPOCH + 1 }, signal);
      const { namespace, uid } = fixture.owner;
      const stamped = await observe('another revision', () =>
        fixture.ops.suspendedJobs(namespace, uid).find(({ revision }) => revision !== made.revision),
      );
      const common = { host: busy, name: made.name, uid: made.uid };
      const start: Effect = {
        kind: 'start-job',
        key: `${key}/start`,
        ...common,
        revision: made.revision,
        timeoutSeconds: 9,
      };
      expect(await perform(start)).toEqual({ kind: 'stale' });
      const remove: Effect = { kind: 'delete-job', key: `${key}/sweep`, ...common, revision: made.revision };
      expect(await perform(remove)).toEqual({ kind: 'stale' });
      expect(await perform({ ...remove, revision: stamped.revision })).toEqual({ kind: 'accepted' });
      await fixture.eventually('the Job to be gone', () => view().effect(key) === undefined);
    });

    it('empties a host by evictions, each for one pod only', async () => {
      const { name: crowded } = await watched('crowded');
      const pod = await fixture.addPod(crowded, 'going', 'none');
      await seen(crowded, ({ instances }) => instances?.some(({ uid }) => uid === pod.uid) === true);

      const namesake = { ...pod, uid: '00000000-0000-4000-8000-000000000000' };
      expect((await perform(evictOf(crowded, namesake))).kind).not.toBe('accepted');
      await fixture.ops.confirm([crowded], signal);
      expect(host(crowded)?.instances).toMatchObject([{ uid: pod.uid, name: pod.name, leaving: false }]);

      expect(await perform(evictOf(crowded, pod))).toEqual({ kind: 'accepted' });
      await seen(crowded, ({ instances }) => instances?.length === 0);
      expect(await fixture.podExists(pod)).toBe(false);
      expect(await perform(evictOf(crowded, pod))).toEqual({ kind: 'already' });
    });

    it('lets a budget keep a pod where it is, and names the pod', async () => {
      const { name: guarded } = await watched('guarded');
      const pod = await fixture.addPod(guarded, 'needed', 'protected');
      await seen(guarded, ({ instances }) => instances?.length === 1);

      const outcome = await perform(evictOf(guarded, pod));
      expect(reasonOfBlocked(outcome)).toContain(`${pod.namespace}/${pod.name}`);
      await fixture.ops.confirm([guarded], signal);
      expect(host(guarded)?.instances).toMatchObject([{ uid: pod.uid, leaving: false }]);
      expect(await fixture.podExists(pod)).toBe(true);
    });

    it('makes a Job once, suspended, and runs it when it is started', async () => {
      const { name: patched } = await watched('patched');
      const key = await startedJob(patched);
      const { name: jobName, uid, revision } = await job(key, 'succeeded');
      const again: Effect = {
        kind: 'start-job',
        key: `${key}/start`,
        host: patched,
        name: jobName,
        uid,
        revision,
        timeoutSeconds: 60,
      };
      expect(await perform(again)).toEqual({ kind: 'already' });
    });

    it('tells with which exit code a Job failed', async () => {
      const { name: failing } = await watched('failing', { failing: true });
      const key = await startedJob(failing);
      const { failure } = await job(key, 'failed');
      expect(failure).toContain(String(EXIT_CODE));
    });

    it('counts a host that is not ready as an alarm and out of service, unless somebody works on it', async () => {
      const { name: sick } = await watched('sick');
      await fixture.eventually('the host to be counted', () => view().fleet.total === 1);
      expect(view().signal('alarms')?.alarms).toEqual([]);
      expect(view().fleet.outOfServiceByOthers).toEqual(new Set());

      await fixture.setReady(sick, false);
      const facts = await seen(sick, ({ ready }) => !ready);
      expect(facts.alarms).not.toEqual([]);
      expect(view().signal('alarms')?.alarms).toMatchObject([{ host: sick }]);
      expect(view().fleet.outOfServiceByOthers).toEqual(new Set([sick]));

      await claimed(facts);
      expect(view().signal('alarms')?.alarms).toEqual([]);
      expect(view().fleet.outOfServiceByOthers).toEqual(new Set());
    });
  });
}

function keyOf(host: HostName, step: string, subject = ''): string {
  return effectKey(RUN, 0, step, host, subject, 1);
}

function reasonOfBlocked(outcome: Outcome): string {
  return outcome.kind === 'blocked' ? outcome.reason : `not blocked but ${outcome.kind}`;
}
