import { describe, expect, it } from 'vitest';
import { NoticeSweep } from '../../../src/controllers/session/notice-sweep.ts';
import type { StoredNotice } from '../../../src/resources/notices.ts';

const SESSION = 'MaintenanceSession/careen-hosts/round';

function noticeOf(session: string): StoredNotice {
  return {
    ...{ namespace: 'tenant', name: `of-${session}`, generation: 1, spec: {}, status: {} },
    ...{ uid: `uid-of-${session}`, resourceVersion: '7', session },
  };
}

/** Sweeps the notices of these sessions, of which some exist; the watch shows the session `s-1`. */
async function swept(notices: readonly string[], existing: readonly string[]) {
  const removed: string[] = [];
  const warned: unknown[] = [];
  let requests = 0;
  const sweep = new NoticeSweep({
    notices: {
      all: notices.map(noticeOf),
      remove: ({ session }) => {
        if (session === 'refused') return Promise.reject(new Error('no'));
        removed.push(session);
        return Promise.resolve();
      },
    },
    sessionsNow: () => {
      requests += 1;
      return Promise.resolve(new Set(existing));
    },
    log: { info: () => undefined, warn: (about) => void warned.push(about) },
  });
  sweep.shows(SESSION, 's-0');
  sweep.shows(SESSION, 's-1');
  await sweep.sweep();
  return { sweep, removed, warned, count: () => requests };
}

describe('the sweep of notices', () => {
  it('removes those whose session is gone, and no others', async () => {
    expect((await swept(['s-0', 's-1', ''], ['s-1'])).removed).toEqual(['s-0']);
  });

  it('keeps those of a session that exists, and that its watch does not show yet', async () => {
    const { removed, count } = await swept(['s-1', 's-2'], ['s-1', 's-2']);
    expect([removed, count()]).toEqual([[], 1]);
  });

  it('makes no request while the watch shows the session of each notice', async () => {
    expect((await swept(['s-1', ''], [])).count()).toBe(0);
  });

  it('asks once the watch shows that the session is gone', async () => {
    const { sweep, removed } = await swept(['s-1'], []);
    sweep.shows(SESSION, undefined);
    await sweep.sweep();
    expect(removed).toEqual(['s-1']);
  });

  it('goes on after a failure', async () => {
    const { sweep, warned, count } = await swept(['refused'], []);
    await sweep.sweep();
    expect([warned.length, count()]).toEqual([2, 2]);
  });
});
