import { describe, expect, it } from 'vitest';
import { hostPoolStatus } from '../../../src/crds/host-pool.ts';
import type { ApiServer } from '../../simulation/world/api-server.ts';
import { pass, serverWith } from '../support/strategy-passes.ts';

function permitsIn(server: ApiServer): readonly string[] {
  const { permits = [] } = hostPoolStatus.parse(server.get('hostpools', 'held')?.status);
  return permits.map(({ host, run }) => `${host}: ${run}`);
}

describe('a permit left by a run without hosts', () => {
  it.each(['applied', 'apply-failed', 'apply-timeout', 'aborted'] as const)(
    'is freed by the next pass when the process died before it freed it: %s',
    async (state) => {
      const server = serverWith(state, 'held');
      expect(permitsIn(server)).toEqual(['w-1: r-1']);
      await pass(server);
      expect(permitsIn(server)).toEqual([]);
    },
  );

  it.each(['ready-to-apply', 'apply-failed', 'apply-timeout'] as const)(
    'is freed when the strategy moved to a missing pool before its status said so: %s',
    async (state) => {
      const server = serverWith(state, 'elsewhere');
      await pass(server);
      expect(permitsIn(server)).toEqual([]);
    },
  );
});
