/** Which controllers serve in their control plane, from what their API servers answer. */
import { KubeConfig } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { hostPoolSpec } from '../../../src/crds/host-pool.ts';
import { Members } from '../../../src/hostops/kubernetes/member-health.ts';
import type { Answer, Call } from '../../../src/kube/client.ts';

const NOT_READY =
  '[+]ping ok\n[+]log ok\n[-]etcd failed: reason withheld\n[-]etcd-readiness failed: reason withheld\nreadyz check failed\n';
const SLICES = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
const SECRET = '/api/v1/namespaces/careen-system/secrets/etcd-client';

const slice = (port: number, ...addresses: string[]) => ({
  endpoints: [{ addresses }],
  ports: [
    { name: 'konnectivity', port: 8132 },
    { name: 'https', port },
  ],
});

function answer(status: number, text: string): Answer {
  const cancel = async (): Promise<void> => undefined;
  const body = { cancel, async *[Symbol.asyncIterator]() {} };
  const content = { json: async (): Promise<unknown> => JSON.parse(text), text: async () => text };
  return { ok: status < 300, status, headers: [], body, ...content };
}

type Objects = Readonly<Record<string, Answer>>;
type World = {
  /** The answer of each API server, by its origin; all others refuse the connection. */
  readonly servers?: Readonly<Record<string, Answer>>;
  /** What the API server says of the way to its siblings, or of the Secret; otherwise it has none. */
  readonly objects?: Objects;
  readonly etcd?: { readonly secretName: string };
};

function world({ servers = {}, objects = {}, etcd }: World) {
  const asked: string[] = [];
  const said: string[] = [];
  const transport = async ({ path, origin = '', query }: Call): Promise<Answer> => {
    if (path !== '/readyz') return objects[path] ?? answer(404, '{"message":"not found"}');
    expect(query).toEqual({ verbose: true });
    asked.push(origin);
    const found = servers[origin];
    if (!found) throw new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') });
    return found;
  };
  const say = ({ reason }: Readonly<Record<string, unknown>>): void => void said.push(String(reason));
  const config = Object.assign(new KubeConfig(), { transport });
  const members = new Members({ config, namespace: 'careen-system', log: { info: say, warn: say } });
  const provider = { kubernetes: { ...(etcd ? { etcd } : {}) } };
  const { roles, health, ...spec } = hostPoolSpec.parse({ provider, maxUnavailable: 1 });
  const scope = { pool: 'default', provider: spec.provider, before: [], roles, health };
  const ask = async (controllers: Readonly<Record<string, string[]>>, ...names: string[]) =>
    members.health(scope, new Map(Object.entries(controllers)), names, new AbortController().signal);
  return { ask, asked, said };
}

const listing = (...slices: object[]): Objects => ({
  [SLICES]: answer(200, JSON.stringify({ items: slices })),
});
const THREE = { 'c-0': ['10.0.0.1'], 'c-1': ['10.0.0.2'], 'c-2': ['10.0.0.3'] };
const OK = answer(200, 'ok');

