/** The adapter for compute hosts: locks, moves and releases on a real Nova. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { effectKey, type Effect, type Outcome } from '../../src/engine/effect.ts';
import type { Claim, HostFacts } from '../../src/engine/view.ts';
import type { HostWatch, Scope, Subscription } from '../../src/hostops/port.ts';
import { eventually } from '../support/eventually.ts';
import { INSTALLATION_MS } from '../support/openstack/client-scene.ts';
import { startAdapterScene, untilKnown, type AdapterScene } from '../support/openstack/adapter-scene.ts';

const OWNER = { kind: 'PatchStrategy', namespace: 'careen-hosts', name: 's', uid: 'uid-of-s' };
const RUN = 'run-1';
const FENCE = { owner: OWNER, run: RUN, epoch: 1 };
const { signal } = new AbortController();

let scene: AdapterScene;

beforeAll(async () => {
  scene = await startAdapterScene(6);
}, INSTALLATION_MS);

afterAll(async () => scene.stop());

/** A pool of two hosts: the first one is worked on. */
class Pool {
  readonly scope: Scope;
  readonly host: string;
  readonly #fleet: Subscription;
  readonly #watch: HostWatch;

  private constructor(scope: Scope, host: string) {
    this.scope = scope;
    this.host = host;
    this.#fleet = scene.ops.fleet(scope, () => undefined);
    this.#watch = scene.ops.watch(scope, () => undefined);
    this.#watch.want(new Set([host]));
  }

  static async open(name: string, index: number, fields = {}): Promise<Pool> {
    const hosts = scene.openStack.hosts.slice(index, index + 2);
    const [host = ''] = hosts;
    const pool = new Pool(await scene.poolOf(name, hosts, fields), host);
    await untilKnown(scene.ops, pool.scope, hosts);
    return pool;
  }

  close(): void {
    this.#watch.close();
    this.#fleet.close();
  }

  get facts(): HostFacts {
    const facts = scene.ops.view(this.scope).host(this.host);
    if (!facts) throw new Error(`${this.host} is not known`);
    return facts;
  }

  async seen(what: string, fits: (facts: HostFacts) => boolean): Promise<HostFacts> {
    return eventually(what, () => fits(this.facts) && this.facts, { describe: () => this.facts });
  }

  async perform(effect: Effect): Promise<Outcome> {
    return scene.ops.perform(this.scope, effect, FENCE, signal);
  }

  claim(closedToNewWorkBefore = false): Effect & { kind: 'claim' } {
    const claim: Claim = {
      ...{ run: RUN, pool: this.scope.pool, epoch: 1, owner: OWNER, planDigest: 'sha256:0', stage: 0 },
      ...{ level: 'away', closedToNewWorkBefore, since: new Date().toISOString() },
    };
    const { revision, name: host } = this.facts;
    return { kind: 'claim', key: effectKey(RUN, 0, 'lock-hosts', host, '', 1), host, revision, claim };
  }

  async lock(): Promise<void> {
    expect(await this.perform(this.claim(this.facts.closedToNewWork))).toEqual({ kind: 'accepted' });
    await this.seen('the claim', ({ claim, closedToNewWork }) => claim?.run === RUN && closedToNewWork);
  }

  async release(): Promise<void> {
    const { revision, name: host } = this.facts;
    const key = effectKey(RUN, 0, 'unlock-hosts', host, '', 1);
    expect(await this.perform({ kind: 'release', key, host, revision, run: RUN })).toEqual({
      kind: 'accepted',
    });
    await this.seen('no claim', ({ claim }) => claim === undefined);
  }

  /** Asks for what the view says is due, as the engine does, until the host is empty or nothing is left to ask for. */
  async drain(
    isDone: (facts: HostFacts) => boolean = ({ instances }) => instances?.length === 0,
  ): Promise<string[]> {
    const asked = new Set<string>();
    await eventually(
      'the drain',
      async () => {
        for (const each of this.facts.instances ?? []) {
          const { uid, namespace, name, request = '' } = each;
          if (each.leaving || each.stuck !== undefined || each.waitsFor !== undefined) continue;
          if (asked.has(`${name} ${request}`)) continue;
          const key = effectKey(RUN, 0, 'migrate-instances-from-host', this.host, `${uid}:${request}`, 1);
          const outcome = await this.perform({
            kind: 'evict',
            key,
            host: this.host,
            instance: { uid, namespace, name },
          });
          if (outcome.kind === 'accepted') asked.add(`${name} ${request}`);
        }
        return isDone(this.facts);
      },
      { seconds: 90, describe: () => [[...asked], this.facts.instances] },
    );
    return [...asked];
  }
}

