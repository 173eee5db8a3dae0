import { describe, expect, it } from 'vitest';
import { runEvents } from '../../../src/status/event-drafts.ts';
import type { RunState } from '../../../src/engine/run-state.ts';
import { SimulatedRun } from '../support/simulated-run.ts';

/** The events of a whole run, pass by pass; the order within one pass means nothing. */
async function eventsOf(run: SimulatedRun): Promise<string[]> {
  const lines: string[] = [];
  let before: RunState = run.run;
  await run.until(() => {
    for (const { reason, subject = '', host = '' } of runEvents(before, run.run, ''))
      lines.push([reason, host, subject.replace('run-1', '')].filter(Boolean).join(' '));
    before = run.run;
    return run.run.apply.endTime !== undefined;
  });
  return lines;
}

describe('the events of a run', () => {
  it('report each change once', async () => {
    const run = await SimulatedRun.start({ hosts: [{ name: 'w-1' }, { name: 'w-2' }], maxUnavailable: 1 });
    expect((await eventsOf(run)).toSorted()).toEqual([
      ...['Applied', 'ApplyStarted', 'StageDone stage 0', 'StageDone stage 1'],
      ...['StageStarted stage 0', 'StageStarted stage 1'],
    ]);
  });

  it('name the failed host', async () => {
    const run = await SimulatedRun.start({ hosts: [{ name: 'w-1', behaviour: 7 }] });
    expect((await eventsOf(run)).toSorted()).toEqual([
      ...['ApplyFailed', 'ApplyStarted', 'HostFailed w-1 sw-patch-hosts', 'StageStarted stage 0'],
    ]);
  });
});
