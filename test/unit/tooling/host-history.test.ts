import { describe, expect, it } from 'vitest';
import type { Change } from '../../simulation/world/api-server.ts';
import { HostHistory } from '../../simulation/host-history.ts';

const CLAIM = JSON.stringify({ run: 'r1', level: 'away', epoch: 1 });

function change(closed: boolean, claim?: string): Change {
  const annotations: Record<string, string> = claim === undefined ? {} : { 'careen.dev/claim': claim };
  const metadata = {
    name: 'a',
    uid: 'a',
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: '',
    annotations,
  };
  const object = { apiVersion: 'v1', kind: 'Node', metadata, spec: { unschedulable: closed } };
  return { revision: 1, resource: 'nodes', type: 'MODIFIED', object, before: object, by: 'somebody' };
}

/** A host that somebody cordoned, that was claimed, and that somebody uncordoned and cordoned again. */
function closedAgain(): HostHistory {
  const history = new HostHistory();
  history.node(0, change(true), false);
  history.node(1, change(true, CLAIM), true);
  history.node(2, change(false, CLAIM), false);
  history.node(3, change(true, CLAIM), false);
  return history;
}

describe('a host that was cordoned again, in the checker', () => {
  it('may stay cordoned when nobody saw it open', () => {
    const history = closedAgain();
    history.node(4, change(true), true);
    expect(history.now).toMatchObject({ closedByOthers: false, looksAsBefore: true });
    history.node(5, change(false), false);
    expect(history.now.looksAsBefore).toBe(false);
  });

  it('must be uncordoned when the strategy says that somebody uncordoned it', () => {
    const history = closedAgain();
    history.seenOpen(4);
    history.node(5, change(true), true);
    expect(history.now).toMatchObject({ closedByOthers: false, looksAsBefore: false });
  });

  it('must be uncordoned when it was open at its claim', () => {
    const history = new HostHistory();
    history.node(0, change(false), false);
    history.node(1, change(true, CLAIM), true);
    history.node(2, change(false, CLAIM), false);
    history.node(3, change(true, CLAIM), false);
    expect(history.now).toMatchObject({ closedByOthers: false, looksAsBefore: false });
  });
});

/** A host that somebody uncordoned, whose claim somebody removed, and that somebody cordoned so much later. */
function closedAfterLoss(openForMs: number, { isRecorded }: { readonly isRecorded: boolean }): HostHistory {
  const history = new HostHistory();
  history.node(0, change(false), false);
  history.node(1, change(true, CLAIM), true);
  history.node(2, change(false, CLAIM), false);
  if (isRecorded) history.seenOpen(3);
  history.node(4, change(false), false);
  history.node(4 + openForMs, change(true), false);
  return history;
}

describe('a host that was cordoned after its claim was lost, in the checker', () => {
  it('is that of somebody else, and looks ours only while nobody can have seen it open', () => {
    const { now } = closedAfterLoss(60_000, { isRecorded: false });
    expect(now).toMatchObject({ closedByOthers: true, looksOurs: true });
    expect(closedAfterLoss(160_000, { isRecorded: false }).now.looksOurs).toBe(false);
    expect(closedAfterLoss(60_000, { isRecorded: true }).now.looksOurs).toBe(false);
  });

  it('is not closed by somebody else any more once it was opened', () => {
    const history = closedAfterLoss(60_000, { isRecorded: false });
    history.node(60_005, change(false), true);
    history.node(60_006, change(true, CLAIM), true);
    expect(history.now).toMatchObject({ closedByOthers: false, looksOurs: false });
  });

  it('does not look ours any more when the strategy says later that it was uncordoned', () => {
    const history = closedAfterLoss(60_000, { isRecorded: false });
    history.seenOpen(60_005);
    expect(history.now.looksOurs).toBe(false);
  });
});
