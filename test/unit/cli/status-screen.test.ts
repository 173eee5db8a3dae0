import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { careenProgram } from '../../../src/cli/program.ts';
import { budgetSchema, forbidding, podSchema } from '../../../src/cli/status/budgets.ts';
import { overviewLines, worstOf } from '../../../src/cli/status/overview.ts';
import { reportLines } from '../../../src/cli/status/report-text.ts';
import { NO_SURROUNDINGS, statusReport, type StatusReport } from '../../../src/cli/status/report.ts';
import { standingOf } from '../../../src/cli/status/standing.ts';
import { lineText, lineWidth, type Line } from '../../../src/cli/text/lines.ts';
import type { Strategy } from '../../../src/resources/stored-strategy.ts';
import { hostPool } from '../../../src/resources/stored-pool.ts';
import { upgradeSamples } from '../../gitops/upgrade-samples.ts';
import { NOW, seenStrategies, seenStrategy } from '../support/seen-strategies.ts';

const CALLED = { program: 'careen', singular: 'patchstrategy' };
let samples: ReadonlyMap<string, Strategy>;
beforeAll(async () => {
  samples = await seenStrategies();
});

function sample(state: string): Strategy {
  const found = samples.get(state);
  if (!found) throw new Error(`no sample: ${state}`);
  return found;
}

const reportOf = (state: string): StatusReport => statusReport(sample(state), CALLED, NOW);
const textOf = (lines: readonly Line[]): string => lines.map(lineText).join('\n');
const screenOf = (state: string, columns = 80): string => textOf(reportLines(reportOf(state), NOW, columns));
/** The screen without the breaks of its lines. */
const readOf = (state: string): string => screenOf(state).replaceAll(/\s+/g, ' ');