describe('a lock', () => {
  it('disables the service for the run, and its end enables it', async () => {
    const pool = await Pool.open('lock', 0);
    await pool.lock();
    expect(await scene.admin.serviceOf(pool.host)).toMatchObject({
      ...{ status: 'disabled', disabledReason: `careen:${RUN}` },
    });
    expect(await pool.perform(pool.claim())).toEqual({ kind: 'already' });
    await pool.release();
    expect(await scene.admin.serviceOf(pool.host)).toMatchObject({ status: 'enabled' });
    pool.close();
  });

  it('that others had disabled stays theirs', async () => {
    const pool = await Pool.open('theirs', 0);
    const { id } = await scene.admin.serviceOf(pool.host);
    await scene.admin.put(`/os-services/${id}`, { status: 'disabled', disabled_reason: 'a fan is broken' });
    await scene.ops.confirm(pool.scope, [pool.host], signal);
    await pool.seen('the foreign lock', ({ closedToNewWork }) => closedToNewWork);
    expect(scene.ops.view(pool.scope).fleet.outOfServiceByOthers).toEqual(new Set([pool.host]));
    await pool.lock();
    await pool.release();
    expect(await scene.admin.serviceOf(pool.host)).toMatchObject({
      ...{ status: 'disabled', disabledReason: 'a fan is broken' },
    });
    await scene.admin.put(`/os-services/${id}`, { status: 'enabled' });
    pool.close();
  });

  it('that a crash cut in two is made whole by the next try, and can be undone', async () => {
    const pool = await Pool.open('cut', 0);
    const { id } = await scene.admin.serviceOf(pool.host);
    await scene.admin.put(`/os-services/${id}`, { status: 'disabled', disabled_reason: `careen:${RUN}` });
    await scene.ops.confirm(pool.scope, [pool.host], signal);
    const facts = await pool.seen('the mark', ({ hasMaintenanceMark }) => hasMaintenanceMark);
    expect(facts.claim).toBeUndefined();
    expect(await pool.perform(pool.claim(false))).toEqual({ kind: 'accepted' });
    await pool.seen('the claim', ({ claim }) => claim?.run === RUN);
    await pool.release();
    expect(await scene.admin.serviceOf(pool.host)).toMatchObject({ status: 'enabled' });
    pool.close();
  });
});

describe.concurrent('a drain', () => {
  it('moves running and stopped servers, those that run one after another, and confirms cold migrations', async () => {
    const pool = await Pool.open('drain', 2);
    const names = ['a', 'b', 'off'];
    const servers = await Promise.all(names.map((name) => scene.admin.bootServer(name, { host: pool.host })));
    const off = servers.at(-1)?.id ?? '';
    await scene.admin.post(`/servers/${off}/action`, { 'os-stop': null });
    await scene.admin.serverWhere(off, 'off', ({ status }) => status === 'SHUTOFF');
    await pool.lock();
    await pool.seen('the servers', ({ instances }) => instances?.length === 3);
    const ready = pool.facts.instances?.filter(({ waitsFor }) => waitsFor === undefined);
    expect(ready).toHaveLength(1);
    const asked = await pool.drain();
    expect(asked.toSorted()).toEqual([
      ...['a live-migrate-0-0', 'b live-migrate-0-0'],
      ...['off cold-migrate-0-0', 'off confirm-0-0'],
    ]);
    expect(await scene.admin.serversOn(pool.host)).toEqual([]);
    expect((await scene.admin.server(off)).status).toBe('SHUTOFF');
    await pool.release();
    pool.close();
  });

  it('tries a server whose migration fails again, and then names it with the remedy', async () => {
    const pool = await Pool.open('failing', 4);
    const metadata = { 'testbed:live-migration': 'fail' };
    const { id } = await scene.admin.bootServer('stays', { host: pool.host, metadata });
    await pool.lock();
    const asked = await pool.drain(
      ({ instances }) => instances?.some(({ stuck }) => stuck !== undefined) === true,
    );
    // Servers of other cases may have moved here.
    const own = asked.filter((each) => each.startsWith('stays'));
    expect(own).toEqual(['stays live-migrate-0-0', 'stays live-migrate-1-0', 'stays live-migrate-2-0']);
    const stuck = pool.facts.instances?.find(({ uid }) => uid === id)?.stuck;
    expect(stuck).toContain(`openstack server show ${id}`);
    await scene.admin.delete(`/servers/${id}`);
    await pool.drain();
    await pool.release();
    pool.close();
  });
});
