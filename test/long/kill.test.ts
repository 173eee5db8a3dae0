/**
 * The kills of test/integration/kill.test.ts after a write of each class of a
 * run, those that `make test` has apart; `make kill-all`: after each write there
 * is, heard of or not.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Ending } from '../integration/disturbed-run.ts';
import { FaultScene } from '../integration/fault-scene.ts';
import { AT_TIMES, KILL_LEASE_SECONDS, OF_EACH_RUN, ON_HOSTS } from '../integration/kill-points.ts';
import type { Unlisted, WriteClass } from '../support/audit/write-class.ts';

const EVERY_WRITE = process.env['CAREEN_KILL_ALL'] !== undefined;
vi.setConfig({ testTimeout: EVERY_WRITE ? 3_600_000 : 150_000 });

let scene: FaultScene;
let undisturbed: Ending;
let writes: readonly (WriteClass | Unlisted)[];
beforeAll(async () => {
  scene = await FaultScene.start(KILL_LEASE_SECONDS);
  ({ writes, ...undisturbed } = await scene.reference());
});
afterAll(async () => scene.stop());

const count = (write: WriteClass): number => writes.filter((each) => each === write).length;
const others = OF_EACH_RUN.filter((write) => !ON_HOSTS.some((each) => each === write));

describe('an operator that is killed after a write and started again ends the run as if undisturbed:', () => {
  it.each(EVERY_WRITE ? [] : others)('%s', async (write) => {
    expect(count(write)).toBeGreaterThan(0);
    const nth = Math.ceil(count(write) / 2);
    expect(await scene.run(async () => scene.killAfter({ write, nth }))).toEqual(undisturbed);
  });

  it.each(EVERY_WRITE ? [...OF_EACH_RUN, ...AT_TIMES] : [])('%s, each', async (write) => {
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
});
