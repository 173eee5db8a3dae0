import { describe, expect, it } from 'vitest';
import { runEvents, sharedEvents } from '../../../../src/status/shown/event-drafts.ts';
import type { RunState } from '../../../../src/engine/run/run-state.ts';
import { job, SimulatedRun, upgradeSpec } from '../../support/simulated-run.ts';

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

it('the events of an upgrade name the host that is not staged, where it is left out', async () => {
  const hosts = [{ name: 'w-1', jobs: { 'stage-worker': { exitCode: 7 } } }, { name: 'w-2' }];
  const stage = { job };
  const upgrade = upgradeSpec({ hosts: { worker: { action: { job }, stage } }, maxUnstagedHosts: 1 });
  const events = await eventsOf(await SimulatedRun.start({ hosts, upgrade }));
  expect(events.filter((each) => each.includes('w-1'))).toEqual([
    'HostFailed w-1 stage-hosts',
    'HostNotStaged w-1',
    'HostNotStaged w-1',
  ]);
});

describe('the events of effects', () => {
  const locked = (host: string) =>
    ({ reason: 'HostLocked', host, note: `${host} was cordoned and claimed` }) as const;
  const kept = (host: string) =>
    ({ reason: 'HostLeftLocked', host, note: `${host} stays cordoned: its Job failed` }) as const;

  it('are one for all hosts that were locked together, and name each of them', () => {
    expect(sharedEvents([locked('w-1'), kept('w-4'), locked('w-2'), locked('w-3')])).toEqual([
      {
        reason: 'HostLocked',
        subject: 'w-1,w-2,w-3',
        note: 'w-1 was cordoned and claimed; so were w-2, w-3',
      },
      kept('w-4'),
    ]);
  });

  it('stay apart where each host has its own reason, or is alone', () => {
    for (const drafts of [[kept('w-1'), kept('w-2')], [locked('w-1')]])
      expect(sharedEvents(drafts)).toEqual(drafts);
  });

  it('name twenty hosts at most: a note is short', () => {
    const hosts = Array.from({ length: 50 }, (_, i) => locked(`w-${String(i)}`));
    expect(sharedEvents(hosts)).toMatchObject([
      { note: expect.stringMatching(/, w-20 and 29 more$/) as string },
    ]);
  });
});
