import type { KubernetesObject } from '@kubernetes/client-node';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { PooledKubeConfig, type Answer, type Call, type Transport } from '../../../src/kube/client.ts';
import { SupervisedInformer } from '../../../src/kube/informer.ts';
import { eventually } from '../../support/eventually.ts';
import { refuseStream, scriptedServer } from '../support/scripted-server.ts';

const PATH = '/api/v1/nodes';

const object = (name: string, resourceVersion: string) => ({ metadata: { name, resourceVersion } });
const event = (type: string, ...of: Parameters<typeof object>) =>
  `${JSON.stringify({ type, object: object(...of) })}\n`;
const list = (resourceVersion: string, items: readonly object[], more?: string) =>
  JSON.stringify({ metadata: { resourceVersion, continue: more }, items });

type Run = {
  readonly informer: SupervisedInformer<KubernetesObject, string>;
  readonly lists: URLSearchParams[];
  readonly watches: URLSearchParams[];
  readonly warnings: string[];
};
const open: { close(): void }[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

/** An informer whose server returns these lists in their order, and these watches; then it is silent. */
async function run(
  answers: {
    readonly lists: readonly string[];
    readonly watches?: readonly (readonly (string | Buffer)[])[];
  },
  changed: () => void = () => undefined,
): Promise<Run> {
  const lists: URLSearchParams[] = [];
  const watches: URLSearchParams[] = [];
  const warnings: string[] = [];
  const server = await scriptedServer(({ searchParams }, response) => {
    if (searchParams.has('sendInitialEvents')) return refuseStream(response);
    const seen = searchParams.has('watch') ? watches : lists;
    seen.push(searchParams);
    if (seen === lists) return response.end(answers.lists[lists.length - 1]);
    const parts = answers.watches?.[watches.length - 1];
    response.writeHead(200).flushHeaders();
    if (!parts) return undefined;
    for (const part of parts) response.write(part);
    return response.end();
  });
  const informer = new SupervisedInformer<KubernetesObject, string>({
    config: server.client,
    path: PATH,
    project: ({ metadata }) => metadata?.name,
    changed,
    now: Date.now,
    log: { info: () => undefined, warn: (_fields, message) => void warnings.push(message) },
  });
  open.push(server, { close: () => informer.stop() });
  informer.start();
  informer.start();
  await informer.synced;
  return { informer, lists, watches, warnings };
}

describe('an informer', () => {
  it('lists in pages, and then watches with bookmarks, for minutes', async () => {
    const pages = [list('10', [object('a', '1')], 'more'), list('10', [object('b', '2')])];
    const { informer, lists, watches } = await run({ lists: pages });
    await eventually('the watch', () => watches.length > 0);
    expect([...informer.values()]).toEqual(['a', 'b']);
    expect(lists.map((query) => [query.get('limit'), query.get('continue')])).toEqual([
      ['500', null],
      ['500', 'more'],
    ]);
    expect(watches).toHaveLength(1); // it was started twice
    const query = Object.fromEntries(watches[0] ?? []);
    expect(query).toMatchObject({ watch: 'true', allowWatchBookmarks: 'true', resourceVersion: '10' });
    expect(Number(query['timeoutSeconds'])).toBeGreaterThanOrEqual(240);
    expect(Number(query['timeoutSeconds'])).toBeLessThanOrEqual(360);
  });

  it('continues from a bookmark', async () => {
    const { informer, lists, watches } = await run({
      lists: [list('10', [object('a', '1')])],
      watches: [[event('BOOKMARK', '', '25')]],
    });
    await eventually('another watch', () => watches.length === 2);
    expect(watches[1]?.get('resourceVersion')).toBe('25');
    expect(lists).toHaveLength(1);
    expect([...informer.values()]).toEqual(['a']);
  });

  it('reads events that arrive in pieces, and requests a truncated one again', async () => {
    const whole = Buffer.from(event('ADDED', 'hôte', '11') + event('ADDED', 'b', '12'));
    const cutOff = event('ADDED', 'c', '13').slice(0, 20);
    const middle = whole.indexOf('ô') + 1; // inside of a character
    const { informer, watches } = await run({
      lists: [list('10', [])],
      watches: [[whole.subarray(0, middle), whole.subarray(middle), cutOff]],
    });
    await eventually('another watch', () => watches.length === 2);
    expect([...informer.values()]).toEqual(['hôte', 'b']);
    expect(watches[1]?.get('resourceVersion')).toBe('12');
  });

  it('continues when a handler throws, and logs the error', async () => {
    const { informer, warnings } = await run(
      { lists: [list('10', [object('a', '1')])], watches: [[event('MODIFIED', 'b', '11')]] },
      () => {
        throw new Error('a mistake');
      },
    );
    await eventually('the event', () => informer.get('b'));
    expect(informer.get('a')).toBe('a');
    expect(warnings).toEqual(Array(2).fill('a handler of the informer failed'));
  });

  it('does not replace an object that is newer than the event', async () => {
    const { informer, watches } = await run({
      lists: [list('10', [object('a', '9')])],
      watches: [[event('MODIFIED', 'a', '12'), event('MODIFIED', 'a', '11'), event('DELETED', 'a', '11')]],
    });
    await eventually('another watch', () => watches.length === 2);
    expect(informer.revisionOf('a')).toBe('12');
  });

  describe('after a read of one object', () => {
    const held = (name: string, resourceVersion: string, uid: string) => ({
      metadata: { name, resourceVersion, uid },
    });

    it('does not store an object again that was found deleted, whatever a late watch delivers', async () => {
      const late = `${JSON.stringify({ type: 'MODIFIED', object: held('a', '12', 'uid-1') })}\n`;
      const next = `${JSON.stringify({ type: 'ADDED', object: held('b', '13', 'uid-2') })}\n`;
      const { informer, deliver } = await openWatch([held('a', '9', 'uid-1')]);
      await informer.refresh('a', async () => undefined);
      expect(informer.get('a')).toBeUndefined();
      deliver(late + next);
      await eventually('the later event', () => informer.get('b'));
      expect(informer.get('a')).toBeUndefined();
      deliver(`${JSON.stringify({ type: 'ADDED', object: held('a', '14', 'uid-3') })}\n`);
      await eventually('an object of the same name', () => informer.get('a'));
    });

    it('takes an older object for what it is, and lists again: the cluster was restored from a backup', async () => {
      const { informer, lists } = await openWatch([held('a', '900', 'uid-1'), held('gone', '901', 'uid-2')], {
        restored: list('40', [held('a', '20', 'uid-1')]),
      });
      await informer.refresh('a', async () => held('a', '20', 'uid-1'));
      expect(informer.revisionOf('a')).toBe('20');
      await eventually('the list', () => lists.length === 2 && informer.get('gone') === undefined);
    });

    it('lists again when it is asked to, and tells when the older list has replaced what was known', async () => {
      const { informer, lists } = await openWatch([held('a', '900', 'uid-1'), held('gone', '901', 'uid-2')], {
        restored: list('40', [held('a', '20', 'uid-1')]),
      });
      await informer.listAgain();
      expect([lists.length, informer.revisionOf('a'), informer.get('gone')]).toEqual([2, '20', undefined]);
    });

    it('is answered when the list fails, as for a namespace that is gone, and lists again later', async () => {
      const { informer, lists } = await openWatch([held('a', '900', 'uid-1')], { restored: 'no list' });
      expect(await informer.listAgain()).toMatch(/JSON/);
      await eventually('another list', () => lists.length > 2);
    });

    it('is answered when the informer is stopped', async () => {
      const { informer } = await openWatch([held('a', '900', 'uid-1')]);
      const again = informer.listAgain();
      informer.stop();
      expect(await again).toBeDefined();
      expect(await informer.listAgain()).toBe('it was stopped');
    });

    it('lists once more when it is asked during a list', async () => {
      const { informer, lists } = await openWatch([held('a', '900', 'uid-1')], {
        restored: list('40', [held('a', '20', 'uid-1')]),
      });
      const first = informer.listAgain();
      await eventually('the list', () => lists.length === 2);
      expect(await Promise.all([first, informer.listAgain()])).toEqual([undefined, undefined]);
      expect(lists.length).toBe(3);
    });

    it('lists again when it is asked as the check of a silent watch is answered', async () => {
      const { asked } = await onTransport(({ query = {} }, listAgain) => {
        if (query['watch']) return 'silence';
        if (query['limit'] === 1) listAgain();
        return list('1000', []);
      });
      await eventually('the check', () => asked.length > 0);
      expect(await asked[0]).toBeUndefined();
    });

    it('pauses after a failed list, also when somebody asks for the next one at once', async () => {
      let broken = false;
      let requests = 0;
      const { informer, warnings } = await onTransport(({ query = {} }) => {
        if (query['watch']) return 'silence';
        requests++;
        return broken ? 'no list' : list('1000', []);
      });
      broken = true;
      const before = requests;
      // Like the host operations, whose passes wait for a list.
      let failure: string | undefined;
      do failure = await informer.listAgain();
      while (failure !== undefined && requests < before + 20 && warnings.length < 2);
      expect(requests - before).toBeLessThan(6);
    });

    it('keeps what the watch delivered while the read was on its way', async () => {
      const { informer, deliver } = await openWatch([held('a', '9', 'uid-1')]);
      await informer.refresh('a', async () => {
        deliver(`${JSON.stringify({ type: 'MODIFIED', object: held('a', '12', 'uid-1') })}\n`);
        await eventually('the event', () => informer.revisionOf('a') === '12');
        return held('a', '11', 'uid-1');
      });
      expect(informer.revisionOf('a')).toBe('12');
    });
  });
});

type Scripted = (request: Call, listAgain: () => void) => string;

/** An informer without a network that has listed; the answer `silence` is a watch that brings nothing. */
async function onTransport(
  answer: Scripted,
): Promise<Pick<Run, 'informer' | 'warnings'> & { asked: Promise<unknown>[] }> {
  const asked: Promise<unknown>[] = [];
  const warnings: string[] = [];
  const transport: Transport = async (request, signal) => {
    const text = answer(request, () => asked.push(informer.listAgain()));
    const body = text === 'silence' ? silenceUntil(signal) : null;
    const json = async (): Promise<unknown> => JSON.parse(text) as unknown;
    return { ok: true, status: 200, headers: [], body, json, text: async () => text };
  };
  const informer: SupervisedInformer<KubernetesObject, string> = new SupervisedInformer({
    config: Object.assign(new PooledKubeConfig(), { transport, listsInPages: true }),
    path: PATH,
    idleLimitMs: 50,
    project: ({ metadata }) => metadata?.name,
    changed: () => undefined,
    now: Date.now,
    log: { info: () => undefined, warn: (_fields, message) => void warnings.push(message) },
  });
  open.push({ close: () => informer.stop() });
  informer.start();
  await informer.synced;
  return { informer, warnings, asked };
}

function silenceUntil(signal: AbortSignal | undefined): Answer['body'] {
  const cancel = async (): Promise<void> => undefined;
  const parts = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    if (signal && !signal.aborted) await once(signal, 'abort');
    signal?.throwIfAborted();
    yield new Uint8Array();
  };
  return Object.assign(parts(), { cancel });
}

/** An informer with an open watch; `restored` is the answer to its second list. */
async function openWatch(
  items: readonly object[],
  { restored = '' }: { readonly restored?: string } = {},
): Promise<Pick<Run, 'informer' | 'lists'> & { deliver: (text: string) => void }> {
  const lists: URLSearchParams[] = [];
  let watch: { write(text: string): void } | undefined;
  const server = await scriptedServer(({ searchParams }, response) => {
    if (searchParams.has('sendInitialEvents')) return refuseStream(response);
    if (!searchParams.has('watch')) {
      lists.push(searchParams);
      return response.end(lists.length === 1 ? list('1000', items) : restored);
    }
    response.writeHead(200).flushHeaders();
    watch = response;
    return undefined;
  });
  const informer = new SupervisedInformer<KubernetesObject, string>({
    config: server.client,
    path: PATH,
    project: ({ metadata }) => metadata?.name,
    changed: () => undefined,
    now: Date.now,
    log: { info: () => undefined, warn: () => undefined },
  });
  open.push(server, { close: () => informer.stop() });
  informer.start();
  await informer.synced;
  await eventually('the watch', () => watch !== undefined);
  return { informer, lists, deliver: (text) => watch?.write(text) };
}
