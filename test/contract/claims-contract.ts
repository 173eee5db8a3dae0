/** The part of the contract about the claims on hosts, and what they leave behind. */
import { expect, it } from 'vitest';
import type { Effect } from '../../src/engine/effect.ts';
import type { HostFacts } from '../../src/engine/view.ts';
import {
  EPOCH,
  keyOf,
  OTHER_RUN,
  reasonOfBlocked,
  RUN,
  type ContractCase,
  type ContractFeatures,
} from './contract-case.ts';

/** Adds its cases to the contract; `current` gives the running case. */
export function claimsContract(current: () => ContractCase, { signedLocks }: ContractFeatures): void {
  it('cordons a host that it claims, reports it, and claims it only once', async () => {
    const c = current();
    const before = await c.watched('claimed');
    c.reported.clear();
    const after = await c.claimed(before);
    expect(after.claim).toEqual(c.claimOf(before).claim);
    expect(after.revision).not.toBe(before.revision);
    expect(c.reported).toContain(before.name);
    expect(await c.perform(c.claimOf(before))).toEqual({ kind: 'already' });
  });

  it('does not touch a host that another run holds', async () => {
    const c = current();
    const held = await c.claimed(await c.watched('held'));
    const outcome = await c.perform(c.claimOf(held, OTHER_RUN), OTHER_RUN);
    expect(reasonOfBlocked(outcome)).toContain(c.fixture.owner.name);
    expect(await c.perform(c.releaseOf(held, OTHER_RUN), OTHER_RUN)).toEqual({ kind: 'already' });
    await c.confirm(held.name);
    expect(c.host(held.name)).toMatchObject({ claim: held.claim, closedToNewWork: true });
  });

  it('closes a host without taking it, takes it later by another claim, and opens it', async () => {
    const c = current();
    const before = await c.watched('closed');
    const closed = await c.claimed(before, { level: 'closed' });
    expect(c.view().fleet.claimedAway).not.toContain(closed.name);

    const taking = { stage: 1, closedToNewWorkBefore: false };
    const stale = c.claimOf(before);
    const early = { ...stale, claim: { ...stale.claim, ...taking } };
    expect(await c.perform(early)).not.toEqual({ kind: 'accepted' });
    const taken = await c.claimed(closed, taking);
    expect(taken.claim).toMatchObject({ level: 'away', stage: 1 });
    expect((await c.released(taken)).closedToNewWork).toBe(false);
  });

  it('restores a host: uncordoned when we cordoned it, still cordoned when others had', async () => {
    const c = current();
    const open = await c.claimed(await c.watched('open'));
    expect((await c.released(open)).closedToNewWork).toBe(false);
    expect(await c.perform(c.releaseOf(open))).toEqual({ kind: 'already' });

    const { name: cordoned } = await c.watched('cordoned');
    await c.fixture.close(cordoned);
    const taken = await c.claimed(await c.seen(cordoned, ({ closedToNewWork }) => closedToNewWork));
    expect((await c.released(taken)).closedToNewWork).toBe(true);
  });

  it('refuses as stale an effect that was decided before the host changed', async () => {
    const c = current();
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

  it('cordons a claimed host again that somebody uncordoned, and no other', async () => {
    const c = current();
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
    const c = current();
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
    const c = current();
    for (const [host, closedToNewWorkBefore, closedToNewWork] of [
      ['never-opened', true, true],
      ['nothing-known', undefined, true],
      ['seen-open', false, signedLocks],
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
    const c = current();
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
    const c = current();
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

  it('hands a run over: it refuses earlier decisions, and makes a claim that was in flight', async () => {
    const c = current();
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
    const c = current();
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
}

function recordonOf({ name, revision }: HostFacts, run = RUN): Effect {
  return { kind: 'recordon', key: keyOf(name, 'lock-hosts', 'recordon'), host: name, revision, run };
}