describe('the API servers of controllers', () => {
  it('are asked one by one at their own address and port, and only those in question', async () => {
    const objects = listing(slice(6443, '10.0.0.1', '10.0.0.2'), slice(6444, '10.0.0.3'));
    const { ask, asked } = world({
      objects,
      servers: { 'https://10.0.0.2:6443': OK, 'https://10.0.0.3:6444': answer(500, NOT_READY) },
    });
    const { down, unknown } = await ask(THREE, 'c-1', 'c-2');
    expect(asked.toSorted()).toEqual(['https://10.0.0.2:6443', 'https://10.0.0.3:6444']);
    expect([...down]).toEqual([['c-2', 'https://10.0.0.3:6444/readyz: [-]etcd failed: reason withheld']]);
    expect(unknown).toBeUndefined();
  });

  it.each([
    [answer(204, ''), 'https://10.0.0.2:6443/readyz answers 204'],
    [
      answer(403, '{"kind":"Status","message":"nodes may not"}'),
      'https://10.0.0.2:6443/readyz: nodes may not',
    ],
    [undefined, 'https://10.0.0.2:6443/readyz: fetch failed: connect ECONNREFUSED'],
  ])('are down with every other answer, and without one', async (said, why) => {
    const servers = said ? { 'https://10.0.0.2:6443': said } : {};
    const { ask } = world({ objects: listing(slice(6443, '10.0.0.2')), servers });
    expect([...(await ask(THREE, 'c-1')).down]).toEqual([['c-1', why]]);
  });

  it('are asked at the usual port where they are no longer listed, as after their death', async () => {
    const { ask, asked } = world({ objects: listing(slice(6443, '10.0.0.1')) });
    const { down } = await ask(THREE, 'c-1');
    expect(asked).toEqual(['https://10.0.0.2:6443']);
    expect([...down.keys()]).toEqual(['c-1']);
  });

  it('are down where they have no address to ask at, if any is asked', async () => {
    const none = { ...THREE, 'c-2': [], 'c-3': ['c-3.example.com'] };
    const why = 'its Node has no InternalIP to ask its API server at';
    const here = world({ objects: listing(slice(6443, '10.0.0.1')) });
    expect([...(await here.ask(none, 'c-2', 'c-3')).down]).toEqual([
      ['c-2', why],
      ['c-3', why],
    ]);
    const elsewhere = world({ objects: listing(slice(443, '192.0.2.9')) });
    expect((await elsewhere.ask(none, 'c-2')).down.size).toBe(0);
  });

  it('are found by each form of an IPv6 address', async () => {
    const objects = listing(slice(6443, 'FD00:0:0::2'));
    const { ask, asked } = world({ objects, servers: { 'https://[fd00::2]:6443': OK } });
    expect((await ask({ 'c-1': ['10.0.0.2', 'fd00::2'] }, 'c-1')).down.size).toBe(0);
    expect(asked).toEqual(['https://[fd00::2]:6443']);
  });

  it('are not asked where they run elsewhere: the Nodes alone decide', async () => {
    const { ask, asked, said } = world({ objects: listing(slice(443, '192.0.2.9')) });
    expect((await ask(THREE, 'c-1', 'c-2')).down.size).toBe(0);
    expect([asked, said]).toEqual([[], []]);
  });

  it.each([403, 404])('are not asked where nobody may know them, which is said once: %i', async (status) => {
    const { ask, asked, said } = world({ objects: { [SLICES]: answer(status, '{"message":"no"}') } });
    for (let i = 0; i < 3; i++)
      expect(await ask(THREE, 'c-1')).toEqual({ down: new Map(), unknown: undefined });
    expect(asked).toEqual([]);
    expect(said).toEqual(['no']);
  });

  it.each([429, 500, 503])('are not known while the API server is in trouble: %i', async (status) => {
    const message = 'etcdserver: leader changed';
    const { ask, asked } = world({ objects: { [SLICES]: answer(status, JSON.stringify({ message })) } });
    expect((await ask(THREE, 'c-1')).unknown).toBe(
      'no controller is taken: the EndpointSlices of Service default/kubernetes, by which the API servers are found ' +
        `and asked whether they serve, could not be listed (${message}); this is tried again until the API server answers`,
    );
    expect(asked).toEqual([]);
  });
});

describe('etcd that a pool wants to be asked', () => {
  const secret = (data: Readonly<Record<string, string>>): Objects => ({
    ...listing(),
    [SECRET]: answer(200, JSON.stringify({ data })),
  });

  it.each([
    ['not found', listing()],
    ['it has no tls.crt, no tls.key', secret({ 'ca.crt': 'Y2E=' })],
    ['secrets are none of its business', { ...listing(), [SECRET]: answer(403, forbidden()) }],
  ])('cannot be asked with its Secret: %s', async (why, objects) => {
    const { ask } = world({ etcd: { secretName: 'etcd-client' }, objects });
    const { unknown } = await ask(THREE, 'c-1');
    expect(unknown).toBe(
      'no controller is taken: HostPool default wants etcd to be asked for its health ' +
        `(spec.provider.kubernetes.etcd) with Secret careen-system/etcd-client, but ${why}; give it ca.crt, tls.crt ` +
        'and tls.key, and let Careen get it',
    );
  });

  it('says that its keys are none, and never shows them', async () => {
    const hidden = Buffer.from('-----BEGIN PRIVATE KEY-----\nhush\n-----END PRIVATE KEY-----').toString(
      'base64',
    );
    const objects = secret({ 'ca.crt': hidden, 'tls.crt': hidden, 'tls.key': hidden });
    const { ask, said } = world({ etcd: { secretName: 'etcd-client' }, objects });
    const { down, unknown = '' } = await ask({ ...THREE, 'c-1': ['127.0.0.1'] }, 'c-1', 'c-2');
    expect([...down.keys(), unknown]).toEqual(['c-1', 'c-2', '']);
    expect(down.get('c-1')).toMatch(
      /^https:\/\/127\.0\.0\.1:2379\/health: .*\(with the certificate of its Secret\)/,
    );
    expect(
      [...down.values(), ...said].filter((text) => /hush|BEGIN/.test(text) || text.includes(hidden)),
    ).toEqual([]);
  });
});

function forbidden(): string {
  return JSON.stringify({ message: 'secrets are none of its business' });
}
