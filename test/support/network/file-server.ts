/** Serves one file over https on loopback. Its content can be changed at any time. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CA, GOOD } from '../../unit/openstack/certificates.ts';
import { listening } from './loopback.ts';

export class FileServer {
  content = '';
  /** How often it was asked. */
  asked = 0;
  /** The certificate of the authority that vouches for it. */
  readonly caFile: string;
  readonly url: string;
  readonly #folder: string;
  readonly #server: Server;

  private constructor(folder: string, server: Server, port: number) {
    this.#folder = folder;
    this.#server = server;
    this.caFile = join(folder, 'ca.pem');
    this.url = `https://127.0.0.1:${String(port)}/firmware.bin`;
  }

  static async start(): Promise<FileServer> {
    const server = createServer(GOOD);
    const port = await listening(server);
    const files = new FileServer(await mkdtemp(join(tmpdir(), 'careen-files-')), server, port);
    await writeFile(files.caFile, CA);
    server.on('request', (_, response) => {
      files.asked += 1;
      response.end(files.content);
    });
    return files;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
