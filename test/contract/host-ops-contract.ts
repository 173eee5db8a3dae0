/** The contract of every adapter of the host-ops port, as tests that run against any of them. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Signals } from '../../src/engine/view.ts';
import type { HostSeed } from '../../src/planner/hosts/facts.ts';
import { claimsContract } from './claims-contract.ts';
import {
  ContractCase,
  itWhere,
  OF_NODES,
  reasonOfBlocked,
  RUN,
  type ContractFeatures,
  type ContractFixture,
} from './contract-case.ts';
import { healthContract } from './health-contract.ts';
import { jobsContract } from './jobs-contract.ts';
import { strangersContract } from './strangers-contract.ts';

/** Runs the contract against an adapter; each case gets a fixture of its own. */
export function hostOpsContract(
  name: string,
  makeFixture: () => Promise<ContractFixture>,
  features: ContractFeatures = OF_NODES,
): void {
  describe(`${name} keeps the contract of HostOps`, () => {
    let c: ContractCase;
    beforeEach(async () => {
      c = await ContractCase.open(makeFixture);
    });
    afterEach(async () => c.close());
    const opened = (): ContractCase => c;

    it('lists each host of the pool once, with its roles and facts', async () => {
      const controller = await c.fixture.addHost('controller', {
        labels: { 'node-role.kubernetes.io/control-plane': '' },
      });
      const storage = await c.fixture.addHost('storage', {
        labels: { 'node-role.kubernetes.io/storage': '' },
      });
      const worker = await c.fixture.addHost('worker', { labels: { shelf: 'b' } });

      const found: HostSeed[] = [];
      for await (const page of c.fixture.ops.inventory(c.fixture.scope, c.signal)) found.push(...page);

      expect(found).toHaveLength(3);
      expect(Object.fromEntries(found.map(({ name: each, roles }) => [each, [...roles]]))).toEqual({
        [controller]: ['controller'],
        [storage]: ['storage'],
        [worker]: ['worker'],
      });
      const facts = found.find(({ name: each }) => each === worker)?.facts;
      expect(facts).toMatchObject(c.fixture.factsWith({ shelf: 'b' }));
    });

    itWhere(features.joins, 'knows in which order hosts joined', async () => {
      const [first, second] = [await c.watched('first'), await c.watched('second')];
      const joined = [first, second].map(({ joinedAt }) => joinedAt ?? NaN);
      expect(joined).toEqual(joined.toSorted((a, b) => a - b));
      expect(joined.every(Number.isFinite)).toBe(true);
    });

    it('keeps a claimed host in its pool for any labels, and knows the owners of the marks', async () => {
      const { name: held } = await c.claimed(await c.watched('member'));
      expect(c.fixture.ops.markedHosts(c.fixture.scope)).toMatchObject([{ host: held, claim: { run: RUN } }]);
      expect(await c.fixture.ops.readMarkedHosts(c.fixture.scope, c.signal)).toMatchObject([{ host: held }]);
      const other = { ...c.fixture.scope, pool: 'another' };
      const opened = c.fixture.ops.fleet(other, () => undefined);
      expect(c.fixture.ops.view(other).fleet.total).toBe(0);
      expect(c.fixture.ops.markedHosts(other)).toEqual([]);
      expect(c.fixture.ops.view(c.fixture.scope).host(held)?.isMember).toBe(true);
      expect(c.fixture.ops.view(other).host(held)?.isMember).toBe(false);
      opened.close();
    });

    it('counts separately the selected hosts that an older pool keeps', async () => {
      const kept = await c.fixture.addHost('kept', { labels: { shelf: 'old' } });
      const newer = { ...c.fixture.scope, before: [c.fixture.providerOf({ shelf: 'old' })] };
      const opened = c.fixture.ops.fleet(newer, () => undefined);
      await c.fixture.eventually('the host', () =>
        c.fixture.ops.view(newer).fleet.keptByOtherPools.has(kept),
      );
      expect(c.fixture.ops.view(newer).fleet.total).toBe(0);
      expect(c.fixture.ops.view(newer).host(kept)?.isMember).toBe(false);
      opened.close();
    });

    it('drains a host by evictions, each for one pod only', async () => {
      const host = await c.watched('crowded');
      const { name: crowded } = host;
      const pod = await c.fixture.addPod(crowded, 'going', 'none');
      await c.claimed(host);
      await c.seen(crowded, ({ instances }) => instances?.some(({ uid }) => uid === pod.uid) === true);

      const namesake = { ...pod, uid: '00000000-0000-4000-8000-000000000000' };
      expect((await c.perform(c.evictOf(crowded, namesake))).kind).not.toBe('accepted');
      await c.confirm(crowded);
      expect(c.host(crowded)?.instances).toMatchObject([
        { uid: pod.uid, name: pod.name, leaving: undefined },
      ]);

      expect(await c.perform(c.evictOf(crowded, pod))).toEqual({ kind: 'accepted' });
      await c.seen(crowded, ({ instances }) => instances?.length === 0);
      expect(await c.fixture.podExists(pod)).toBe(false);
      expect(await c.perform(c.evictOf(crowded, pod))).toEqual({ kind: 'already' });
    });

    itWhere(features.budgets, 'respects the budget of a pod, and names the pod', async () => {
      const host = await c.watched('guarded');
      const { name: guarded } = host;
      const pod = await c.fixture.addPod(guarded, 'needed', 'protected');
      await c.claimed(host);
      await c.seen(guarded, ({ instances }) => instances?.length === 1);

      const outcome = await c.perform(c.evictOf(guarded, pod));
      expect(reasonOfBlocked(outcome)).toContain(`${pod.namespace}/${pod.name}`);
      await c.confirm(guarded);
      expect(c.host(guarded)?.instances).toMatchObject([{ uid: pod.uid, leaving: undefined }]);
      expect(await c.fixture.podExists(pod)).toBe(true);
    });

    claimsContract(opened, features);
    jobsContract(opened);
    healthContract(opened, features);
    strangersContract(opened);

    it('says why the content of a ConfigMap may change, and asks for no name that none can have', async () => {
      const { ops, owner } = c.fixture;
      await c.fixture.addConfigMap('fixed', true);
      await c.fixture.addConfigMap('open', false);
      const names = ['fixed', 'open', 'none', '..', '../secrets/keys', ''];
      const found = await ops.changeableConfigMaps(owner.namespace, names, c.signal);
      expect(Object.fromEntries(found)).toEqual({
        open: 'it is not immutable',
        ...Object.fromEntries(names.slice(2).map((name) => [name, 'it does not exist'])),
      });
    });

    it('has no signal of an unknown id, and confuses no ids', () => {
      // A caller that is newer than the adapter may know more signals.
      const newer = 'gates' as string as keyof Signals;
      expect(() => c.view().signal(newer)).toThrow('there is no signal gates');
    });

    it('describes the state of a host, and the remedy', () => {
      const { words } = c.view();
      expect(words.says('opened-by-others', 'worker-3')).toContain('worker-3');
      expect(words.remedy('kept-locked', 'worker-3')).toContain('worker-3');
      expect(words.remedy('kept-locked')).not.toBe('');
    });
  });
}
