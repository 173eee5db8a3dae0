/** The size of every value that etcd stores, from a watch of etcd itself through its HTTP gateway. */
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { Agent, request } from 'undici';
import { z } from 'zod';

const message = z.object({
  result: z.object({
    events: z
      .array(
        z.object({
          type: z.string().optional(),
          kv: z.object({ key: z.string(), mod_revision: z.string(), value: z.string().default('') }),
        }),
      )
      .default([]),
  }),
});

export type Stored = { readonly revision: string; readonly key: string; readonly bytes: number };

export class EtcdWrites {
  readonly #stored: Stored[] = [];
  readonly #agent = new Agent({ bodyTimeout: 0 });
  #hasEnded = false;

  /** Begins to watch the etcd with this process id. */
  static async start(pid: number): Promise<EtcdWrites> {
    const commandLine = await readFile(`/proc/${String(pid)}/cmdline`, 'utf8');
    const url = /--listen-client-url=([^\0]+)/.exec(commandLine)?.[1];
    if (url === undefined) throw new Error(`process ${String(pid)} is no etcd with a --listen-client-url`);
    const writes = new EtcdWrites();
    const range = { key: base64('/registry/'), range_end: base64('/registry0') };
    const { body } = await request(`${url}/v3/watch`, {
      method: 'POST',
      dispatcher: writes.#agent,
      body: JSON.stringify({ create_request: { ...range, filters: ['NODELETE'] } }),
    });
    const stands = Promise.withResolvers<undefined>();
    void writes.#follow(body, () => stands.resolve(undefined));
    await stands.promise;
    return writes;
  }

  /** Everything since the start. Throws when the watch has ended meanwhile. */
  get stored(): readonly Stored[] {
    if (this.#hasEnded) throw new Error('the watch of etcd has ended, so its writes are not known');
    return this.#stored;
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  /** The first line says that the watch stands. */
  async #follow(body: Readable, took: () => void): Promise<void> {
    try {
      for await (const line of createInterface({ input: body })) {
        this.#take(line);
        took();
      }
    } catch {
      // Closed, or etcd has gone: `stored` says so.
    }
    this.#hasEnded = true;
    took();
  }

  #take(line: string): void {
    for (const { kv } of message.parse(JSON.parse(line)).result.events) {
      const key = Buffer.from(kv.key, 'base64').toString();
      this.#stored.push({ revision: kv.mod_revision, key, bytes: Buffer.byteLength(kv.value, 'base64') });
    }
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
