import { describe, expect, it } from 'vitest';
import { CommandError } from '../../../src/cli/command-error.ts';
import { careen } from '../../support/operator/careen-cli.ts';
import {
  chartWidth,
  EXAMPLES,
  inputs,
  printed,
  WIDTH,
  workers,
  type Options,
} from '../support/simulations.ts';

const PROCESS = { timeout: 60_000 };

describe('the chart of careen simulate', PROCESS, () => {
  it('folds equal rows of hundreds of hosts, and shows the failing host', async () => {
    const files = await inputs({}, workers(200));
    const well = await printed(files);
    expect(well.out).toContain('w-11 + 9 more');
    const worse = await printed({ ...files, seed: '7', fail: ['w-42:verify'] });
    for (const { out } of [well, worse]) {
      expect(out.split('\n').length).toBeLessThan(80);
      expect(chartWidth(out)).toBeLessThanOrEqual(WIDTH);
    }
    expect(worse.out).toMatch(/^ +w-42 +[mpvl]+X$/m);
    const many = await printed(await inputs({ workerApplyType: 'serial' }, workers(50)));
    expect(many.out).toMatch(/^0-49 +50 hosts +=+$/m);
  });

  it('is as wide as the terminal', async () => {
    const narrow = await printed({}, 60);
    const wide = await printed({}, 160);
    expect([chartWidth(narrow.out), chartWidth(wide.out)]).toEqual([60, 160]);
  });

  it('is made for any width', async () => {
    for (const width of [0, 1, 20]) expect((await printed({}, width)).status).toBe(0);
  });
});

describe('careen simulate refuses', () => {
  it.each<[string, Options, string]>([
    [
      'an unknown host',
      { fail: ['worker-9:verify'] },
      '--fail worker-9:verify: no host worker-9 is in the plan; there is controller-0, ',
    ],
    [
      'a host without work',
      { slow: ['worker-3:verify=9'] },
      '--slow worker-3:verify=9: no host worker-3 is in the plan',
    ],
    [
      'an unknown step',
      { fail: ['worker-0:reboot'] },
      '--fail worker-0:reboot: there is no step reboot for worker-0; there is query-alarms, lock-hosts, ',
    ],
    ['no step', { fail: ['worker-0'] }, '--fail worker-0: expected HOST:STEP, such as worker-0:verify'],
    [
      'no seconds',
      { slow: ['worker-0:verify=soon'] },
      '--slow worker-0:verify=soon: expected HOST:STEP=SECONDS',
    ],
    [
      'another time to settle',
      { slow: ['worker-0:system-stabilize=9'] },
      '--slow worker-0:system-stabilize=9: system-stabilize always takes all of its time',
    ],
    ['a seed that is no number', { seed: 'x' }, '--seed x: expected a whole number'],
  ])('%s', async (_what, options, message) => {
    const refused = await printed(options).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(CommandError);
    expect(String(refused)).toContain(message);
  });

  it('a failure in a step that takes no time', async () => {
    const files = await inputs({}, workers(1));
    await expect(printed({ ...files, fail: ['w-1:system-stabilize'] })).rejects.toThrow(
      'takes no time in this plan',
    );
  });
});

describe('the command', PROCESS, () => {
  it('accepts repeated options, takes the width from COLUMNS, and reports the result by its status', async () => {
    const { filename, fleet } = EXAMPLES;
    const options = ['--fail', 'worker-1:verify', '--fail', 'worker-2:verify', '--slow', '*:lock-hosts=9'];
    const environment = { COLUMNS: '120' };
    const args = ['simulate', '-f', filename, '--fleet', fleet, '--seed', '1', ...options];
    const { status, out, err } = await careen(args, { environment });
    expect({ status, err }).toEqual({ status: 3, err: '' });
    expect(out).toContain('locked       worker-1, worker-2');
    expect(chartWidth(out)).toBe(120);
  });
});
