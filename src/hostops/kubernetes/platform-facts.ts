/** What the API server says about itself. */
import type { DeprecatedApi, PlatformFacts } from '../../planner/hosts/facts.ts';
import { call, send, type Client } from '../../kube/client.ts';
import { statusText } from '../../crds/text/status-text.ts';
import { explain } from '../../kube/errors.ts';
import { linesOf } from '../../kube/lines.ts';

/** Each series stands for an API that somebody has used since the API server started. Its value is 1. */
const SERIES = 'apiserver_requested_deprecated_apis{';
const LABEL = /(\w+)="([^"]*)"/g;
/** The whole text of the metrics can have many megabytes. */
const METRICS_LIMIT_MS = 20_000;

/** Reads each part by itself: one that cannot be read is left out, and `unknown` gets the reason. */
export async function readPlatform(
  client: Client,
  unknown: (reason: string) => void,
  signal: AbortSignal,
): Promise<PlatformFacts> {
  const orUnknown = async <T>(path: string, read: Promise<T>): Promise<{ value: T } | { why: string }> => {
    try {
      return { value: await read };
    } catch (error) {
      signal.throwIfAborted();
      const why = `${path} of the API server cannot be read: ${explain(error)}`;
      unknown(why);
      return { why };
    }
  };
  const [version, apis] = await Promise.all([
    orUnknown('/version', versionOf(client, signal)),
    orUnknown('/metrics', deprecatedApisOf(client, signal)),
  ]);
  return {
    ...('value' in version ? { version: version.value } : {}),
    ...('value' in apis ? { deprecatedApis: apis.value } : { deprecatedApisUnknown: statusText(apis.why) }),
  };
}

async function versionOf(client: Client, signal: AbortSignal): Promise<string> {
  const { gitVersion } = await call<{ gitVersion?: unknown }>(
    client,
    { method: 'GET', path: '/version' },
    signal,
  );
  if (typeof gitVersion !== 'string') throw new Error('the answer has no gitVersion');
  return gitVersion;
}

/** Keeps only the lines of the one series. */
async function deprecatedApisOf(client: Client, signal: AbortSignal): Promise<DeprecatedApi[]> {
  const either = AbortSignal.any([signal, AbortSignal.timeout(METRICS_LIMIT_MS)]);
  const { body } = await send(client, { method: 'GET', path: '/metrics' }, either);
  if (!body) throw new Error('the answer is empty');
  const found = new Map<string, DeprecatedApi>();
  for await (const line of linesOf(body)) {
    if (!line.startsWith(SERIES)) continue;
    const each = deprecatedApi(line);
    if (each) found.set(`${each.api} ${each.removedIn}`, each);
  }
  return [...found.values()].toSorted((a, b) => (a.api < b.api ? -1 : 1));
}

function deprecatedApi(line: string): DeprecatedApi | undefined {
  const labels = new Map(Array.from(line.matchAll(LABEL), ([, name = '', value = '']) => [name, value]));
  const [group, version, resource, removedIn] = ['group', 'version', 'resource', 'removed_release'].map(
    (name) => labels.get(name) ?? '',
  );
  if (!version || !resource || !removedIn) return undefined;
  return { api: `${group ? `${group}/` : ''}${version} ${resource}`, removedIn };
}
