import { describe, expect, it } from 'vitest';
import { operatorMetrics } from '../../../src/controllers/runtime/operator-metrics.ts';
import { Attachment } from '../../../src/controllers/runtime/attachments.ts';
import { sweepJobs } from '../../../src/controllers/strategy/sweep-jobs.ts';
import type { HostProgress } from '../../../src/crds/observed/host-progress.ts';
import type { Effect } from '../../../src/engine/effect.ts';
import { SimulatedHostOps } from '../../../src/hostops/simulated/simulated-host-ops.ts';
import { SimulatedWorld } from '../../../src/hostops/simulated/simulated-world.ts';
import type { IdleJob, Scope } from '../../../src/hostops/port.ts';
import { hostPoolSpec } from '../../../src/crds/host-pool.ts';
import { decodeRun } from '../../../src/status/stored/codec.ts';
import { patchStrategy } from '../../../src/resources/stored-strategy.ts';
import { KEY, serverWith } from '../support/strategy-passes.ts';

const DONE: IdleJob = {
  ...{ run: 'r-1', host: 'w-1', name: 'careen-done', uid: 'u-1', revision: '1', state: 'succeeded' },
};

/** The names of the Jobs that a pass removes while the host of this Job is still open. */
async function removed(isBlocked: boolean, result?: 'succeeded'): Promise<readonly string[]> {
  const { performed, ended } = await swept({ isBlocked, result });
  await ended;
  return performed.flatMap((effect) => (effect.kind === 'delete-job' ? [effect.name] : []));
}

type Scene = {
  readonly isBlocked: boolean;
  readonly result?: 'succeeded' | undefined;
  readonly idle?: IdleJob;
  /** Until then no removal is answered. */
  readonly answered?: Promise<void>;
};

/** A sweep while the host w-1 is open. */
async function swept({ isBlocked, result, idle = DONE, answered }: Scene): Promise<{
  readonly performed: readonly Effect[];
  readonly ended: Promise<unknown>;
}> {
  const job = { action: 'kernel', name: DONE.name, uid: DONE.uid, ...(result ? { result } : {}) };
  const outage: HostProgress = {
    ...{ name: 'w-1', level: 'away', step: 'sw-patch-hosts', attempt: 1, result: 'wait', jobs: [job] },
    since: '2026-11-25T08:59:00.000Z',
  };
  const server = serverWith('apply-failed', 'held', [outage]);
  const strategy = patchStrategy.parse(server.get('patchstrategies', 'careen-hosts/kernel'));
  const decoded = decodeRun(strategy.status);
  const stored = decoded && { ...decoded, run: { ...decoded.run, hosts: [outage] } };
  const performed: Effect[] = [];
  const hosts = new SimulatedHostOps(new SimulatedWorld({}));
  Object.assign(hosts, {
    idleJobs: () => [idle],
    perform: async (_scope: Scope, effect: Effect) => {
      performed.push(effect);
      await answered;
      return { kind: 'accepted' };
    },
  });
  const { provider, roles, health } = hostPoolSpec.parse({ provider: { kubernetes: {} }, maxUnavailable: 1 });
  const attachment = new Attachment(
    hosts,
    { pool: 'held', provider, before: [], roles, health },
    () => undefined,
  );
  const template = { spec: { containers: [{ name: 'apply', image: 'i' }] } };
  const making: Effect = { kind: 'create-job', key: 'k', host: 'w-2', action: 'kernel', job: { template } };
  if (isBlocked) attachment.outcomes.note(making, { kind: 'blocked', reason: 'exceeded quota' }, 0);
  const deps = {
    ...{ hosts, clock: () => 0, metrics: operatorMetrics(() => 0), events: { record: () => undefined } },
    api: { confirmStrategy: async () => Promise.resolve() },
    log: { info: () => undefined, warn: () => undefined },
  };
  const pass = { readAt: 0, begunAt: 0, key: KEY, strategy, stored, pool: undefined, attachment, epoch: 1 };
  const { ended } = await sweepJobs(deps, pass, new AbortController().signal);
  return { performed, ended };
}

describe('a Job that nobody needs', () => {
  it('is removed while the pass goes on, which ends after it', async () => {
    const { promise: answered, resolve: answer } = Promise.withResolvers<undefined>();
    const idle = { ...DONE, host: 'w-2' };
    const { performed, ended } = await swept({ isBlocked: false, idle, answered });
    expect(performed).toHaveLength(1);
    let over = false;
    void ended.then(() => (over = true));
    await Promise.resolve();
    expect(over).toBe(false);
    answer(undefined);
    await ended;
  });
});

describe('a Job that has succeeded on an open host', () => {
  it('makes room for a Job that is refused for now, once its success is recorded', async () => {
    expect(await removed(true, 'succeeded')).toEqual([DONE.name]);
    expect(await removed(true)).toEqual([]);
    expect(await removed(false, 'succeeded')).toEqual([]);
  });
});