describe('careen status', () => {
  it('says in every state what to do, with the whole command', () => {
    for (const [state, strategy] of samples) {
      const report = statusReport(strategy, { ...CALLED, program: 'kubectl careen', context: 'prod' }, NOW);
      const [first] = report.todo;
      expect(first?.does, state).toBeTruthy();
      if (report.state === 'applied' && report.standing === 'done' && !/lacks a patch/.test(state)) continue;
      expect(first?.command, state).toMatch(
        /^(kubectl careen [a-z]+ .*--context prod|kubectl --context prod )/,
      );
    }
  });

  it('advises only commands that exist, with the arguments and options that they take', () => {
    const nothing = (): void => undefined;
    const output = { out: nothing, err: nothing, note: nothing, name: 'careen', environment: {} };
    const program = careenProgram({ ...output, width: 80, isTerminal: false, hasColours: false });
    const commands = [...samples.values()].flatMap((strategy) =>
      statusReport(strategy, CALLED, NOW).todo.flatMap(({ command = '' }) => command),
    );
    const own = [...new Set(commands)].filter((command) => command.startsWith('careen '));
    expect(own.length).toBeGreaterThan(8);
    for (const command of own) {
      const [verb, ...words] = command
        .replace(/ -n \S+/, '')
        .split(' ')
        .slice(1);
      const named = program.commands.find((each) => each.name() === verb);
      const { operands = [], unknown = [command] } = named?.parseOptions(words) ?? {};
      const most = named?.registeredArguments ?? [];
      expect(unknown, command).toEqual([]);
      expect(operands.length, command).toBeLessThanOrEqual(most.length);
      expect(operands.length, command).toBeGreaterThanOrEqual(most.filter(({ required }) => required).length);
    }
  });

  it('stands as the conditions say', () => {
    const all = Object.fromEntries([...samples].map(([state, strategy]) => [state, standingOf(strategy)]));
    expect(all).toMatchObject({
      'made, not seen yet': 'working',
      'its pool has no hosts yet': 'working',
      'no plan can be built': 'failed',
      'planned, waits for approval': 'waits',
      'planned, its pool is paused': 'waits',
      'planned, its pool overlaps another': 'failed',
      'a stage runs, a budget blocks a pod': 'working',
      'a stage runs, somebody uncordoned a host': 'waits',
      suspended: 'waits',
      'between stages, held': 'waits',
      applied: 'done',
      'nothing to do': 'done',
      'failed, a host stays locked': 'failed',
      aborting: 'working',
      aborted: 'failed',
      'edited, not seen since': 'working',
      'being deleted': 'working',
    });
    expect(worstOf(['done', 'waits', 'working'])).toBe('waits');
    expect(worstOf([])).toBe('done');
  });

  it('names step, time and reason of each open host', () => {
    expect(screenOf('a stage runs, a budget blocks a pod')).toContain(
      [
        'HOST  STEP   SINCE  WHY',
        'w-1   drain  1 min  1 pod left on w-1; budget db does not allow to evict',
        '                    default/db-0',
      ].join('\n'),
    );
  });

  it('shows the progress in hosts, and the time', () => {
    expect(reportOf('between stages, held').hosts).toEqual({
      total: 4,
      done: 2,
      open: 0,
      failed: 0,
      skipped: 0,
    });
    expect(reportOf('failed, a host stays locked').hosts).toEqual({
      total: 1,
      done: 0,
      open: 0,
      failed: 1,
      skipped: 0,
    });
    expect(readOf('a stage runs, a budget blocks a pod')).toContain('began 1 min ago, about 20 min left');
    expect(readOf('applied')).toContain('4 of 4 hosts done took 8 min');
  });

  it('names the next stage of a run that waits, and the command for it', () => {
    expect(readOf('between stages, held')).toContain('careen apply sample --stage 1 -n careen-hosts');
  });

  it('offers to end an upgrade without a host that was left out', async () => {
    const upgrades = await upgradeSamples();
    const found = upgrades.get('hosts that were left out lack the release, activate waits');
    const report = statusReport(seenStrategy(found?.status ?? {}), CALLED, NOW);
    expect(report.message).toContain('w-1 lacks v1.36.4 and was left out: bring it to the release, or');
    expect([report.standing, ...report.todo.map(({ command }) => command)]).toEqual([
      'waits',
      'careen skip w-1 sample -n careen-hosts',
      'careen abort sample -n careen-hosts',
    ]);
  });

  it('leads from a failed host to the words of its Job, and offers its release before an abort', () => {
    const commands = reportOf('failed, a host stays locked').todo.map(({ command = '' }) => command);
    expect(commands[0]).toMatch(/^kubectl -n careen-hosts logs job\/careen-job-/);
    const verbs = commands.slice(1).map((command) => command.split(' ')[1]);
    expect(verbs).toEqual(['retry', 'resume', 'release', 'skip', 'abort']);
  });

  it('sends a plan that is not the pinned one to review', () => {
    const { todo, message } = reportOf('planned, another plan was approved');
    expect(todo[0]?.command).toContain('"execution":{"plan":"');
    expect(message).toContain('execution.plan is');
  });

  it('says each finding once', () => {
    expect(
      screenOf('planned, a finding blocks or warns').match(/nodeInfo.kernelVersion of v-1/g),
    ).toHaveLength(1);
  });

  it('says who has the hosts that a stage waits for', () => {
    const waiting = sample('a stage waits for permits');
    const owner = { kind: 'PatchStrategy', namespace: 'other', name: 'firmware', uid: 'u-2' };
    const pool = hostPool.parse({
      metadata: { ...waiting.metadata, name: 'default' },
      spec: { provider: { kubernetes: {} }, maxUnavailable: 1 },
      status: {
        outOfService: { count: 1, hosts: ['x'] },
        permits: [{ host: 'y', run: 'run-9', level: 'away', since: waiting.metadata.creationTimestamp }],
        runs: [{ id: 'run-9', owner }],
      },
    });
    const { todo } = statusReport(waiting, CALLED, NOW, { ...NO_SURROUNDINGS, pool });
    expect(todo.map(({ command }) => command)).toEqual([
      'careen explain x',
      'careen status firmware -n other',
    ]);
  });

  it('names the command of OpenStack for a compute host that somebody enabled', () => {
    const opened = sample('a stage runs, somebody uncordoned a host');
    const openstack = { identityRef: { name: 'login', cloudName: 'prod' } };
    const pool = hostPool.parse({
      metadata: { ...opened.metadata, name: 'default' },
      spec: { provider: { openstack }, maxUnavailable: 1 },
    });
    const { todo } = statusReport(opened, CALLED, NOW, { ...NO_SURROUNDINGS, pool });
    expect(todo[0]?.command).toBe('openstack compute service set --disable w-1 nova-compute');
    expect(statusReport(opened, CALLED, NOW).todo[0]?.command).toBe('kubectl cordon w-1');
  });

  it('shows the last request and its answer', () => {
    const requests = [
      {
        id: 'q-1',
        verb: 'retry',
        answer: 'refused',
        message: 'only a failed run can be restarted',
        time: '2026-11-23T09:00:30.000Z',
      },
    ];
    const strategy = seenStrategy({ ...sample('a stage runs').status, requests });
    expect(textOf(reportLines(statusReport(strategy, CALLED, NOW), NOW, 120))).toContain(
      'last request, 30 s ago: retry (q-1) refused: only a failed run can be restarted',
    );
  });
});

describe('a status that cannot be read', () => {
  it('is told, and does not count as one that nobody has written', () => {
    const { message } = statusReport(seenStrategy({ state: 'of-another-version' }), CALLED, NOW);
    expect(message).toContain('a version of Careen that this one cannot read');
  });
});

