/** What careen plan does not plan, and how it names what is wrong. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CommandError } from '../../../src/cli/command-error.ts';
import { plan as planFrom } from '../../../src/cli/commands/plan.ts';
import { keptIo } from '../../support/cli/kept-io.ts';
import { fleetOf, PlanFolder, type Fields } from '../../support/cli/plan-folder.ts';
import { strategyManifest } from '../../support/operator/strategies.ts';

const PROCESS = { timeout: 60_000 };

let folder: PlanFolder;
beforeAll(async () => {
  folder = await PlanFolder.make();
});
afterAll(async () => folder.remove());

describe('careen plan refuses', PROCESS, () => {
  const strategy = (spec: Fields = {}) => strategyManifest('kernel', 'careen-hosts', spec);

  it('every wrong field of a strategy: file, line and column, path, value, and the allowed values', async () => {
    const wrong = strategy({
      workerApplyType: 'fast',
      maxParallelWorkerHosts: 0,
      timing: { lockTimeoutSeconds: 'long' },
    });
    expect(await folder.plan(wrong, fleetOf([]))).toEqual({
      status: 1,
      out: '',
      err: [
        'careen: strategy.yaml:26:20: spec.workerApplyType is "fast": expected one of "serial"|"parallel"|"ignore"',
        'careen: strategy.yaml:27:27: spec.maxParallelWorkerHosts is 0: expected number to be >=1',
        'careen: strategy.yaml:25:25: spec.timing.lockTimeoutSeconds is "long": expected number',
        '',
      ].join('\n'),
    });
  });

  it.each<[string, unknown, unknown, string]>([
    [
      'an unknown field',
      strategy({ paralel: 3 }),
      fleetOf([]),
      'strategy.yaml: spec.paralel is 3: there is no such field; known here: ',
    ],
    [
      'a broken rule',
      strategy({ reboot: undefined }),
      fleetOf([]),
      'strategy.yaml: spec.reboot is missing: spec.reboot must say how to reboot a host',
    ],
    [
      'another API',
      { ...strategy(), apiVersion: 'v1' },
      fleetOf([]),
      'strategy.yaml: apiVersion is "v1": expected "careen.dev/v1alpha1"',
    ],
    [
      'no strategy',
      fleetOf([]),
      fleetOf([]),
      'strategy.yaml has no PatchStrategy, UpgradeStrategy or MaintenanceSession in it, only Fleet',
    ],
    [
      'another pool',
      strategy({ poolRef: 'gpu' }),
      fleetOf([]),
      'fleet.yaml: pool.name is "default": the strategy is for pool gpu (spec.poolRef); export that one with careen fleet --pool gpu',
    ],
    [
      'a host twice',
      strategy(),
      fleetOf([{ name: 'a' }, { name: 'a' }]),
      'fleet.yaml: hosts[1].name is "a": hosts[0] has that name already; each host is listed once',
    ],
    [
      'an unknown field of a host',
      strategy(),
      fleetOf([{ name: 'a', cordoned: true }]),
      'fleet.yaml: hosts[0].cordoned is true: there is no such field; known here: name, ',
    ],
    [
      'a fact that is no text',
      strategy(),
      fleetOf([{ name: 'a', nodeInfo: { kernelVersion: 6.12 } }]),
      'fleet.yaml: hosts[0].nodeInfo.kernelVersion is 6.12: expected string',
    ],
    [
      'a fact without the version that a patch asks for',
      strategy(),
      fleetOf([{ name: 'a', nodeInfo: { kernelVersion: 'generic' } }]),
      'hosts.a.nodeInfo.kernelVersion is "generic": it holds no version, so patch kernel-6.12.48 cannot compare it',
    ],
    [
      'an impossible limit',
      strategy(),
      fleetOf([], { spec: { provider: { kubernetes: {} }, maxUnavailable: '0%' } }),
      'fleet.yaml: pool.spec.maxUnavailable is "0%": maxUnavailable must be a number from 1 to 10000, or a percentage',
    ],
    [
      'an active host that is none of the hosts',
      strategy(),
      fleetOf([{ name: 'a' }], { activeHost: 'b' }),
      'fleet.yaml: pool.activeHost is "b": no host of the file has that name; name one of hosts, or leave it out',
    ],
    [
      'what the VIM refuses',
      strategy({ profile: 'vim-2024' }),
      fleetOf([]),
      'no software patches need to be applied',
    ],
    [
      'a host of another pool',
      strategy(),
      fleetOf([{ name: 'a' }], {
        spec: { provider: { kubernetes: { nodeSelector: { pool: 'gpu' } } }, maxUnavailable: 1 },
      }),
      'fleet.yaml: hosts[0].labels is {}: the nodeSelector of pool default asks for {"pool":"gpu"}',
    ],
    [
      'a host that its pool excludes',
      strategy(),
      fleetOf([{ name: 'a', labels: { type: 'virtual' } }], {
        spec: {
          provider: { kubernetes: { exclude: [{ matchLabels: { type: 'virtual' } }] } },
          maxUnavailable: 1,
        },
      }),
      'fleet.yaml: hosts[0].labels is {"type":"virtual"}: the nodeSelector of pool default asks for {} and excludes [{"matchLabels":{"type":"virtual"}}]; correct the labels, or leave the host out',
    ],
  ])('%s', async (_what, wrong, fleet, message) => {
    await folder.write('strategy.yaml', wrong);
    await folder.write('fleet.yaml', fleet);
    const [filename, fleetName] = [join(folder.path, 'strategy.yaml'), join(folder.path, 'fleet.yaml')];
    const io = keptIo();
    const refused = await planFrom({ filename, fleet: fleetName, output: 'table' }, io).catch(
      (error: unknown) => error,
    );
    expect(refused).toBeInstanceOf(CommandError);
    const said = String(refused)
      .replaceAll(`${folder.path}/`, '')
      .replaceAll(/(?<=\.yaml):\d+:\d+(?=: )/g, '');
    expect(said).toContain(`CommandError: ${message}`);
    expect([io.printed, io.noted]).toEqual(['', '']);
  });

  it('two strategies at once, a missing file, text that is not YAML', async () => {
    await folder.write('two.yaml', strategy(), strategy());
    await writeFile(join(folder.path, 'text.yaml'), 'a: [b');
    const errors = await Promise.all(
      ['two.yaml', 'none.yaml', 'text.yaml'].map(async (name) => {
        const { status, err } = await folder.careen(['plan', '-f', name, '--fleet', 'fleet.yaml']);
        return `${String(status)} ${err}`;
      }),
    );
    expect(errors).toEqual([
      expect.stringContaining(
        '1 careen: two.yaml has 2 documents with kind: PatchStrategy; give one at a time',
      ),
      expect.stringContaining('1 careen: none.yaml cannot be read: ENOENT'),
      expect.stringContaining('1 careen: text.yaml:1:6: this is no YAML for kubectl: '),
    ]);
  });

  it('a context that is not in the kubeconfig, and a cluster that does not answer', async () => {
    await folder.write('strategy.yaml', strategy());
    await folder.write('kubeconfig', {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: 'http://127.0.0.1:1' } }],
      users: [{ name: 'u', user: {} }],
      contexts: [{ name: 'lab', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'lab',
    });
    const environment = { KUBECONFIG: join(folder.path, 'kubeconfig') };
    const none = await folder.careen(['plan', '-f', 'strategy.yaml', '--context', 'prod'], { environment });
    expect(none).toEqual({
      status: 1,
      out: '',
      err: 'careen: the kubeconfig has no context prod; it has lab\n',
    });
    const without = await folder.careen(['fleet'], { environment: { KUBECONFIG: '', HOME: folder.path } });
    expect(without).toMatchObject({
      status: 1,
      err: expect.stringMatching(/^careen: no kubeconfig: /) as unknown,
    });
    const silent = await folder.careen(['plan', '-f', 'strategy.yaml'], { environment });
    expect(silent).toMatchObject({ status: 1, out: '' });
    expect(silent.err).toMatch(
      /^careen: http:\/\/127\.0\.0\.1:1 \(context lab\) does not answer: .*; choose another cluster with --context or KUBECONFIG, or plan from a file with --fleet\n$/,
    );
  });
});
