/** Every placement of a request has an answer, or an event that says that its id was answered already. */
import { describe, expect, it } from 'vitest';
import { SmallCluster } from '../support/small-cluster.ts';

const FIRST = { id: 'q-1', verb: 'retry' };
const SECOND = { id: 'q-2', verb: 'retry' };

function requestEvents({ events }: SmallCluster): string[] {
  return events.filter((event) => event.startsWith('Request'));
}

function repeats(cluster: SmallCluster): string[] {
  return requestEvents(cluster).filter((event) => event.startsWith('RequestRepeated'));
}

function answered({ status }: SmallCluster, id: string): boolean {
  return status.requests?.some((each) => each.id === id && each.answer !== 'waiting') === true;
}

async function passes(cluster: SmallCluster): Promise<void> {
  for (let more = 0; more < 5; more++) await cluster.pass();
}

function abort(cluster: SmallCluster, value: string): void {
  cluster.edit(({ metadata, ...object }) => ({
    ...object,
    metadata: { ...metadata, annotations: { ...metadata.annotations, 'careen.dev/abort': value } },
  }));
}

/** A strategy in Hold that has answered the request q-1. */
async function withAnswer(): Promise<SmallCluster> {
  const cluster = new SmallCluster(['w-1']);
  cluster.placeStrategy({ mode: 'Hold' });
  await cluster.until('a plan', () => cluster.status.state === 'ready-to-apply');
  cluster.request(FIRST);
  await cluster.until('an answer', () => answered(cluster, 'q-1'));
  return cluster;
}

describe('an answered request', () => {
  it('that still stands is said nothing about, over any number of passes and operators', async () => {
    const cluster = await withAnswer();
    await passes(cluster);
    cluster.restartOperator();
    await passes(cluster);
    expect(requestEvents(cluster)).toEqual([
      'RequestRefused: retry q-1: only a failed run can be restarted; this one is ready-to-apply',
    ]);
  });

  it.each<[string, (cluster: SmallCluster) => Promise<void> | void]>([
    [
      'after another one',
      async (cluster) => {
        cluster.request(SECOND);
        await cluster.until('an answer', () => answered(cluster, 'q-2'));
        cluster.request(FIRST);
      },
    ],
    [
      'after it was removed',
      async (cluster) => {
        cluster.request(undefined);
        await passes(cluster);
        cluster.request(FIRST);
      },
    ],
    ['with another verb', (cluster) => cluster.request({ id: 'q-1', verb: 'apply-all' })],
    ['with a verb that there is not', (cluster) => cluster.request({ id: 'q-1', verb: 'reboot-all' })],
  ])('that is placed again %s is reported once, and does nothing', async (_, place) => {
    const cluster = await withAnswer();
    await place(cluster);
    await passes(cluster);
    cluster.restartOperator();
    await passes(cluster);
    expect(repeats(cluster)).toEqual([
      expect.stringMatching(
        /^RequestRepeated: id q-1 was answered already \(retry, refused at .*: only a failed run .*\); place it again with another id$/,
      ),
    ]);
    expect(cluster.status.state).toBe('ready-to-apply');
    expect(cluster.status.requests?.filter(({ id }) => id === 'q-1')).toHaveLength(1);
  });

  it('that is placed again twice is reported twice', async () => {
    const cluster = await withAnswer();
    for (const verb of ['apply-all', 'retry']) {
      cluster.request({ id: 'q-1', verb });
      await passes(cluster);
    }
    expect(repeats(cluster)).toHaveLength(2);
  });

  it('that an earlier version has recorded is said nothing about while it stands', async () => {
    const cluster = await withAnswer();
    cluster.edit(({ status, ...object }) => {
      const requests = cluster.status.requests?.map(({ placed: _, ...each }) => each) ?? [];
      return { ...object, status: { ...status, requests } };
    });
    await passes(cluster);
    expect(repeats(cluster)).toEqual([]);
    cluster.request({ id: 'q-1', verb: 'apply-all' });
    await passes(cluster);
    expect(repeats(cluster)).toHaveLength(1);
  });
});

it('an answered id of an abort that is placed again is reported, for a stage, too', async () => {
  const cluster = await withAnswer();
  abort(cluster, 'b-1');
  await passes(cluster);
  abort(cluster, 'b-1/0');
  await passes(cluster);
  expect(repeats(cluster)).toEqual([expect.stringContaining('id b-1 was answered already (abort, refused')]);
});

it('a request while there is no plan has an answer and an event', async () => {
  const cluster = new SmallCluster([]);
  cluster.placeStrategy({ mode: 'Hold' });
  await cluster.until('no plan', () => cluster.status.state === 'build-failed');
  cluster.request(FIRST);
  await cluster.until('an answer', () => answered(cluster, 'q-1'));
  cluster.request({ ...FIRST, verb: 'resume' });
  await passes(cluster);
  expect(requestEvents(cluster)).toEqual([
    expect.stringMatching(/^RequestRefused: retry q-1: there is no plan/),
    expect.stringMatching(/^RequestRepeated: id q-1 was answered already/),
  ]);
});

it('a request that waits in Suspend is refused after an edit, also when the plan was built anew meanwhile', async () => {
  const cluster = await withAnswer();
  cluster.editSpec({ execution: { mode: 'Suspend' } });
  cluster.request({ id: 'q-2', verb: 'apply-all' });
  await cluster.until('a waiting request', () => cluster.status.requests?.at(-1)?.answer === 'waiting');
  const { id } = cluster.status.run ?? {};
  cluster.editSpec({ maxParallelWorkerHosts: 3 });
  await cluster.until('another plan', () => cluster.status.run !== undefined && cluster.status.run.id !== id);
  await passes(cluster);
  expect(cluster.status.requests?.at(-1)).toMatchObject({
    id: 'q-2',
    answer: 'refused',
    message: expect.stringMatching(/^the spec was edited after this was placed/) as string,
  });
});
