import { pino } from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import { KindsGate } from '../../../src/controllers/runtime/kinds-gate.ts';
import { OutdatedKindError, type OutdatedKinds } from '../../../src/resources/outdated-kind-error.ts';

const { signal } = new AbortController();
const OUTDATED: OutdatedKinds = { message: 'the CRD is old', plurals: ['hostpools'] };

let kinds: { outdated: OutdatedKinds | undefined; changed: () => void };
let logged: string[];
let said: [string, OutdatedKinds][];
let passes: number;
let gate: KindsGate;
let now: number;
beforeEach(() => {
  kinds = { outdated: undefined, changed: () => undefined };
  [logged, said, passes, now] = [[], [], 0, 1_000];
  const log = pino({ base: null }, { write: (line) => logged.push(line) });
  gate = new KindsGate({ kinds, log, clock: () => now });
});

/** One pass over `a`, which does this. */
async function pass(does: () => void = () => undefined): Promise<object> {
  const reconcile = async (): Promise<object> => {
    passes++;
    does();
    return Promise.resolve({ requeueAt: 5 });
  };
  const suspend = async (key: string, why: OutdatedKinds): Promise<void> => void said.push([key, why]);
  return gate.guard('strategy', reconcile, suspend)('a', signal);
}

describe('a pass', () => {
  it('is made while the CRDs are right', async () => {
    expect(await pass()).toEqual({ requeueAt: 5 });
    expect(gate.isClosed).toBe(false);
  });

  it('is not made while they are outdated; the object and the log say so once', async () => {
    kinds.outdated = OUTDATED;
    expect([await pass(), await pass()]).toEqual([{}, {}]);
    expect([passes, gate.isClosed, logged.length]).toEqual([0, true, 1]);
    expect(said[0]).toEqual(['a', OUTDATED]);

    kinds.outdated = undefined;
    await pass();
    expect([passes, gate.isClosed]).toEqual([1, false]);
  });

  it('that could not store all is tried again later, until it can', async () => {
    const refused = await pass(() => {
      throw new OutdatedKindError('HostPool p', 'hostpools', ['status.epoch']);
    });
    expect(refused).toEqual({ requeueAt: 11_000 });
    expect(said).toEqual([
      ['a', { message: expect.stringContaining('status.epoch') as string, plurals: ['hostpools'] }],
    ]);
    expect(gate.isClosed).toBe(true);
    now = 10_999;
    expect(await pass()).toEqual({ requeueAt: 11_000 });
    expect([passes, gate.isClosed]).toEqual([1, true]);
    now = 11_000;
    await pass();
    expect([passes, gate.isClosed]).toEqual([2, false]);
  });

  it('that fails otherwise fails', async () => {
    const failing = pass(() => {
      throw new Error('another');
    });
    await expect(failing).rejects.toThrow('another');
    expect(said).toEqual([]);
  });
});
