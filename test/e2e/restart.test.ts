import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { Cluster, closed } from './cluster.ts';
import { expectGivenBack } from './given-back.ts';

/** `CAREEN_RESTARTS=10 make test SUITE=e2e` repeats the test, each time on a fleet of its own. */
const REPEATS = Number(process.env['CAREEN_RESTARTS'] ?? '1');
/** Effects after which the operator is killed: between the first and the last of them in each stage. */
const KILL_AFTER = ['claim', 'create-job', 'start-job', 'release'];

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(async () => cluster.stop());

it.each(Array.from({ length: REPEATS }, (_, i) => i))(
  'a strategy survives SIGKILL between its effects, run %i: nothing is lost, done twice or over the limit',
  async (repeat) => {
    const fleet = await cluster.fleet(`crash-${String(repeat)}`, 4, 2);
    const bootIds = new Map<string, Set<string>>();
    const made = new Map<string, string>();
    let mostClosed = 0;
    const look = async (): Promise<void> => {
      const nodes = await fleet.nodes();
      mostClosed = Math.max(mostClosed, closed(nodes).length);
      for (const { metadata, status } of nodes) {
        const seen = bootIds.get(metadata?.name ?? '') ?? new Set();
        bootIds.set(metadata?.name ?? '', seen.add(status?.nodeInfo?.bootID ?? ''));
      }
      for (const { metadata, spec } of await fleet.jobs())
        made.set(
          metadata?.uid ?? '',
          `${spec?.template.spec?.nodeName ?? ''} ${metadata?.labels?.['careen.dev/action'] ?? ''}`,
        );
    };
    await fleet.apply({ workerApplyType: 'parallel', maxParallelWorkerHosts: 2, execution: { mode: 'Run' } });

    for (const effect of KILL_AFTER) {
      await eventually(`the operator performs ${effect}`, async () => {
        await look();
        const accepted = cluster.operator.lines.some(
          (line) => line.includes(`"effect":"${effect}"`) && line.includes('"outcome":"accepted"'),
        );
        return accepted || (await fleet.status()).state === 'applied';
      });
      await cluster.crashOperator();
    }
    await eventually(
      'the end',
      async () => {
        await look();
        return (await fleet.status()).state === 'applied';
      },
      { seconds: 60, describe: () => cluster.operator.lines.slice(-10) },
    );

    expect(mostClosed).toBeLessThanOrEqual(2);
    const nodes = await fleet.nodes();
    expect(nodes.map(({ status }) => status?.nodeInfo?.kernelVersion)).toEqual(Array(4).fill('6.12.48'));
    expect(
      [...bootIds.values()].map(({ size }) => size),
      'each host rebooted once',
    ).toEqual(Array(4).fill(2));
    // Those that have succeeded are removed after their stage; none was missed by a look, or made twice.
    expect([...made.values()].sort()).toEqual(
      fleet.hosts.flatMap((host) => [`${host} kernel-6.12.48`, `${host} reboot`]).sort(),
    );
    await eventually('no Job is left', async () => (await fleet.jobs()).length === 0);
    await expectGivenBack(fleet);
  },
  120_000,
);
