/**
 * The least that any program could do for the same outages: for each host a cordon, evictions, two Jobs made and
 * watched, an uncordon. It keeps no state, asks nobody for permission, records nothing, and a crash ends it.
 *
 *     node test/bench/scale/limit-program.ts KUBECONFIG PATCH AT_ONCE HOST...
 */
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { KubeConfig } from '@kubernetes/client-node';
import { Agent, request } from 'undici';
import { z } from 'zod';

const RUN = 'limit';
const NAMESPACE = 'careen-hosts';
const RETRY_MS = 1000;

const [file = '', patch = '', atOnce = '', ...hosts] = process.argv.slice(2);
const config = new KubeConfig();
config.loadFromString(await readFile(file, 'utf8'));
const server = config.getCurrentCluster();
const agent = new Agent({
  bodyTimeout: 0,
  connect: { ca: Buffer.from(server?.caData ?? '', 'base64') },
});
const headers = {
  authorization: `Bearer ${config.getCurrentUser()?.token ?? ''}`,
  'content-type': 'application/json',
};
const MERGE = { ...headers, 'content-type': 'application/merge-patch+json' };

const object = z.looseObject({
  metadata: z.looseObject({ name: z.string(), resourceVersion: z.string() }),
  spec: z.looseObject({ nodeName: z.string().optional() }).default({}),
  status: z
    .looseObject({
      conditions: z.array(z.looseObject({ type: z.string(), status: z.string() })).default([]),
      nodeInfo: z.looseObject({ bootID: z.string() }).optional(),
    })
    .default({ conditions: [] }),
});
type Watched = z.infer<typeof object>;
const event = z.looseObject({ type: z.string(), object: z.unknown() });
const list = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string() }),
  items: z.array(object),
});

const [pods, nodes, jobs] = [
  new Map<string, Watched>(),
  new Map<string, Watched>(),
  new Map<string, Watched>(),
];
let changed = Promise.withResolvers<undefined>();

await follow('/api/v1/namespaces/default/pods', pods);
await follow('/api/v1/nodes', nodes);
await follow(`/apis/batch/v1/namespaces/${NAMESPACE}/jobs`, jobs);
const queue = hosts.values();
const worker = async (): Promise<void> => {
  for (const host of queue) await patchHost(host);
};
await Promise.all(Array.from({ length: Number(atOnce) }, worker));
const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
console.log(JSON.stringify({ cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, peakRssMiB: maxRSS / 1024 }));
process.exit(0); // the watches are still open

async function patchHost(host: string): Promise<void> {
  const before = nodes.get(host)?.status.nodeInfo?.bootID;
  await call('PATCH', `/api/v1/nodes/${host}`, { spec: { unschedulable: true } }, MERGE);
  const own = [...pods.values()].filter(({ spec }) => spec.nodeName === host);
  await Promise.all(own.map(({ metadata }) => evict(metadata.name)));
  await until(() => own.every(({ metadata }) => !pods.has(metadata.name)));
  await job(host, patch);
  await job(host, 'reboot');
  await until(() => {
    const { conditions = [], nodeInfo } = nodes.get(host)?.status ?? {};
    return (
      nodeInfo?.bootID !== before &&
      conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
    );
  });
  await call('PATCH', `/api/v1/nodes/${host}`, { spec: { unschedulable: null } }, MERGE);
}

async function evict(pod: string): Promise<void> {
  const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: pod, namespace: 'default' } };
  for (;;) {
    const code = await call('POST', `/api/v1/namespaces/default/pods/${pod}/eviction`, body);
    if (code !== 429) return;
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** Makes a Job that the host stand-in carries out, and waits for its end. Kubernetes removes it later. */
async function job(host: string, action: string): Promise<void> {
  const name = `${RUN}-${action.replaceAll('.', '-')}-${host}`;
  const labels = { 'careen.dev/run': RUN, 'careen.dev/action': action };
  await call('POST', `/apis/batch/v1/namespaces/${NAMESPACE}/jobs`, {
    metadata: { name, labels },
    spec: {
      backoffLimit: 0,
      ttlSecondsAfterFinished: 3600,
      template: {
        metadata: { labels },
        spec: {
          nodeName: host,
          restartPolicy: 'Never',
          tolerations: [{ operator: 'Exists' }],
          containers: [{ name: 'apply', image: 'registry.example.com/patch:1' }],
        },
      },
    },
  });
  await until(() => jobs.get(name)?.status.conditions.some(({ type }) => type === 'Complete') === true);
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await changed.promise;
}

/** One list, then one watch for all hosts. */
async function follow(path: string, known: Map<string, Watched>): Promise<void> {
  const first = await request(`${server?.server ?? ''}${path}`, { dispatcher: agent, headers });
  const { metadata, items } = list.parse(await first.body.json());
  for (const item of items) known.set(item.metadata.name, item);
  const query = `watch=true&resourceVersion=${metadata.resourceVersion}&timeoutSeconds=86400`;
  const { body } = await request(`${server?.server ?? ''}${path}?${query}`, { dispatcher: agent, headers });
  createInterface({ input: body }).on('line', (line) => {
    const { type, object: raw } = event.parse(JSON.parse(line));
    const item = object.parse(raw);
    if (type === 'DELETED') known.delete(item.metadata.name);
    else known.set(item.metadata.name, item);
    changed.resolve(undefined);
    changed = Promise.withResolvers<undefined>();
  });
}

/** The status code; an unexpected one is an error. */
async function call(
  method: 'PATCH' | 'POST',
  path: string,
  content: unknown,
  by: Readonly<Record<string, string>> = headers,
): Promise<number> {
  const { statusCode, body } = await request(`${server?.server ?? ''}${path}`, {
    ...{ method, headers: by, dispatcher: agent, body: JSON.stringify(content) },
  });
  const answer = await body.text();
  if (statusCode >= 300 && statusCode !== 429)
    throw new Error(`${method} ${path}: ${String(statusCode)} ${answer}`);
  return statusCode;
}