describe('a budget that forbids an eviction', () => {
  const pod = (name: string, labels: Record<string, string>, more: object = {}) =>
    podSchema.parse({ metadata: { namespace: 'default', name, labels, ...more } });
  const budget = (status: object) =>
    budgetSchema.parse({
      metadata: { namespace: 'default', name: 'db' },
      spec: { selector: { matchLabels: { app: 'db' } } },
      status,
    });
  const NONE = { disruptionsAllowed: 0, currentHealthy: 2, desiredHealthy: 2, expectedPods: 3 };

  it('is named with its pods and the remedy', () => {
    const surroundings = {
      pods: new Map([['w-1', [pod('db-0', { app: 'db' }), pod('web-0', { app: 'web' })]]]),
    };
    const adviceOn = (status: object) =>
      statusReport(sample('a stage runs, a budget blocks a pod'), CALLED, NOW, {
        ...surroundings,
        budgets: [budget(status)],
      }).blockers[0];
    expect(adviceOn(NONE)).toEqual({
      does:
        'PodDisruptionBudget default/db forbids to evict default/db-0 from w-1: it needs 2 healthy pods and has 2; ' +
        'the eviction goes ahead by itself once 3 pods are healthy: mend those that are not',
      command: 'kubectl -n default get pods -l app=db -o wide',
    });
    expect(adviceOn({ ...NONE, expectedPods: 2 })?.does).toContain('it never allows an eviction');
    expect(adviceOn({ ...NONE, disruptionsAllowed: 1 })).toBeUndefined();
  });

  it('is named once for all hosts that are drained', () => {
    const podsOf = new Map([
      ['w-1', [pod('db-0', { app: 'db' }), pod('db-1', { app: 'db' })]],
      ['w-2', [pod('web-0', { app: 'web' })]],
      ['w-3', [pod('db-2', { app: 'db' }), pod('db-3', { app: 'db' })]],
    ]);
    const [only, ...others] = statusReport(sample('a stage runs, a budget blocks a pod'), CALLED, NOW, {
      pods: podsOf,
      budgets: [budget(NONE)],
    }).blockers;
    expect(others).toEqual([]);
    expect(only?.does).toContain(
      'forbids to evict default/db-0, default/db-1, default/db-2 and 1 more from w-1, w-3: ',
    );
  });

  it('does not keep a pod that is leaving, has ended, or is of another namespace', () => {
    const leaving = pod('db-0', { app: 'db' }, { deletionTimestamp: '2026-11-23T09:00:00Z' });
    const ended = { ...pod('db-1', { app: 'db' }), status: { phase: 'Succeeded' } };
    const elsewhere = pod('db-2', { app: 'db' }, { namespace: 'other' });
    expect(forbidding(new Map([['w-1', [leaving, ended, elsewhere]]]), [budget(NONE)])).toEqual([]);
  });
});

describe('in any number of columns', () => {
  const columns = fc.integer({ min: 20, max: 200 });
  const strange = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 120 }),
    fc.lorem(),
    fc.constant('漢字 🚢 é\u001b[2J\n'),
  );

  it('no line of the screen or of the table is wider', () => {
    const states = fc.constantFrom(...samples.keys());
    fc.assert(
      fc.property(states, columns, strange, (state, width, reason) => {
        const strategy = sample(state);
        const { progress } = strategy.status;
        const hosts = progress?.hosts.map((host) => ({ ...host, reason })) ?? [];
        const status = {
          ...strategy.status,
          message: reason,
          ...(progress ? { progress: { ...progress, hosts } } : {}),
        };
        const report = statusReport({ ...strategy, status }, CALLED, NOW);
        const lines = [
          ...reportLines(report, NOW, width),
          ...overviewLines([report, report], 'namespace a', width),
        ];
        for (const line of lines) {
          expect(lineWidth(line), lineText(line)).toBeLessThanOrEqual(width);
          expect(lineText(line)).not.toMatch(/\p{Cc}/u);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('the table of all strategies tells the kinds of two that have one name', () => {
    const report = reportOf('applied');
    const other = { ...report, strategyKind: 'UpgradeStrategy' };
    const lines = textOf(overviewLines([report, other, { ...report, name: 'alone' }], 'namespace a', 120));
    expect(lines).toContain('careen-hosts/sample (PatchStrategy)');
    expect(lines).toContain('careen-hosts/sample (UpgradeStrategy)');
    expect(lines).toMatch(/careen-hosts\/alone +applied/);
  });

  it('the table of all strategies has a row for each, and says when there is none', () => {
    const reports = [...samples.values()].map((strategy) => statusReport(strategy, CALLED, NOW));
    expect(overviewLines(reports, 'all namespaces', 120).length).toBeGreaterThan(reports.length);
    expect(textOf(overviewLines([], 'namespace a', 80))).toBe('no strategy in namespace a');
  });
});
