/** The first list of an informer as a stream, and what it does where there is none. */
import type { ServerResponse } from 'node:http';
import type { KubernetesObject } from '@kubernetes/client-node';
import { afterEach, describe, expect, it } from 'vitest';
import type { PooledKubeConfig } from '../../../src/kube/client.ts';
import { SupervisedInformer, type InformerOptions } from '../../../src/kube/informer.ts';
import { projections } from '../../../src/kube/streamed-list.ts';
import { eventually } from '../../support/eventually.ts';
import { refuseStream, scriptedServer } from '../support/scripted-server.ts';

type Options = InformerOptions<KubernetesObject, string>;

const line = (type: string, metadata: object) => `${JSON.stringify({ type, object: { metadata } })}\n`;
const event = (type: string, name: string, resourceVersion: string) => line(type, { name, resourceVersion });
const endOfList = (resourceVersion: string) =>
  line('BOOKMARK', { resourceVersion, annotations: { 'k8s.io/initial-events-end': 'true' } });
const page = (resourceVersion: string, ...names: readonly string[]) =>
  JSON.stringify({
    metadata: { resourceVersion },
    items: names.map((name) => ({ metadata: { name, uid: name, resourceVersion: '1' } })),
  });

const open: { close(): void }[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

/** A server whose streams are answered in their order, and whose pages have `a` and `b`, at revision 10. */
class Server {
  readonly requests: { readonly kind: 'stream' | 'list' | 'watch'; readonly query: URLSearchParams }[] = [];
  readonly accepted: (string | undefined)[] = [];
  readonly warnings: string[] = [];
  readonly #streams: ServerResponse[] = [];
  client!: PooledKubeConfig;

  static async start(
    stream: (response: ServerResponse) => void = (each) => each.flushHeaders(),
  ): Promise<Server> {
    const server = new Server();
    const scripted = await scriptedServer(({ searchParams: query }, response) => {
      const kind = query.has('sendInitialEvents') ? 'stream' : query.has('watch') ? 'watch' : 'list';
      server.requests.push({ kind, query });
      server.accepted.push(response.req.headers.accept);
      if (kind === 'list') return response.end(page('10', 'a', 'b'));
      if (kind === 'watch') return response.flushHeaders();
      server.#streams.push(response);
      return stream(response);
    });
    server.client = scripted.client;
    open.push(scripted);
    return server;
  }

  get kinds(): string[] {
    return this.requests.map(({ kind }) => kind);
  }

  inform(options: Partial<Options> = {}): SupervisedInformer<KubernetesObject, string> {
    const informer = new SupervisedInformer<KubernetesObject, string>({
      config: this.client,
      path: '/api/v1/nodes',
      project: ({ metadata }) => metadata?.name,
      changed: () => undefined,
      now: Date.now,
      log: { info: () => undefined, warn: (_fields, message) => void this.warnings.push(message) },
      ...options,
    });
    open.push({ close: () => informer.stop() });
    informer.start();
    return informer;
  }

  /** The latest stream. */
  async stream(): Promise<ServerResponse> {
    return eventually('a stream', () => this.#streams.at(-1));
  }

  async asked(count: number): Promise<void> {
    await eventually(`${String(count)} requests`, () => this.requests.length >= count);
  }
}

describe('a first list as a stream', () => {
  it('is asked for as of now, and the watch is the rest of the same answer', async () => {
    const server = await Server.start();
    let connections = 0;
    const informer = server.inform({ connected: () => (connections += 1) });
    const stream = await server.stream();
    stream.write(event('ADDED', 'a', '7') + event('ADDED', 'b', '5'));
    await eventually('the objects', () => informer.get('b'));
    expect([informer.isSynced, informer.connectedAt(1), connections]).toEqual([false, undefined, 0]);
    stream.write(endOfList('9'));
    await informer.synced;
    await eventually('the watch is up', () => connections === 1);
    stream.write(event('MODIFIED', 'a', '10') + event('DELETED', 'b', '11'));
    await eventually('the changes', () => informer.get('b') === undefined);
    expect(informer.revisionOf('a')).toBe('10');
    stream.end();
    await server.asked(2);
    expect(server.kinds).toEqual(['stream', 'watch']);
    const [first, second] = server.requests.map(({ query }) => query);
    expect(Object.fromEntries(first ?? [])).toMatchObject({
      ...{ watch: 'true', sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' },
      allowWatchBookmarks: 'true',
    });
    expect([first?.has('resourceVersion'), second?.get('resourceVersion')]).toEqual([false, '11']);
  });

  it('is whole without what was deleted while it came, and with what was written meanwhile', async () => {
    const server = await Server.start();
    const informer = server.inform();
    const stream = await server.stream();
    stream.write(event('ADDED', 'a', '1') + event('ADDED', 'b', '2') + event('DELETED', 'a', '8'));
    await eventually('the objects', () => informer.get('b'));
    informer.upsert({ metadata: { name: 'b', resourceVersion: '12' } });
    stream.write(event('MODIFIED', 'b', '8') + endOfList('9'));
    await informer.synced;
    expect([[...informer.values()], informer.revisionOf('b')]).toEqual([['b'], '12']);
  });

  it('that is asked for again begins anew, and answers all who asked', async () => {
    const server = await Server.start();
    const informer = server.inform();
    (await server.stream()).write(event('ADDED', 'a', '1'));
    await eventually('the object', () => informer.get('a'));
    const first = informer.listAgain();
    await server.asked(2);
    const both = [first, informer.listAgain()];
    await server.asked(3);
    (await server.stream()).write(event('ADDED', 'b', '2') + endOfList('9'));
    expect(await Promise.all(both)).toEqual([undefined, undefined]);
    expect([[...informer.values()], server.warnings]).toEqual([['b'], []]);
  });
});

describe('a list is read in pages', () => {
  it('where the server refuses streams, which no other informer asks for then', async () => {
    const server = await Server.start(refuseStream);
    const informer = server.inform();
    expect(await informer.firstAnswer).toBeUndefined(); // it is no failure
    await server.asked(3);
    const second = server.inform();
    await second.synced;
    await server.asked(5);
    expect(server.kinds).toEqual(['stream', 'list', 'watch', 'list', 'watch']);
    expect([[...informer.values()], server.warnings]).toEqual([['a', 'b'], []]);
  });

  it.each([
    ['breaks', (stream: ServerResponse) => stream.destroy()],
    ['ends', (stream: ServerResponse) => stream.end()],
    ['falls silent', () => undefined],
  ])('after a stream that %s in its middle, of which nothing else is left', async (_, happen) => {
    const server = await Server.start();
    const informer = server.inform({ idleLimitMs: 1_000 });
    const stream = await server.stream();
    stream.write(event('ADDED', 'gone', '3'));
    await eventually('the object', () => informer.get('gone'));
    happen(stream);
    await informer.synced;
    expect([...informer.values()]).toEqual(['a', 'b']);
    expect(server.kinds.slice(0, 2)).toEqual(['stream', 'list']);
    expect(server.warnings[0]).toBe('watch failed, listing again');
    expect(server.client.listsInPages).toBeUndefined();
  });

  it('whose watch shall bring less of the objects than the list', async () => {
    const server = await Server.start();
    await server.inform({ changesAs: 'metadata' }).synced;
    expect(server.kinds[0]).toBe('list');
  });

  it('once a revision is known: an earlier one then shows that the cluster was restored from a backup', async () => {
    const server = await Server.start();
    const informer = server.inform();
    const stream = await server.stream();
    stream.write(event('ADDED', 'a', '900') + endOfList('950'));
    await informer.synced;
    stream.write(`${JSON.stringify({ type: 'ERROR', object: { code: 410 } })}\n`);
    await eventually('the list', () => informer.get('b'));
    expect([server.kinds[1], informer.revisionOf('a')]).toEqual(['list', '1']);
  });
});

describe('the projections of all objects', () => {
  const { signal } = new AbortController();
  const named = (name: string) => ({ name, uid: name, resourceVersion: '1' });
  const read = async (server: Server): Promise<(string | undefined)[]> =>
    projections(server.client, '/api/v1/nodes', ({ metadata }) => metadata?.name, signal);

  it('come from a stream, which ends with the list', async () => {
    const server = await Server.start((stream) => {
      const [a, b] = [named('a'), named('b')];
      const events = [line('ADDED', a), line('ADDED', b), line('MODIFIED', b), line('DELETED', a)];
      stream.write(events.join('') + endOfList('9'));
    });
    expect(await read(server)).toEqual(['b']);
    const stream = await server.stream();
    // A silent watch would end, too, but not so soon.
    await eventually('the end of the request', () => stream.destroyed, { seconds: 5 });
    expect(server.kinds).toEqual(['stream']);
  });

  it.each([
    ['is refused', refuseStream, ['stream', 'list', 'list']],
    [
      'breaks in its middle',
      (stream: ServerResponse): void => void stream.write(line('ADDED', named('x')), () => stream.destroy()),
      ['stream', 'list', 'stream', 'list'],
    ],
  ])('come from pages when the stream %s', async (_, stream, requests) => {
    const server = await Server.start(stream);
    expect(await read(server)).toEqual(['a', 'b']);
    expect(await read(server)).toEqual(['a', 'b']);
    expect(server.kinds).toEqual(requests);
  });
});

it('lists and watches leave out who wrote which field', async () => {
  const server = await Server.start(refuseStream);
  server.inform();
  await server.asked(3);
  server.inform({ listAs: 'metadata', changesAs: 'metadata' });
  await server.asked(5);
  expect(server.accepted.map((each = '') => each.endsWith(';drop=metadata.managedFields'))).toEqual(
    Array(5).fill(true),
  );
  expect(server.accepted[3]).toMatch(/^application\/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1;/);
});
