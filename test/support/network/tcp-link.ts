/** A TCP link to the API server that can be cut and mended, or whose connections can all fall silent. */
import { connect as dial, createServer, type Server, type Socket } from 'node:net';
import type { KubeConfig } from '@kubernetes/client-node';
import { connect } from '../controlplane/controlplane.ts';
import { listening } from './loopback.ts';

export class TcpLink {
  /** A configuration of its own that goes through the link. */
  readonly config: KubeConfig;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isCut = false;

  private constructor(config: KubeConfig) {
    const { hostname, port } = new URL(config.getCurrentCluster()?.server ?? '');
    this.config = config;
    this.#server = createServer((near) => {
      if (this.#isCut) return near.destroy();
      const far = dial(Number(port), hostname);
      near.pipe(far).pipe(near);
      this.#keep(near, far);
      this.#keep(far, near);
      return undefined;
    });
  }

  static async open(kubeconfigFile: string): Promise<TcpLink> {
    const link = new TcpLink(connect(kubeconfigFile));
    const server = `https://127.0.0.1:${String(await listening(link.#server))}`;
    link.config.clusters = link.config.clusters.map((cluster) => ({ ...cluster, server }));
    return link;
  }

  /** Breaks all connections and accepts no more. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#isCut = false;
  }

  /** Open connections stay open without any data, as after a power failure on the way; new ones work. */
  silence(): void {
    for (const socket of this.#sockets) socket.unpipe().resume();
  }

  /** Safe to call twice. */
  async stop(): Promise<void> {
    this.cut();
    this.#server.close();
    return Promise.resolve();
  }

  #keep(socket: Socket, other: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined); // a close follows
    socket.on('close', () => {
      this.#sockets.delete(socket);
      other.destroy();
    });
  }
}
