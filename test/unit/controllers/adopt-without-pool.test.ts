/** A run whose pool was deleted while it holds a host: no pool has an epoch that tells its leaders apart. */
import { describe, expect, it } from 'vitest';
import { DeposedError } from '../../../src/engine/permits/takeover.ts';
import { strategyStatus } from '../../../src/crds/observed/strategy-status.ts';
import type { ApiServer } from '../../simulation/world/api-server.ts';
import { KEY, newProcess, pass, serverWith } from '../support/strategy-passes.ts';

const NEVER = new AbortController().signal;

function serverWithoutPool(): ApiServer {
  const since = '2026-11-25T08:59:00.000Z';
  const outage = { name: 'w-1', level: 'away', step: 'verify', attempt: 1, since, result: 'failed' } as const;
  const server = serverWith('apply-failed', 'held', [outage]);
  server.remove('hostpools', 'held', 'somebody');
  return server;
}

function epochIn(server: ApiServer): number | undefined {
  const stored = server.get('patchstrategies', 'careen-hosts/kernel')?.status;
  return strategyStatus.parse(stored).run?.epoch;
}

describe('a run that holds a host, without its pool', () => {
  it('is adopted in the next epoch by each new process, once', async () => {
    const server = serverWithoutPool();
    const first = newProcess(server);
    await first(KEY, NEVER);
    await first(KEY, NEVER);
    expect(epochIn(server)).toBe(2);
    await pass(server);
    expect(epochIn(server)).toBe(3);
  });

  it('is left by a process when another one has adopted it', async () => {
    const server = serverWithoutPool();
    const former = newProcess(server);
    await former(KEY, NEVER);
    await pass(server);
    await expect(former(KEY, NEVER)).rejects.toThrow(DeposedError);
    expect(epochIn(server)).toBe(3);
  });
});
