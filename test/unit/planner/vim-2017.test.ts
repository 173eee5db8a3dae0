/** The plans of the old API samples, as far as starlingx-vim.md §13.1 describes them, except for the order of hosts. */
import { describe, expect, it } from 'vitest';
import { timeoutOver } from '../../../src/planner/stage-steps.ts';
import { buildDocument } from '../../../src/planner/vim/build-document.ts';
import type { VimBuild } from '../../../src/planner/vim/build.ts';
import { CONTROLLERS, host, IN_PLACE, instance, patchBuild, upgradeBuild, worker } from './vim-platform.ts';

const profile = 'vim-2017';

/** Each stage with its name, its timeout, and its steps with their timeouts. */
function sample(build: VimBuild) {
  return buildDocument(build)['apply-phase'].stages.map((stage) => ({
    name: stage['stage-name'],
    timeout: stage.timeout,
    steps: stage.steps.map((step) => `${step['step-name']} ${String(step.timeout)}`),
  }));
}

describe('vim-2017', () => {
  it('queries for 181 and 182 seconds before sw-patch', () => {
    const phase = buildDocument(patchBuild([...CONTROLLERS, worker('compute-0')], { profile }))[
      'build-phase'
    ];
    expect([phase.stages[0]?.timeout, phase.timeout]).toEqual([181, 182]);
  });

  it('patches workers and controllers in 60+900+900+1800+900+60+1 = 4621 seconds', () => {
    const hosts = [host('controller-0', 'controller'), ...CONTROLLERS.slice(1), worker('compute-0')];
    const build = patchBuild(hosts, { profile, instances: [instance('vm', 'compute-0')] });
    const steps = (second: string) => [
      'query-alarms 60',
      second,
      'lock-hosts 900',
      'sw-patch-hosts 1800',
      'unlock-hosts 900',
      'system-stabilize 60',
    ];
    expect(sample(build)).toEqual([
      { name: 'sw-patch-controllers', timeout: 4621, steps: steps('swact-hosts 900') },
      { name: 'sw-patch-worker-hosts', timeout: 4621, steps: steps('migrate-instances 900') },
    ]);
  });

  it('patches in place in 60+1800+60+1 = 1921 seconds', () => {
    expect(sample(patchBuild([...CONTROLLERS, worker('compute-0', IN_PLACE)], { profile }))).toEqual([
      {
        name: 'sw-patch-worker-hosts',
        timeout: 1921,
        steps: ['query-alarms 60', 'sw-patch-hosts 1800', 'system-stabilize 60'],
      },
    ]);
  });

  it('upgrades a controller and two workers in 10861+3721+3721+1 = 18304 seconds', () => {
    const hosts = [
      host('controller-0', 'controller'),
      ...CONTROLLERS.slice(1),
      worker('compute-0'),
      worker('compute-1'),
    ];
    const upgraded = sample(upgradeBuild(hosts, { profile }));
    const steps = (last: string) => [
      'query-alarms 60',
      'lock-hosts 900',
      'upgrade-hosts 1800',
      'unlock-hosts 900',
      last,
    ];
    const worked = { name: 'sw-upgrade-worker-hosts', timeout: 3721, steps: steps('system-stabilize 60') };
    expect(upgraded).toEqual([
      { name: 'sw-upgrade-controllers', timeout: 10_861, steps: steps('wait-data-sync 7200') },
      worked,
      worked,
    ]);
    expect(timeoutOver(upgraded.map(({ timeout }) => ({ timeoutSeconds: timeout })))).toBe(18_304);
  });
});
