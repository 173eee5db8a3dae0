/** What the API server says about itself. */
import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { KubernetesHostOps } from '../../../src/hostops/kubernetes/kubernetes-host-ops.ts';
import { scriptedServer, type ScriptedServer } from '../support/scripted-server.ts';

const METRIC = 'apiserver_requested_deprecated_apis';
const series = (
  group: string,
  version: string,
  resource: string,
  removed: string,
  subresource = '',
): string =>
  `${METRIC}{group="${group}",removed_release="${removed}",resource="${resource}",subresource="${subresource}",version="${version}"} 1\n`;
const TEXT =
  `# HELP ${METRIC} [STABLE] Gauge of deprecated APIs\n# TYPE ${METRIC} gauge\n` +
  series('policy', 'v1beta1', 'poddisruptionbudgets', '1.38') +
  series('policy', 'v1beta1', 'poddisruptionbudgets', '1.38', 'status') +
  series('', 'v1', 'componentstatuses', '') +
  `apiserver_request_total{group="policy",resource="x",version="v1",removed_release="1.1"} 7\n` +
  series('', 'v1', 'bindings', '1.40');

let server: ScriptedServer | undefined;
afterEach(() => server?.close());

const refuse = (response: ServerResponse): void => void response.writeHead(403).end('{"message":"no"}');
/** The answers of an API server, in pieces that end in the middle of lines. */
const answer = (path: string, response: ServerResponse): void => {
  if (path === '/version') response.end('{"gitVersion":"v1.37.1"}');
  else if (path !== '/metrics') refuse(response);
  else {
    for (let at = 0; at < TEXT.length; at += 50) response.write(TEXT.slice(at, at + 50));
    response.end();
  }
};

async function adapter(refused: string[] = []) {
  const world = { now: 0, asked: [] as string[], said: [] as string[], refused };
  server = await scriptedServer(({ pathname }, response) => {
    world.asked.push(pathname);
    if (world.refused.includes(pathname)) refuse(response);
    else answer(pathname, response);
  });
  const say = ({ reason }: Readonly<Record<string, unknown>>): void => void world.said.push(String(reason));
  const ops = new KubernetesHostOps(server.client, { info: say, warn: say }, () => world.now);
  return { world, ops };
}

const VERSION = { version: 'v1.37.1' };
const APIS = {
  deprecatedApis: [
    { api: 'policy/v1beta1 poddisruptionbudgets', removedIn: '1.38' },
    { api: 'v1 bindings', removedIn: '1.40' },
  ],
};

describe('what the API server says about itself', () => {
  it('is its version, and the deprecated APIs in use that have an end', async () => {
    const { ops, world } = await adapter();
    expect(await ops.platform()).toEqual({ ...VERSION, ...APIS });
    expect(world.said).toEqual([]);
  });

  it('is asked for once in five minutes', async () => {
    const { ops, world } = await adapter();
    await Promise.all([ops.platform(), ops.platform()]);
    world.now = 299_999;
    await ops.platform();
    expect(world.asked.toSorted()).toEqual(['/metrics', '/version']);
    world.now = 300_000;
    await ops.platform();
    expect(world.asked).toHaveLength(4);
  });

  it('is known in part where a part is refused; the reason is said once', async () => {
    const { ops, world } = await adapter(['/metrics']);
    expect(await ops.platform()).toEqual({
      ...VERSION,
      deprecatedApisUnknown: '/metrics of the API server cannot be read: no',
    });
    world.now = 300_000;
    await ops.platform();
    expect(world.said).toEqual([expect.stringMatching(/^\/metrics of the API server cannot be read: no$/)]);
    world.now = 600_000;
    world.refused = ['/version'];
    expect(await ops.platform()).toEqual(APIS);
    expect(world.said).toHaveLength(2);
  });
});
