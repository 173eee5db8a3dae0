/** When downloads are fetched, how often, and what is known of them. */
import { expect, it } from 'vitest';
import { Downloads, type FetchFile } from '../../../src/controllers/session/downloads.ts';
import type { PassWithRun } from '../../../src/controllers/strategy/strategy-pass.ts';
import type { StoredDownload } from '../../../src/crds/observed/session-progress.ts';
import { session } from '../session/simple-session.ts';

const files = ['a', 'b'].map((name) => ({
  ...{ name, url: `https://downloads.example.com/${name}`, sha256: name.repeat(64) },
}));
const fetched = (text: string) => ({ kind: 'fetched', content: Buffer.from(text) }) as const;
const log = { info: () => undefined, warn: () => undefined };
const policy = { hosts: ['downloads.example.com'], maxBytes: 10 };

/** A session that waits for its downloads, and the service that fetches them into a cluster in memory. */
async function scene(fetchFile: FetchFile, given: { readonly allows?: boolean } = {}) {
  const cluster = new Map<string, StoredDownload>();
  let now = 0;
  const run = await session('firmware', { downloads: files });
  await run.until(() => run.reasons.join().includes('download a is fetched'));
  const { allows = true } = given;
  const actionPolicy = allows ? { downloads: policy } : {};
  // A cast: the service reads only these parts of a pass.
  const pass = {
    key: 'MaintenanceSession/careen-hosts/firmware',
    strategy: {
      kind: 'MaintenanceSession',
      metadata: { uid: 'u', name: 'firmware', namespace: 'careen-hosts' },
    },
    stored: { run: run.run, plan: run.plan },
    pool: { spec: { actionPolicy } },
  } as unknown as PassWithRun;
  const changed: string[] = [];
  const make = (): Downloads =>
    new Downloads(
      {
        ...{ log, clock: () => now, fetchFile },
        objects: {
          find: (_, { name }) => Promise.resolve(cluster.get(name)),
          store: (_, { name }, content) => {
            const stored = { name, sizeBytes: content.length, objects: [`object-${name}`] };
            cluster.set(name, stored);
            return Promise.resolve(stored);
          },
        },
      },
      (key) => changed.push(key),
    );
  const begin = async (downloads: Downloads): Promise<string[]> => {
    downloads.fetch(pass, run.run);
    await downloads.idle;
    return [...downloads.factsOf(pass)].map(([name, facts]) => `${name} ${facts.kind}`);
  };
  return { make, begin, changed, advance: (milliseconds: number) => (now += milliseconds) };
}

it('fetches each download once, one after another, also across processes', async () => {
  const asked: string[] = [];
  let atOnce = 0;
  const { make, begin, changed } = await scene(async ({ url }) => {
    asked.push(url);
    atOnce += 1;
    expect(atOnce).toBe(1);
    await Promise.resolve();
    atOnce -= 1;
    return fetched('abc');
  });
  const first = make();
  expect(await begin(first)).toEqual(['a stored', 'b stored']);
  expect(changed).toHaveLength(2);
  expect(await begin(first)).toEqual(['a stored', 'b stored']);
  expect(await begin(make())).toEqual(['a stored', 'b stored']);
  expect(asked).toEqual(files.map(({ url }) => url));
});

it('bounds the downloads of a session together', async () => {
  const bounds: number[] = [];
  const { make, begin } = await scene(({ maxBytes }) => {
    bounds.push(maxBytes);
    return Promise.resolve(fetched('seven b'));
  });
  await begin(make());
  expect(bounds).toEqual([10, 3]);
});

it('tries again later what may succeed, and never what cannot', async () => {
  let isFinal = false;
  let tries = 0;
  const { make, begin, advance } = await scene(() => {
    tries += 1;
    return Promise.resolve({ kind: 'failed', reason: 'no answer', isFinal });
  });
  const downloads = make();
  expect(await begin(downloads)).toEqual(['a later', 'b later']);
  await begin(downloads);
  expect(tries).toBe(2);
  advance(30_000);
  isFinal = true;
  expect(await begin(downloads)).toEqual(['a failed', 'b failed']);
  advance(300_000);
  await begin(downloads);
  expect(tries).toBe(4);
});

it('fetches nothing that the pool does not allow, and refuses every foreign address', async () => {
  let refusals: (string | undefined)[] = [];
  const { make, begin } = await scene(({ refusal }) => {
    refusals = [
      'https://downloads.example.com/x',
      'https://a.example.com/',
      'http://downloads.example.com/',
    ].map((address) => refusal(new URL(address)));
    return Promise.resolve(fetched(''));
  });
  await begin(make());
  expect(refusals).toEqual([
    undefined,
    'the pool does not allow the host a.example.com (actionPolicy.downloads.hosts)',
    'http is not allowed, only https',
  ]);
  const closed = await scene(() => Promise.reject(new Error('it was called')), { allows: false });
  expect(await closed.begin(closed.make())).toEqual(['a failed', 'b failed']);
});

it('ends with the process', async () => {
  const { make, begin } = await scene(
    async (_, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('ended')))),
  );
  const downloads = make();
  const begun = begin(downloads);
  await downloads.close();
  expect(await begun).toEqual([]);
});
