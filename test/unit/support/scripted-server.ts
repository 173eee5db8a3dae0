import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import { PooledKubeConfig } from '../../../src/kube/client.ts';
import { listening } from '../../support/network/loopback.ts';

export type ScriptedServer = { readonly client: PooledKubeConfig; close(): void };

/** An HTTP server on loopback with scripted answers, and a client that uses it as the API server. */
export async function scriptedServer(
  answer: (url: URL, response: ServerResponse) => void,
): Promise<ScriptedServer> {
  const server = createServer((request, response) =>
    answer(new URL(request.url ?? '/', 'http://127.0.0.1'), response),
  );
  const port = await listening(server);
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
