import fc from 'fast-check';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findStrategy } from '../../../src/cli/cluster/strategies.ts';
import { statusReport, type StatusReport } from '../../../src/cli/status/report.ts';
import { lineText, lineWidth } from '../../../src/cli/text/lines.ts';
import { changesBetween } from '../../../src/cli/watch/changes.ts';
import { follow, type Followed } from '../../../src/cli/watch/follow.ts';
import { frameLines } from '../../../src/cli/watch/frame.ts';
import { Screen } from '../../../src/cli/watch/screen.ts';
import type { Strategy } from '../../../src/resources/stored-strategy.ts';
import { eventually } from '../../support/eventually.ts';
import { ClusterInMemory } from '../support/cluster-in-memory.ts';
import { NOW, seenStrategies } from '../support/seen-strategies.ts';

let samples: ReadonlyMap<string, Strategy>;
beforeAll(async () => {
  samples = await seenStrategies();
});

function reportOf(state: string): StatusReport {
  const strategy = samples.get(state);
  if (!strategy) throw new Error(`no sample: ${state}`);
  return statusReport(strategy, { program: 'careen', singular: 'patchstrategy' }, NOW);
}

const DRAINS = 'a stage runs, a budget blocks a pod';

describe('the picture of a run', () => {
  it('has a bar for all hosts and one for each stage, and the reason of each host', () => {
    const lines = frameLines({ report: reportOf(DRAINS) }, NOW, { columns: 80, rows: 40 }).map(lineText);
    expect(lines.join('\n')).toContain(
      [
        '[====================....................] 0 of 4 hosts done, 2 worked on',
        'began 1 min ago, about 20 min left',
        '',
        'STAGE              HOSTS',
        '0      [#=......]  w-1, w-2',
        '1      [........]  w-3, w-4',
        '',
        'HOST  STEP   SINCE  WHY',
        'w-1   drain  1 min  1 pod left on w-1; budget db',
      ].join('\n'),
    );
    expect(lines.at(-1)).toBe('Ctrl-C ends this view, not the run');
  });

  it('says what to do when the run waits for a person', () => {
    const text = frameLines({ report: reportOf('between stages, held') }, NOW, { columns: 80, rows: 40 });
    expect(text.map(lineText)).toContain('  careen apply sample --stage 1 -n careen-hosts');
  });

  it('says since when the connection is lost', () => {
    const lost = { since: NOW - 5000, why: 'connect ECONNREFUSED' };
    const lines = frameLines({ report: reportOf(DRAINS), lost }, NOW, { columns: 200, rows: 40 });
    expect(lines.map(lineText).join(' ')).toContain('the watch is interrupted since 5 s, trying again');
  });

  it('fits into every terminal', () => {
    const states = fc.constantFrom(...samples.keys());
    const size = fc.record({
      columns: fc.integer({ min: 20, max: 200 }),
      rows: fc.integer({ min: 1, max: 60 }),
    });
    const lost = fc.option(fc.constant({ since: NOW, why: 'x'.repeat(300) }), { nil: undefined });
    fc.assert(
      fc.property(states, size, lost, (state, given, gone) => {
        const lines = frameLines({ report: reportOf(state), lost: gone }, NOW, given);
        expect(lines.length).toBeLessThanOrEqual(given.rows);
        for (const line of lines) expect(lineWidth(line), lineText(line)).toBeLessThanOrEqual(given.columns);
      }),
      { numRuns: 300 },
    );
  });
});

describe('the changes of a run', () => {
  it('begin with all that is known', () => {
    expect(changesBetween(undefined, reportOf(DRAINS))).toEqual([
      'applying: working',
      '0 of 4 hosts, 0 of 2 stages done',
      'stage 0: drain (migrate-instances-from-host)',
      'w-1: drain: 1 pod left on w-1; budget db does not allow to evict default/db-0',
    ]);
  });

  it('are none between two equal looks', () => {
    for (const state of samples.keys())
      expect(changesBetween(reportOf(state), reportOf(state)), state).toEqual([]);
  });

  it('name each step, the end of each host and the end of the run', () => {
    expect(changesBetween(reportOf(DRAINS), reportOf('a stage runs'))).toEqual([
      'stage 0: patch (sw-patch-hosts)',
      'w-1: patch: making the Job for kernel-6.12.48 on w-1',
      'w-2: patch: making the Job for kernel-6.12.48 on w-2',
    ]);
    expect(changesBetween(reportOf('a stage runs'), reportOf('applied'))).toEqual([
      'applied: done',
      '4 of 4 hosts, 2 of 2 stages done',
      'w-1: no longer worked on',
      'w-2: no longer worked on',
      'all hosts of the plan are patched',
    ]);
  });
});

describe('the screen', () => {
  const written: string[] = [];
  const terminal = {
    write: (text: string) => void written.push(text),
    size: () => ({ columns: 80, rows: 24 }),
    onResize: () => () => undefined,
  };
  afterEach(() => void written.splice(0));

  it('hides the cursor with its first picture, and shows it again once', () => {
    const screen = new Screen(terminal, false);
    screen.draw(['a', 'b']);
    screen.close();
    screen.close();
    screen.draw(['c']);
    expect(written).toEqual([
      '\u001b[?1049h\u001b[?25l\u001b[Ha\u001b[K\r\nb\u001b[K\u001b[J',
      '\u001b[?25h\u001b[?1049l',
    ]);
  });

  it('writes a picture at once, and only when it has changed', () => {
    const screen = new Screen(terminal, false);
    for (const lines of [['a'], ['a'], ['b']]) screen.draw(lines);
    screen.forget();
    screen.draw(['b']);
    expect(written).toHaveLength(3);
  });

  it('writes nothing when it is closed without a picture', () => {
    new Screen(terminal, false).close();
    expect(written).toEqual([]);
  });
});

describe('a watch', () => {
  it('tells changes, a break of the connection, its end, and a deletion', async () => {
    const cluster = new ClusterInMemory();
    cluster.strategy('kernel');
    const located = await findStrategy(cluster.connection, 'kernel', () => undefined);
    const stopping = new AbortController();
    let seen: Followed = { located, isDeleted: false };
    let isBroken = true;
    cluster.before = ({ query }) => {
      if (isBroken && query?.['watch'] === true) throw new Error('connect ECONNREFUSED');
    };
    follow(cluster.connection, located, (followed) => (seen = followed), stopping.signal);
    await eventually('the break is told', () => seen.lost?.why === 'connect ECONNREFUSED');
    isBroken = false;
    await eventually('the watch continues', () => !seen.lost);
    cluster.change('kernel', (object) => ({ ...object, status: { message: 'it goes on' } }));
    await eventually('the change is told', () => seen.located.strategy.status.message === 'it goes on');
    cluster.server.remove('patchstrategies', 'careen-hosts/kernel', 'person');
    await eventually('the deletion is told', () => seen.isDeleted);
    stopping.abort();
  });
});
