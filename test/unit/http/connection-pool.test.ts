import { createServer, type Server, type ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fetch } from 'undici';
import { connectionPool } from '../../../src/http/connection-pool.ts';
import { listening } from '../../support/network/loopback.ts';

const TIMED_OUT = { cause: { code: 'UND_ERR_HEADERS_TIMEOUT' } };

/** A server that answers a request only when the test says so. */
class SilentServer {
  readonly #server: Server;
  readonly #waiting = new Map<string, ServerResponse>();
  readonly #pool = connectionPool({}, undefined, { first: 1, repeated: 60_000 });
  #port = 0;

  constructor() {
    this.#server = createServer(({ url = '' }, response) => this.#waiting.set(url, response));
  }

  async start(): Promise<void> {
    this.#port = await listening(this.#server);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await this.#pool.close();
  }

  async ask(path: string): Promise<number> {
    const url = `http://127.0.0.1:${String(this.#port)}${path}`;
    const { status } = await fetch(url, { dispatcher: this.#pool });
    return status;
  }

  answer(path: string): void {
    this.#waiting.get(path)?.end();
  }
}

describe('a request without an answer', () => {
  let server: SilentServer;
  beforeEach(async () => {
    server = new SilentServer();
    await server.start();
  });
  afterEach(() => server.stop());

  it('fails soon: its connection may be dead', async () => {
    await expect(server.ask('/a')).rejects.toMatchObject(TIMED_OUT);
  });

  it('waits longer when it is repeated, until it was answered: a webhook may be slow', async () => {
    await expect(server.ask('/a')).rejects.toMatchObject(TIMED_OUT);
    const repeated = server.ask('/a');
    await expect(server.ask('/b')).rejects.toMatchObject(TIMED_OUT);
    server.answer('/a');
    expect(await repeated).toBe(200);
    await expect(server.ask('/a')).rejects.toMatchObject(TIMED_OUT);
  });

  it('is the same watch when only its length differs', async () => {
    const watch = (seconds: number): string =>
      `/a?watch=true&timeoutSeconds=${String(seconds)}&resourceVersion=1`;
    await expect(server.ask(watch(240))).rejects.toMatchObject(TIMED_OUT);
    const repeated = server.ask(watch(241));
    await expect(server.ask('/b')).rejects.toMatchObject(TIMED_OUT);
    server.answer(watch(241));
    expect(await repeated).toBe(200);
  });
});
