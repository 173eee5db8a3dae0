/**
 * SIGKILL after a write that the API server has carried out and whose answer the
 * operator has not received. The operator is restarted, and ends the run as if
 * undisturbed. test/long/kill.test.ts has a kill for each class of write.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { WRITE_CLASSES, type Unlisted, type WriteClass } from '../support/audit/write-class.ts';
import type { Ending } from './disturbed-run.ts';
import { FaultScene } from './fault-scene.ts';
import {
  AT_TIMES,
  KILL_LEASE_SECONDS,
  OF_EACH_RUN,
  OF_MENDING,
  OF_TAKEOVERS,
  OF_WITHDRAWALS,
  ON_HOSTS,
} from './kill-points.ts';

vi.setConfig({ testTimeout: 150_000 });

let scene: FaultScene;
let undisturbed: Ending;
let writes: readonly (WriteClass | Unlisted)[];
beforeAll(async () => {
  scene = await FaultScene.start(KILL_LEASE_SECONDS);
  ({ writes, ...undisturbed } = await scene.reference());
});
afterAll(async () => scene.stop());

const count = (write: WriteClass): number => writes.filter((each) => each === write).length;

describe('an undisturbed run', () => {
  it('makes exactly the listed writes, so that each class has a kill', () => {
    expect(OF_EACH_RUN.filter((write) => count(write) === 0)).toEqual([]);
    // A pool is led as soon as it exists, before the run.
    const listed: readonly string[] = ['pool: lead', ...OF_EACH_RUN, ...AT_TIMES];
    // On a busy machine the hosts may be observed only after the pass that asks for their alarms.
    const known = [...listed, 'strategy: query-alarms'];
    expect(writes.filter((write) => !known.includes(write))).toEqual([]);
    const afterRestart = OF_TAKEOVERS.map(([, write]) => write);
    const killedAfter = [...listed, ...afterRestart, ...OF_WITHDRAWALS, OF_MENDING];
    const nowhere = WRITE_CLASSES.filter((write) => !killedAfter.includes(write));
    // These steps of such a run end within a pass; test/unit/controllers/remove-finished.test.ts interrupts a removal.
    expect(nowhere).toEqual(['strategy: query-alarms', 'strategy: system-stabilize', 'strategy: remove']);
  });

  it('evicts each pod, creates each Job and claims each host once', () => {
    expect(undisturbed.account).toEqual({ complaints: [], evictions: 3, jobs: 6, claims: 3 });
  });
});

describe('an operator that is killed after a write and restarted ends the run as if undisturbed:', () => {
  it.each(ON_HOSTS)('%s', async (write) => {
    const nth = Math.ceil(count(write) / 2);
    expect(await scene.run(async () => scene.killAfter({ write, nth }))).toEqual(undisturbed);
  });

  it.each(OF_TAKEOVERS)('%s, and after the restart %s', async (first, second) => {
    const ending = await scene.run(async () => {
      await scene.killAfter({ write: first });
      await scene.killAfter({ write: second });
    });
    expect(ending).toEqual(undisturbed);
  });
});
