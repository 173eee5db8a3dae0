import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PooledKubeConfig } from '../../../src/kube/client.ts';

export type ScriptedServer = { readonly client: PooledKubeConfig; close(): void };

/** An HTTP server on loopback with scripted answers, and a client that uses it as the API server. */
export async function scriptedServer(
  answer: (url: URL, response: ServerResponse) => void,
): Promise<ScriptedServer> {
  const server = createServer((request, response) =>
    answer(new URL(request.url ?? '/', 'http://127.0.0.1'), response),
  );
  const { promise: listening, resolve } = Promise.withResolvers<undefined>();
  server.listen(0, '127.0.0.1', () => resolve(undefined));
  await listening;
  const { port } = server.address() as AddressInfo; // a server that listens on TCP has one of this shape
  const client = new PooledKubeConfig();
  client.loadFromClusterAndUser(
    { name: 'scripted', server: `http://127.0.0.1:${String(port)}`, skipTLSVerify: true },
    { name: 'test' },
  );
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { client, close };
}

/** The answer of a server before Kubernetes 1.34 to a watch that shall list first. */
export function refuseStream(response: ServerResponse): void {
  const message = 'ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden';
  response.writeHead(422).end(JSON.stringify({ kind: 'Status', code: 422, reason: 'Invalid', message }));
}
