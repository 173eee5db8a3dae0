/** The contract of every adapter of the host-ops port, as tests that run against any of them. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Effect, Outcome } from '../../src/engine/effect.ts';
import type { Signals, HostFacts } from '../../src/engine/view.ts';
import type { HostSeed } from '../../src/planner/hosts/facts.ts';
import {
  ContractCase,
  EPOCH,
  EXIT_CODE,
  JOB,
  keyOf,
  OLD_KERNEL,
  OTHER_RUN,
  PATCH,
  RUN,
  type ContractFixture,
} from './contract-case.ts';
import { healthContract } from './health-contract.ts';
import { strangersContract } from './strangers-contract.ts';

/** Runs the contract against an adapter; each case gets a fixture of its own. */
export function hostOpsContract(name: string, makeFixture: () => Promise<ContractFixture>): void {
  describe(`${name} keeps the contract of HostOps`, () => {
    let c: ContractCase;
    beforeEach(async () => {
      c = await ContractCase.open(makeFixture);
    });
    afterEach(async () => c.close());

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
      const inOrder = found.toSorted((a, b) => (a.name < b.name ? -1 : 1));

      expect(inOrder.map(({ name: each, roles }) => [each, [...roles]])).toEqual([
        [controller, ['controller']],
        [storage, ['storage']],
        [worker, ['worker']],
      ]);
      expect(inOrder[2]?.facts).toMatchObject({ 'nodeInfo.kernelVersion': OLD_KERNEL, 'labels.shelf': 'b' });
    });

    it('knows in which order hosts joined', async () => {
      const [first, second] = [await c.watched('first'), await c.watched('second')];
      const joined = [first, second].map(({ joinedAt }) => joinedAt ?? NaN);
      expect(joined).toEqual(joined.toSorted((a, b) => a - b));
      expect(joined.every(Number.isFinite)).toBe(true);
    });

    it('cordons a host that it claims, reports it, and claims it only once', async () => {
      const before = await c.watched('claimed');
      c.reported.clear();
      const after = await c.claimed(before);
      expect(after.claim).toEqual(c.claimOf(before).claim);
      expect(after.revision).not.toBe(before.revision);
      expect(c.reported).toContain(before.name);
      expect(await c.perform(c.claimOf(before))).toEqual({ kind: 'already' });
    });

    it('does not touch a host that another run holds', async () => {
      const held = await c.claimed(await c.watched('held'));
      const outcome = await c.perform(c.claimOf(held, OTHER_RUN), OTHER_RUN);
      expect(reasonOfBlocked(outcome)).toContain(c.fixture.owner.name);
      expect(await c.perform(c.releaseOf(held, OTHER_RUN), OTHER_RUN)).toEqual({ kind: 'already' });
      await c.confirm(held.name);
      expect(c.host(held.name)).toMatchObject({ claim: held.claim, closedToNewWork: true });
    });

    it('restores a host: uncordoned when we cordoned it, still cordoned when others had', async () => {
      const open = await c.claimed(await c.watched('open'));
      expect((await c.released(open)).closedToNewWork).toBe(false);
      expect(await c.perform(c.releaseOf(open))).toEqual({ kind: 'already' });

      const { name: cordoned } = await c.watched('cordoned');
      await c.fixture.close(cordoned);
      const taken = await c.claimed(await c.seen(cordoned, ({ closedToNewWork }) => closedToNewWork));
      expect((await c.released(taken)).closedToNewWork).toBe(true);
    });

    it('refuses as stale an effect that was decided before the host changed', async () => {
      const before = await c.watched('changed');
      await c.fixture.close(before.name);
      const after = await c.seen(before.name, ({ closedToNewWork }) => closedToNewWork);
      expect(await c.perform(c.claimOf(before))).toEqual({ kind: 'stale' });
      await c.confirm(before.name);
      expect(c.host(before.name)?.claim).toBeUndefined();

      const taken = await c.claimed(after);
      expect(await c.perform(c.releaseOf({ ...taken, revision: before.revision }))).toEqual({
        kind: 'stale',
      });
      await c.confirm(before.name);
      expect(c.host(before.name)).toMatchObject({ claim: taken.claim, closedToNewWork: true });
    });

    const recordonOf = ({ name, revision }: HostFacts, run = RUN): Effect => {
      return { kind: 'recordon', key: keyOf(name, 'lock-hosts', 'recordon'), host: name, revision, run };
    };

    it('cordons a claimed host again that somebody uncordoned, and no other', async () => {
      const taken = await c.claimed(await c.watched('reopened'));
      await c.fixture.open(taken.name);
      const opened = await c.seen(taken.name, ({ closedToNewWork }) => !closedToNewWork);
      expect(await c.perform(recordonOf(opened, OTHER_RUN), OTHER_RUN)).toEqual({ kind: 'stale' });
      await c.accepted(() => c.host(opened.name), recordonOf);
      expect(await c.seen(opened.name, ({ closedToNewWork }) => closedToNewWork)).toMatchObject({
        claim: taken.claim,
        hasMaintenanceMark: true,
      });
    });

    it('uncordons a host that others had cordoned, when somebody uncordoned it and we cordoned it again', async () => {
      const { name } = await c.watched('their-cordon-went');
      await c.fixture.close(name);
      await c.claimed(await c.seen(name, ({ closedToNewWork }) => closedToNewWork));
      await c.fixture.open(name);
      await c.seen(name, ({ closedToNewWork }) => !closedToNewWork);
      await c.accepted(() => c.host(name), recordonOf);
      const again = await c.seen(name, ({ closedToNewWork }) => closedToNewWork);
      expect((await c.released(again)).closedToNewWork).toBe(false);
    });

    it('restores a host as its claim found it, unless the run has seen it uncordoned since', async () => {
      for (const [host, closedToNewWorkBefore, closedToNewWork] of [
        ['never-opened', true, true],
        ['nothing-known', undefined, true],
        ['seen-open', false, false],
      ] as const) {
        const { name } = await c.watched(host);
        await c.fixture.close(name);
        await c.claimed(await c.seen(name, (facts) => facts.closedToNewWork));
        await c.accepted(
          () => c.host(name),
          (facts) => ({
            ...c.releaseOf(facts),
            kind: 'release',
            revision: facts.revision,
            run: RUN,
            closedToNewWorkBefore,
          }),
        );
        expect(await c.seen(name, ({ claim }) => claim === undefined)).toMatchObject({ closedToNewWork });
      }
    });

    it('treats an edited claim as missing, and restores the host from the record of the run', async () => {
      const taken = await c.claimed(await c.watched('edited'));
      await c.fixture.editClaim(taken.name);
      const spoilt = await c.seen(taken.name, ({ spoiltClaim }) => spoiltClaim !== undefined);
      expect(spoilt).toMatchObject({ claim: undefined, closedToNewWork: true, hasMaintenanceMark: true });
      expect(await c.perform(c.claimOf(spoilt, OTHER_RUN), OTHER_RUN)).toEqual({ kind: 'stale' });
      expect(c.fixture.ops.markedHosts(c.fixture.scope)).toMatchObject([
        { host: taken.name, claim: undefined },
      ]);

      await c.accepted(
        () => c.host(taken.name),
        (facts) => ({
          ...c.releaseOf(facts),
          kind: 'release',
          revision: facts.revision,
          run: RUN,
          closedToNewWorkBefore: false,
        }),
      );
      await c.seen(
        taken.name,
        ({ spoiltClaim, hasMaintenanceMark, closedToNewWork }) =>
          spoiltClaim === undefined && !hasMaintenanceMark && !closedToNewWork,
      );
    });

    it('leaves a host locked with a note, and without a claim', async () => {
      const { name: failed } = await c.claimed(await c.watched('failed'));
      await c.accepted(
        () => c.host(failed),
        ({ revision }): Effect => ({
          ...{ kind: 'leave-locked', key: keyOf(failed, 'unlock-hosts', 'leave-locked'), host: failed },
          ...{ revision, run: RUN, reason: 'its patch failed' },
        }),
      );
      const left = await c.seen(failed, ({ claim }) => claim === undefined);
      expect(left).toMatchObject({
        closedToNewWork: true,
        hasMaintenanceMark: false,
        spoiltClaim: undefined,
      });
      expect(c.view().fleet.outOfServiceByOthers).toEqual(new Set([failed]));
      await c.fixture.open(failed);
      await c.seen(failed, ({ closedToNewWork }) => !closedToNewWork);
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
      const newer = { ...c.fixture.scope, before: [{ kubernetes: { nodeSelector: { shelf: 'old' } } }] };
      const opened = c.fixture.ops.fleet(newer, () => undefined);
      await c.fixture.eventually('the host', () =>
        c.fixture.ops.view(newer).fleet.keptByOtherPools.has(kept),
      );
      expect(c.fixture.ops.view(newer).fleet.total).toBe(0);
      expect(c.fixture.ops.view(newer).host(kept)?.isMember).toBe(false);
      opened.close();
    });

    it('hands a run over: it refuses earlier decisions, and makes a claim that was in flight', async () => {
      const taken = await c.claimed(await c.watched('taken-over'));
      const due = await c.fixture.addHost('due');
      await c.seen(due, ({ ready }) => ready);
      const before = c.host(due);
      const adoption = { ...c.claimOf(taken).claim, epoch: EPOCH + 1 };
      await c.fixture.ops.adopt(
        c.fixture.scope,
        new Map([
          [taken.name, { claim: adoption, makeIfMissing: false }],
          [due, { claim: { ...adoption, closedToNewWorkBefore: false }, makeIfMissing: true }],
        ]),
        { owner: c.fixture.owner, run: RUN, epoch: EPOCH + 1 },
        c.signal,
      );
      expect(await c.perform(c.releaseOf(taken))).toEqual({ kind: 'stale' });
      expect(before && (await c.perform(c.claimOf(before, OTHER_RUN), OTHER_RUN)).kind).toBe('blocked');
      expect(await c.seen(taken.name, ({ claim }) => claim?.epoch === EPOCH + 1)).toMatchObject({
        closedToNewWork: true,
      });
      expect(await c.seen(due, ({ claim }) => claim?.epoch === EPOCH + 1)).toMatchObject({
        closedToNewWork: true,
      });
    });

    it('makes no claim on a host that was cordoned or uncordoned since the claim was requested', async () => {
      const closed = await c.watched('closed-since');
      const asked = { ...c.claimOf(closed).claim, epoch: EPOCH + 1 };
      await c.fixture.close(closed.name);
      const opened = await c.watched('opened-since');
      await c.fixture.ops.adopt(
        c.fixture.scope,
        new Map([
          [closed.name, { claim: { ...asked, closedToNewWorkBefore: false }, makeIfMissing: true }],
          [opened.name, { claim: { ...asked, closedToNewWorkBefore: true }, makeIfMissing: true }],
        ]),
        { owner: c.fixture.owner, run: RUN, epoch: EPOCH + 1 },
        c.signal,
      );
      await c.confirm(closed.name, opened.name);
      expect(c.host(closed.name)).toMatchObject({
        claim: undefined,
        hasMaintenanceMark: false,
        closedToNewWork: true,
      });
      expect(c.host(opened.name)).toMatchObject({
        claim: undefined,
        hasMaintenanceMark: false,
        closedToNewWork: false,
      });
    });

    it('hands a Job over: an earlier decision cannot start it, and it can be removed', async () => {
      const { name: busy } = await c.watched('busy');
      const key = keyOf(busy, 'sw-patch-hosts', PATCH);
      await c.perform({ kind: 'create-job', key, host: busy, action: PATCH, job: JOB });
      const made = await c.job(key, 'suspended');
      await c.handedOver();
      const stamped = await c.observe('another revision', () =>
        c.fixture.ops.idleJobs(c.fixture.owner).find(({ revision }) => revision !== made.revision),
      );
      const common = { host: busy, name: made.name, uid: made.uid };
      const start: Effect = {
        kind: 'start-job',
        key: `${key}/start`,
        ...common,
        revision: made.startRevision ?? made.revision,
        timeoutSeconds: 9,
      };
      expect(await c.perform(start)).toEqual({ kind: 'stale' });
      const remove: Effect = { kind: 'delete-job', key: `${key}/sweep`, ...common, revision: made.revision };
      expect(await c.perform(remove)).toEqual({ kind: 'stale' });
      expect(await c.perform({ ...remove, revision: stamped.revision })).toEqual({ kind: 'accepted' });
      await c.fixture.eventually('the Job to be gone', () => c.effect(key) === undefined);
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

    it('respects the budget of a pod, and names the pod', async () => {
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

    it('creates a Job once, suspended, and runs it when it is started', async () => {
      const { name: patched } = await c.watched('patched');
      const key = await c.startedJob(patched);
      const { name: jobName, uid, revision, containerStarted } = await c.job(key, 'succeeded');
      expect(containerStarted).toBe(true);
      const again: Effect = {
        kind: 'start-job',
        key: `${key}/start`,
        host: patched,
        name: jobName,
        uid,
        revision,
        timeoutSeconds: 60,
      };
      expect(await c.perform(again)).toEqual({ kind: 'already' });
    });

    it('reports what somebody changed in a Job, and makes it again what it was', async () => {
      const { name: altered } = await c.watched('altered');
      const key = keyOf(altered, 'sw-patch-hosts', PATCH);
      await c.perform({ kind: 'create-job', key, host: altered, action: PATCH, job: JOB });
      const { name: jobName, uid } = await c.job(key, 'suspended');
      await c.fixture.alterJob(jobName);
      await c.observe('the change', () => c.effect(key)?.altered);
      const mend: Effect = {
        ...{ kind: 'mend-job', key: `${key}/mend`, host: altered, name: jobName, uid },
        ...{ effect: key, action: PATCH, timeoutSeconds: 60 },
      };
      expect(await c.perform(mend)).toEqual({ kind: 'accepted' });
      const mended = await c.job(key, 'suspended');
      expect([mended.uid, mended.altered]).toEqual([uid, undefined]);
      expect(await c.perform({ ...mend, uid: '00000000-0000-4000-8000-000000000000' })).toEqual({
        kind: 'already',
      });
    });

    it('reports the exit code of a failed Job', async () => {
      const { name: failing } = await c.watched('failing', { failing: true });
      const key = await c.startedJob(failing);
      const { failure } = await c.job(key, 'failed');
      expect(failure).toContain(String(EXIT_CODE));
    });

    it('says what a Job waits for of which no container starts, and withdraws it', async () => {
      const { name: stuck } = await c.watched('stuck', { stuck: true });
      const key = await c.startedJob(stuck);
      const found = () => c.effect(key);
      const waiting = await c.observe('the reason', () => (found()?.waitsFor ? found() : undefined));
      expect(waiting).toMatchObject({ state: 'running', containerStarted: false });
      expect(waiting.waitsFor).toMatch(/^no pod of it was made/);
      expect(c.jobsOn(stuck)).toEqual([waiting.name]);

      await c.accepted(
        () => c.effect(key),
        ({ name: jobName, uid, revision }): Effect => {
          const common = { key: `${key}/withdraw`, host: stuck, name: jobName, uid, revision };
          return { kind: 'withdraw-job', ...common };
        },
      );
      await c.fixture.eventually('the Job to leave', () => c.jobsOn(stuck).length === 0);
      expect(c.effect(key)).toMatchObject({ state: 'suspended' });
      expect(c.effect(key)?.containerStarted).not.toBe(true);
    });

    healthContract(() => c);
    strangersContract(() => c);

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

function reasonOfBlocked(outcome: Outcome): string {
  return outcome.kind === 'blocked' ? outcome.reason : `not blocked but ${outcome.kind}`;
}
