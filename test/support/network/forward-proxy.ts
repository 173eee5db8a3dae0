/**
 * A proxy on loopback as a company has one: a client asks it for a host, by HTTP
 * (CONNECT, or a whole address) or by SOCKS5, on one port. Every host that it is
 * asked for is one server, so that a name that nobody can look up proves that a
 * request came through the proxy.
 */
import { createServer as createHttpServer, request as forward, type Server } from 'node:http';
import { connect, createServer, type Server as TcpServer, type Socket } from 'node:net';
import { listening } from './loopback.ts';

const SOCKS5 = 5;

export class ForwardProxy {
  readonly #tcp: TcpServer;
  readonly #http: Server;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #sockets = new Set<Socket>();
  readonly #asked: string[] = [];
  #port = 0;

  private constructor(target: URL, password: string | undefined) {
    this.#target = { host: target.hostname, port: Number(target.port) };
    this.#http = createHttpServer((incoming, outgoing) => {
      this.#asked.push(`${incoming.method ?? ''} ${incoming.url ?? ''}`);
      const { pathname: path, search } = new URL(incoming.url ?? '', target);
      const sent = forward({ ...this.#target, method: incoming.method, path: path + search }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 0, answer.headers);
        answer.pipe(outgoing);
      });
      incoming.pipe(sent);
    });
    this.#http.on('connect', ({ url = '', headers }, socket: Socket) => {
      this.#asked.push(`CONNECT ${url}`);
      const wanted = `Basic ${Buffer.from(password ?? '').toString('base64')}`;
      if (password !== undefined && headers['proxy-authorization'] !== wanted)
        socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      else this.#join(socket, 'HTTP/1.1 200 Connection established\r\n\r\n');
    });
    this.#tcp = createServer((socket) => {
      this.#sockets.add(socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket)));
      socket.once('data', (data) => {
        if (data[0] === SOCKS5) this.#greet(socket);
        else {
          socket.pause().unshift(data);
          this.#http.emit('connection', socket);
          socket.resume();
        }
      });
    });
  }

  /**
   * Listens on a free port; everything goes to `target`.
   * @param password `USER:PASSWORD` that a client must give for CONNECT
   */
  static async start(target: string, password?: string): Promise<ForwardProxy> {
    const proxy = new ForwardProxy(new URL(target), password);
    proxy.#port = await listening(proxy.#tcp);
    return proxy;
  }

  /** `HOST:PORT`, for a URL. */
  get address(): string {
    return `127.0.0.1:${String(this.#port)}`;
  }

  /** What its clients asked for so far: `CONNECT HOST:PORT`, `SOCKS5 HOST:PORT`, or `METHOD ADDRESS`. */
  get asked(): readonly string[] {
    return this.#asked;
  }

  /** Ends everything. Safe to call twice. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#tcp.close(() => resolve(undefined));
    await promise;
  }

  /** No authentication; then one request to connect to a name (RFC 1928). */
  #greet(socket: Socket): void {
    socket.write(Buffer.from([SOCKS5, 0]));
    socket.once('data', (data) => {
      const [isName, length = 0] = [data[3] === 3, data[4]];
      const host = isName ? data.toString('utf8', 5, 5 + length) : data.subarray(4, 8).join('.');
      const port = data.readUInt16BE(isName ? 5 + length : 8);
      this.#asked.push(`SOCKS5 ${host}:${String(port)}`);
      this.#join(socket, Buffer.from([SOCKS5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
    });
  }

  #join(client: Socket, answer: string | Buffer): void {
    const target = connect(this.#target, () => {
      client.write(answer);
      client.pipe(target).pipe(client);
    });
    target.on('error', () => undefined).on('close', () => client.destroy());
    client.on('close', () => target.destroy());
  }
}
