/**
 * A TCP proxy on loopback for the faults of a network. It does not read the
 * data, so TLS stays between its two ends; the control plane's certificates are
 * good for 127.0.0.1 on any port.
 */
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { listening } from './loopback.ts';

type Mode = 'forward' | 'refuse' | 'black-hole';
type Connection = { readonly client: Socket; readonly target: Socket | undefined; dead: boolean };

export class TcpProxy {
  readonly #server: Server;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #connections = new Set<Connection>();
  #port = 0;
  #mode: Mode = 'forward';
  #accepted = 0;
  #passedBefore = 0;

  private constructor(target: URL) {
    this.#target = { host: target.hostname, port: Number(target.port) };
    this.#server = createServer((client) => this.#accept(client));
  }

  /** Listens on a free port for connections to the host and port of `target`. */
  static async start(target: string, address = '127.0.0.1'): Promise<TcpProxy> {
    const proxy = new TcpProxy(new URL(target));
    proxy.#port = await listening(proxy.#server, address);
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  /** The number of accepted connections so far. */
  get accepted(): number {
    return this.#accepted;
  }

  /** The number of open ones, including those in a black hole. */
  get open(): number {
    return this.#connections.size;
  }

  /** The number of bytes that its clients have sent and received so far, including TLS. */
  get bytes(): number {
    return [...this.#connections].reduce((sum, { client }) => sum + bytesOf(client), this.#passedBefore);
  }

  /** Ends all connections at once; new ones are treated as before. */
  cut(): void {
    for (const { client, target } of this.#connections) {
      client.resetAndDestroy();
      target?.destroy();
    }
  }

  /** From now on resets each new connection at once; open connections continue. */
  refuse(): void {
    this.#mode = 'refuse';
  }

  /**
   * From now on nothing comes through, silently: open connections stay open, new
   * connections are accepted. All of these stay dead for ever, as after a firewall
   * that has lost its state.
   */
  blackHole(): void {
    this.#mode = 'black-hole';
    for (const connection of this.#connections) bury(connection);
  }

  /** New connections go through again. */
  heal(): void {
    this.#mode = 'forward';
  }

  /** Ends everything. Safe to call twice. */
  async close(): Promise<void> {
    this.cut();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#server.close(() => resolve(undefined));
    await promise;
  }

  #accept(client: Socket): void {
    this.#accepted++;
    client.on('error', () => undefined); // 'close' follows
    if (this.#mode === 'refuse') {
      client.resetAndDestroy();
      return;
    }
    const target = this.#mode === 'forward' ? connect(this.#target) : undefined;
    const connection: Connection = { client, target, dead: false };
    this.#connections.add(connection);
    client.once('close', () => {
      this.#connections.delete(connection);
      this.#passedBefore += bytesOf(client);
      target?.destroy();
    });
    if (target) join(connection, target);
    else bury(connection);
  }
}

function bytesOf({ bytesRead, bytesWritten }: Socket): number {
  return bytesRead + bytesWritten;
}

function join(connection: Connection, target: Socket): void {
  const { client } = connection;
  target.on('error', () => undefined); // 'close' follows
  target.once('close', () => {
    if (!connection.dead) client.destroy();
  });
  client.pipe(target).pipe(client);
}

/** Continues to read, so that both ends continue to write, and forwards nothing. */
function bury(connection: Connection): void {
  const { client, target } = connection;
  connection.dead = true;
  client.unpipe().resume();
  target?.unpipe().resume();
}
