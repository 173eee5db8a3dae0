import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { earliest } from '../../../src/controllers/runtime/reconcile-result.ts';
import { WorkQueue } from '../../../src/controllers/runtime/work-queue.ts';

describe('the work queue', () => {
  it('runs a key once at a time, and again when it is added meanwhile', async () => {
    const gates: (() => void)[] = [];
    let running = 0;
    const queue = new WorkQueue({
      atOnce: 4,
      failed: () => undefined,
      work: async () => {
        expect(++running).toBe(1);
        await new Promise<void>((open) => gates.push(open));
        running -= 1;
      },
    });
    queue.add('a');
    queue.add('a');
    queue.add('a');
    gates.shift()?.();
    await new Promise(setImmediate);
    expect(gates).toHaveLength(1);
    gates.shift()?.();
    await queue.stop();
    expect(gates).toHaveLength(0);
  });

  it('lets groups take turns: a thousand keys of one make no other wait', async () => {
    const order: string[] = [];
    const queue = new WorkQueue({
      ...{ atOnce: 1, failed: () => undefined, groupOf: (key) => key.split('/')[0] ?? '' },
      work: async (key) => {
        order.push(key);
        await Promise.resolve();
        return undefined;
      },
    });
    for (let i = 0; i < 1000; i++) queue.add(`many/${String(i)}`);
    for (const key of ['few/a', 'other/b', 'few/c']) queue.add(key);
    expect(queue.depth).toBe(1002);
    await vi.waitFor(() => expect(queue.depth).toBe(0));
    await queue.stop();
    expect(order.slice(0, 6)).toEqual(['many/0', 'many/1', 'few/a', 'other/b', 'many/2', 'few/c']);
    expect(order).toHaveLength(1003);
  });

  it('lets changes that come soon after a run share the next one; the first is not delayed', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const runs: number[] = [];
    const queue = new WorkQueue({
      ...{ atOnce: 1, spacingMilliseconds: 25, failed: () => undefined },
      work: async () => {
        runs.push(performance.now());
        return Promise.resolve(undefined);
      },
    });
    const began = performance.now();
    for (let i = 0; i < 10; i++) {
      queue.add('a');
      await vi.advanceTimersByTimeAsync(5);
    }
    await vi.advanceTimersByTimeAsync(100);
    queue.add('a');
    await queue.stop();
    expect(runs.map((at) => at - began)).toEqual([0, 25, 50, 150]);
  });

  it('runs a key also when the timer of its spacing fires a little early', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    // Timers have whole milliseconds, the clock has fractions of them.
    const now = performance.now.bind(performance);
    const clock = vi.spyOn(performance, 'now');
    clock.mockImplementation(() => now() + (runs > 0 ? 0 : 0.7));
    onTestFinished(() => clock.mockRestore());
    let runs = 0;
    const queue = new WorkQueue({
      ...{ atOnce: 1, spacingMilliseconds: 25, failed: () => undefined },
      work: async () => Promise.resolve(void (runs += 1)),
    });
    queue.add('a');
    await vi.advanceTimersByTimeAsync(5);
    queue.add('a');
    await vi.advanceTimersByTimeAsync(100);
    await queue.stop();
    expect(runs).toBe(2);
  });

  it('retries a failed key', async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    let tries = 0;
    const queue = new WorkQueue({
      atOnce: 1,
      failed: (_key, error) => expect(String(error)).toContain('first'),
      work: async () => {
        if (++tries === 1) throw new Error('first');
        resolve(undefined);
      },
    });
    queue.add('a');
    await promise;
    await queue.stop();
    expect(tries).toBe(2);
  });
});

describe('a worker that requeues its key for a time', () => {
  function faked(): void {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    onTestFinished(() => void vi.useRealTimers());
  }

  it('has it run at that time, and at once when the time has passed', async () => {
    faked();
    const answers = [-1, 5_000];
    let runs = 0;
    const queue = new WorkQueue({
      atOnce: 1,
      failed: () => undefined,
      work: async () => {
        runs += 1;
        return Promise.resolve(answers.shift());
      },
    });
    queue.add('a');
    await vi.advanceTimersByTimeAsync(4_999);
    expect(runs).toBe(2);
    await vi.advanceTimersByTimeAsync(1);
    expect(runs).toBe(3);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(runs).toBe(3);
    await queue.stop();
  });

  it('has it run too early rather than at once, when no timer of Node is as long', async () => {
    faked();
    let runs = 0;
    const queue = new WorkQueue({
      atOnce: 1,
      failed: () => undefined,
      work: async () => Promise.resolve(++runs === 1 ? 30 * 24 * 3600_000 : undefined),
    });
    queue.add('a');
    await vi.advanceTimersByTimeAsync(24 * 3600_000);
    expect(runs).toBe(1);
    await vi.advanceTimersByTimeAsync(29 * 24 * 3600_000);
    expect(runs).toBe(2);
    await queue.stop();
  });

  it('runs again when the key was added meanwhile', async () => {
    faked();
    const answers = [5_000];
    let runs = 0;
    const queue: WorkQueue = new WorkQueue({
      atOnce: 1,
      failed: () => undefined,
      work: async (key) => {
        await Promise.resolve();
        if (++runs === 1) queue.add(key);
        return answers.shift();
      },
    });
    queue.add('a');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(runs).toBe(2);
    await queue.stop();
  });
});

describe('the combined results of a pass', () => {
  it('have the earliest requeue time, and none when no part has one', () => {
    expect(earliest({ requeueAt: 7 }, {}, { requeueAt: 3 }, { requeueAt: undefined })).toEqual({
      requeueAt: 3,
    });
    expect(earliest({}, { requeueAt: undefined })).toEqual({});
  });
});

describe('a requeue time', () => {
  it('is the earliest of several, also when the wall clock was set forward between them', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const done: string[] = [];
    const queue = new WorkQueue({
      atOnce: 1,
      failed: () => undefined,
      work: async (key) => void done.push(key),
    });
    queue.addAfter('a', 300_000);
    vi.setSystemTime(Date.now() + 3_600_000);
    queue.addAfter('a', 1_000);
    vi.advanceTimersByTime(1_000);
    expect(done).toEqual(['a']);
    await queue.stop();
  });
});
