/**
 * SIGKILL after a write that the API server has carried out and the operator
 * has not heard of; it is started again, and ends the run as if nothing had been.
 * One kill for each class of write; `make kill-all`: after each write there is,
 * heard of or not.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { WRITE_CLASSES, type Unlisted, type WriteClass } from '../support/audit/write-class.ts';
import type { Ending } from './disturbed-run.ts';
import { FaultScene } from './fault-scene.ts';

const EVERY_WRITE = process.env['CAREEN_KILL_ALL'] !== undefined;
const LEASE_SECONDS = 15;
vi.setConfig({ testTimeout: EVERY_WRITE ? 3_600_000 : 150_000 });

/** Those of a run that nothing disturbs; of each there are at least two, but for what happens once to a strategy. */
const OF_EACH_RUN = [
  'strategy: building',
  'strategy: ready-to-apply',
  'strategy: keep',
  'pool: grant permits',
  'strategy: applying',
  'host: claim',
  'strategy: migrate-instances-from-host',
  'pod: evict',
  'strategy: sw-patch-hosts',
  'Job: make',
  'strategy: record a Job',
  'Job: start',
  'strategy: unlock-hosts',
  'host: release',
  'strategy: lock-hosts',
  'pool: free permits',
  'strategy: applied',
] as const satisfies readonly WriteClass[];
/** Those that tell how it is going, or end a step of which the end of the next may be known, too. */
const AT_TIMES: readonly WriteClass[] = ['pool: show', 'strategy: tell', 'strategy: verify'];
/** Those that only a leader makes that has just begun, each with one after which there is cause for it. */
const OF_TAKEOVERS = [
  ['strategy: applying', 'pool: lead'],
  ['pool: grant permits', 'strategy: take over'],
  ['host: claim', 'host: claim again'],
  ['Job: make', 'Job: stamp'],
] as const satisfies readonly (readonly [WriteClass, WriteClass])[];

let scene: FaultScene;
let undisturbed: Ending;
let writes: readonly (WriteClass | Unlisted)[];
beforeAll(async () => {
  scene = await FaultScene.start(LEASE_SECONDS);
  ({ writes, ...undisturbed } = await scene.reference());
});
afterAll(async () => scene.stop());

const count = (write: WriteClass): number => writes.filter((each) => each === write).length;

describe('a run that nothing disturbs', () => {
  it('writes what is listed here, so that there is a kill for each class of it', () => {
    expect(OF_EACH_RUN.filter((write) => count(write) === 0)).toEqual([]);
    // A pool is led as soon as it is there, which is before the run.
    const listed: readonly string[] = ['pool: lead', ...OF_EACH_RUN, ...AT_TIMES];
    expect(writes.filter((write) => !listed.includes(write))).toEqual([]);
    const afterRestart = OF_TAKEOVERS.map(([, write]) => write);
    const killedAfter = [...listed, ...afterRestart];
    const nowhere = WRITE_CLASSES.filter((write) => !killedAfter.includes(write));
    // No step of such a run outlasts a pass, and nothing is aborted.
    expect(nowhere).toEqual(['strategy: query-alarms', 'strategy: system-stabilize', 'Job: remove']);
  });

  it('evicts each pod, makes each Job and claims each host once', () => {
    expect(undisturbed.account).toEqual({ complaints: [], evictions: 3, jobs: 6, claims: 3 });
  });
});

describe('an operator that is killed after a write and started again ends the run as if undisturbed:', () => {
  it.runIf(!EVERY_WRITE).each(OF_EACH_RUN)('%s', async (write) => {
    const nth = Math.ceil(count(write) / 2);
    expect(await scene.run(async () => scene.killAfter({ write, nth }))).toEqual(undisturbed);
  });

  it.runIf(EVERY_WRITE).each([...OF_EACH_RUN, ...AT_TIMES])('%s, each', async (write) => {
    for (let nth = 1; nth <= count(write); nth++) {
      for (const heard of [false, true]) {
        const { wasDisturbed, ...ending } = await scene.run(async () =>
          scene.killAfter({ write, nth, heard }),
        );
        const point = `number ${String(nth)} of ${String(count(write))}, ${heard ? 'heard of' : 'not heard of'}`;
        console.log(`${write}, ${point}: ${wasDisturbed ? 'killed' : 'not written this time'}`);
        expect({ ...ending, wasDisturbed: true }, point).toEqual(undisturbed);
      }
    }
  });

  it.each(OF_TAKEOVERS)('%s, and after the restart %s', async (first, second) => {
    const ending = await scene.run(async () => {
      await scene.killAfter({ write: first });
      await scene.killAfter({ write: second });
    });
    expect(ending).toEqual(undisturbed);
  });
});
