import { describe, expect, it } from 'vitest';
import { VersionedReader } from '../../../src/kube/versioned-reader.ts';

type Versioned = { readonly metadata: { readonly uid: string; readonly resourceVersion: string } };
const object = (resourceVersion: string, uid = 'u'): Versioned => ({ metadata: { uid, resourceVersion } });

function setUp(first: Versioned | undefined) {
  const server = { now: first, asked: 0, whole: 0, wentBack: 0 };
  const source = {
    version: async () => {
      server.asked += 1;
      return Promise.resolve(server.now?.metadata);
    },
    whole: async () => {
      server.whole += 1;
      await Promise.resolve();
      return server.now;
    },
  };
  const time = { now: 0 };
  const reader: VersionedReader<Versioned> = new VersionedReader(
    source,
    () => {
      server.wentBack += 1;
      reader.forgetAll();
    },
    () => time.now++,
  );
  return { server, reader, time };
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
    const reader: VersionedReader<Versioned> = new VersionedReader(
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

describe('reading an object that a watch follows', () => {
  async function followed() {
    const made = setUp(object('5'));
    const watch = { connection: 1 as number | undefined, shown: object('5') as Versioned | undefined };
    made.reader.follow({
      get connection() {
        return watch.connection;
      },
      version: () => watch.shown?.metadata,
    });
    await made.reader.read('p');
    /** Reads, and tells whether the server was asked. */
    const asks = async (): Promise<boolean> => {
      const before = made.server.asked;
      await made.reader.read('p');
      return made.server.asked > before;
    };
    return { ...made, watch, asks };
  }

  it('asks nobody while the watch shows no later version', async () => {
    const { asks, reader } = await followed();
    expect(await asks()).toBe(false);
    expect((await reader.read('p'))?.metadata.resourceVersion).toBe('5');
  });

  it('asks once the watch shows a later version, another object, or none', async () => {
    for (const shown of [object('6'), object('5', 'another'), undefined]) {
      const { asks, watch } = await followed();
      watch.shown = shown;
      expect(await asks()).toBe(true);
    }
  });

  it('counts the answer of an own write until the watch has caught up, and never an older version', async () => {
    const { asks, reader, server, watch } = await followed();
    server.now = object('7');
    reader.keep('p', object('7'));
    expect(await asks()).toBe(false);
    watch.shown = object('6');
    expect(await asks()).toBe(false);
    expect((await reader.read('p'))?.metadata.resourceVersion).toBe('7');
    watch.shown = object('8');
    expect(await asks()).toBe(true);
  });

  it('keeps an own write that ended while the object was read', async () => {
    const { reader, server, watch } = await followed();
    watch.shown = object('6');
    server.now = object('6');
    const reading = reader.read('p');
    await Promise.resolve();
    await Promise.resolve();
    reader.keep('p', object('7'));
    await reading;
    expect(reader.lastKnown('p')?.metadata.resourceVersion).toBe('7');
  });

  it('asks while the watch is down, and once after each break', async () => {
    const { asks, watch } = await followed();
    watch.connection = undefined;
    expect([await asks(), await asks()]).toEqual([true, true]);
    watch.connection = 2;
    expect([await asks(), await asks()]).toEqual([true, false]);
  });

  it('asks once after a write that failed, also when a read was under way then', async () => {
    const { asks, reader } = await followed();
    reader.doubt('p');
    expect([await asks(), await asks()]).toEqual([true, false]);
    const reading = reader.readNow('p');
    reader.doubt('p');
    await reading;
    expect([await asks(), await asks()]).toEqual([true, false]);
  });

  it('confirms a version without a request only when one has shown it since that time', async () => {
    const { reader, server, time } = await followed();
    const { metadata } = object('5');
    const before = server.asked;
    expect(await reader.isCurrent('p', metadata, 0)).toBe(true);
    expect(server.asked).toBe(before);
    server.now = object('6');
    expect(await reader.isCurrent('p', metadata, time.now)).toBe(false);
    expect(server.asked).toBe(before + 1);
    server.now = undefined;
    expect(await reader.isCurrent('p', metadata, time.now)).toBe(false);
  });
});
