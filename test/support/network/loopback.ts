/** Ports of loopback. */
import { connect, createServer, type Server } from 'node:net';

/** Lets a server listen on a free port of loopback; returns the port. */
export async function listening(server: Server, address = '127.0.0.1'): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.once('error', reject);
  server.listen(0, address, () => {
    const found = server.address();
    resolve(typeof found === 'object' && found ? found.port : 0);
  });
  return promise;
}

/** Ports on which nobody listens, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(servers.map(async (server) => listening(server)));
  for (const server of servers) server.close();
  return ports;
}

/** Whether somebody listens on a port of loopback. */
export async function isServed(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, '127.0.0.1');
  socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  const served = await promise;
  socket.destroy();
  return served;
}
