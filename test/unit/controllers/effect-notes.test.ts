import { expect, it } from 'vitest';
import { confirmedEffects, type EffectDeps } from '../../../src/controllers/strategy/perform-effects.ts';
import type { StrategyPass } from '../../../src/controllers/strategy/strategy-pass.ts';
import { SERVER_WORDS } from '../../../src/hostops/openstack/leaving/server-words.ts';
import type { CareenEvent } from '../../../src/telemetry/event-object.ts';

it('what a person must see to although an effect is accepted is an event of the strategy', async () => {
  const events: CareenEvent[] = [];
  const note = 'servers of compute-1: s1 did not start';
  const quiet = { info: () => undefined, warn: () => undefined };
  // Casts: only what is used here is there.
  const deps = {
    hosts: { perform: async () => ({ kind: 'accepted', note }) },
    ...{ clock: () => 0, log: quiet, metrics: { effectPerformed: () => undefined } },
    events: { record: (event: CareenEvent) => events.push(event) },
  } as unknown as EffectDeps;
  const attachment = {
    ...{ scope: {}, outcomes: { note: () => undefined }, view: () => ({ words: SERVER_WORDS }) },
  };
  const strategy = { kind: 'PatchStrategy', metadata: { namespace: 'n', name: 's', uid: 'u' } };
  const pass = { key: 'k', attachment, strategy } as unknown as StrategyPass;
  const release = { kind: 'release', key: 'k', host: 'compute-1', revision: '1', run: 'r' } as const;
  const fence = { owner: { kind: 'PatchStrategy', namespace: 'n', name: 's', uid: 'u' }, run: 'r', epoch: 1 };
  await confirmedEffects(deps, pass, [release], fence, new AbortController().signal);
  expect(events.map(({ reason, note: said }) => [reason, said])).toEqual([
    ['HostReleased', 'compute-1 was released'],
    ['InstancesNotStarted', note],
  ]);
});
