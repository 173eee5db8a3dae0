/** After an edit the pool judges the new spec, never the actions of the run before. */
import { describe, expect, it } from 'vitest';
import { kernelPatch } from '../support/simulated-run.ts';
import { SmallCluster } from '../support/small-cluster.ts';

const OLD = 'registry.example.com/old:1';
const NEW = 'registry.example.com/new:1';

function patchRunning(image: string): object {
  return {
    ...kernelPatch,
    action: { job: { template: { spec: { containers: [{ name: 'apply', image }] } } } },
  };
}

/** A strategy in a pool that admits these images; its reboot runs `patch:1`. */
function strategyIn(...images: string[]): SmallCluster {
  const cluster = new SmallCluster(['w-1']);
  cluster.editPool({ actionPolicy: { images } });
  cluster.placeStrategy({ mode: 'Hold' });
  return cluster;
}

function run(cluster: SmallCluster, image: string): void {
  cluster.editSpec({ patches: [patchRunning(image)] });
}

/** The states and messages of the passes from now until nothing changes. */
async function statesFromNow(cluster: SmallCluster): Promise<string[]> {
  const seen: string[] = [];
  for (let tries = 0; tries < 5; tries++) {
    await cluster.pass();
    seen.push(`${cluster.status.state ?? ''}: ${cluster.status.message ?? ''}`);
    cluster.world.advanceTo(cluster.world.now + 1_000);
  }
  return seen;
}

describe('an edit to an image that the pool does not admit', () => {
  it('is refused by its build, and never shown as ready', async () => {
    const cluster = strategyIn(OLD, 'patch:1');
    run(cluster, OLD);
    await cluster.until('the plan', () => cluster.status.state === 'ready-to-apply');
    run(cluster, NEW);
    const seen = await statesFromNow(cluster);
    expect(seen.filter((each) => !each.startsWith('build-failed: '))).toEqual([]);
    for (const each of seen) expect(each).toContain(`image is "${NEW}"`);
  });
});

describe('an image that the spec no longer names', () => {
  it.each(['Hold', 'Run'])('is no reason against the new spec in %s', async (mode) => {
    const cluster = strategyIn(OLD, NEW, 'patch:1');
    run(cluster, OLD);
    await cluster.until('the plan', () => cluster.status.state === 'ready-to-apply');
    cluster.editPool({ actionPolicy: { images: [NEW, 'patch:1'] } });
    run(cluster, NEW);
    cluster.editSpec({ execution: { mode } });
    const seen = await statesFromNow(cluster);
    expect(seen.filter((each) => each.includes(OLD))).toEqual([]);
    expect(seen.filter((each) => each.startsWith('build-failed'))).toEqual([]);
  });

  it('is no reason while the hosts of the run before are finished', async () => {
    const cluster = strategyIn(OLD, NEW, 'patch:1');
    run(cluster, OLD);
    cluster.editSpec({ execution: { mode: 'Run' } });
    await cluster.until('the work', () => cluster.status.state === 'applying');
    cluster.editPool({ actionPolicy: { images: [NEW, 'patch:1'] } });
    run(cluster, NEW);
    const seen: string[] = [];
    await cluster.until('the end', () => {
      seen.push(cluster.status.message ?? '');
      return cluster.status.state === 'applied';
    });
    expect(seen.filter((each) => each.includes('actionPolicy'))).toEqual([]);
  });
});
