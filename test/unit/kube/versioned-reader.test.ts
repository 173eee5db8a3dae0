import { describe, expect, it } from 'vitest';
import { VersionedReader } from '../../../src/kube/versioned-reader.ts';

const object = (resourceVersion: string, uid = 'u') => ({ metadata: { uid, resourceVersion } });

function setUp(first: ReturnType<typeof object> | undefined) {
  const server = { now: first, whole: 0, wentBack: 0 };
  const source = {
    version: async () => server.now?.metadata,
    whole: async () => {
      server.whole += 1;
      await Promise.resolve();
      return server.now;
    },
  };
  const reader = new VersionedReader(source, () => {
    server.wentBack += 1;
  });
  return { server, reader };
}

describe('reading an object', () => {
  it('fetches the whole object only when its version is unknown', async () => {
    const { server, reader } = setUp(object('1'));
    await reader.read('p');
    await reader.read('p');
    expect(server.whole).toBe(1);
    server.now = object('2');
    expect(await reader.read('p')).toBe(server.now);
    expect(server.whole).toBe(2);
  });

  it('is never older than the call: a recreated object differs, whatever its version', async () => {
    const { server, reader } = setUp(object('1'));
    await reader.read('p');
    server.now = object('1', 'another');
    expect(await reader.read('p')).toBe(server.now);
    server.now = undefined;
    expect(await reader.read('p')).toBeUndefined();
  });

  it('knows the result of an own write, until it is forgotten', async () => {
    const { server, reader } = setUp(object('1'));
    const written = object('2');
    server.now = written;
    reader.keep('p', written);
    expect(await reader.read('p')).toBe(written);
    expect(server.whole).toBe(0);
    reader.forget('p');
    await reader.read('p');
    expect(server.whole).toBe(1);
  });

  it('does not take an own write during the read for a restored cluster', async () => {
    const written = object('61');
    let wentBack = 0;
    const reader = new VersionedReader(
      {
        // The answer is on its way while a write of ours has its own.
        version: async () => {
          const answer = object('60').metadata;
          reader.keep('p', written);
          return Promise.resolve(answer);
        },
        whole: async () => Promise.resolve(written),
      },
      () => (wentBack += 1),
    );
    reader.keep('p', object('60'));
    expect(await reader.read('p')).toBe(written);
    expect(wentBack).toBe(0);
  });

  it('trusts no version any more once one went back: the cluster was restored from a backup', async () => {
    const { server, reader } = setUp(object('50'));
    await reader.read('p');
    server.now = object('60');
    await reader.read('q');
    expect(server.wentBack).toBe(0);
    server.now = object('40');
    await reader.read('p');
    expect(server.wentBack).toBe(1);
    server.now = { ...object('60') };
    expect(await reader.read('q')).toBe(server.now);
  });

  it('happens once for concurrent calls', async () => {
    const { server, reader } = setUp(object('1'));
    const read = await Promise.all([reader.read('p'), reader.read('p'), reader.read('p')]);
    expect(read.map((each) => each?.metadata.resourceVersion)).toEqual(['1', '1', '1']);
    expect(server.whole).toBe(1);
  });
});
