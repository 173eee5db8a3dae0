import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dump, load } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CommandError } from '../../../src/cli/command-error.ts';
import { plan as planFrom } from '../../../src/cli/commands/plan.ts';
import { keptIo } from '../../support/cli/kept-io.ts';
import { careen, ROOT } from '../../support/operator/careen-cli.ts';
import { kernelPatch, kubeletPatch, strategyManifest } from '../../support/operator/strategies.ts';

const EXAMPLE = join(ROOT, 'examples', 'patch-strategy.yaml');
const FLEET = join(ROOT, 'examples', 'fleet.yaml');
const PROCESS = { timeout: 60_000 };

type Fields = Readonly<Record<string, unknown>>;

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'careen-plan-'));
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

const file = (name: string, ...contents: unknown[]) =>
  writeFile(join(cwd, name), contents.map((each) => dump(each)).join('---\n'));
const fleetOf = (hosts: readonly Fields[], pool: Fields = {}): Fields => ({
  apiVersion: 'careen.dev/v1alpha1',
  kind: 'Fleet',
  pool: { name: 'default', spec: { provider: { kubernetes: {} }, maxUnavailable: 2 }, ...pool },
  hosts,
});
const OLD = { nodeInfo: { kernelVersion: '6.12.41' } };
const NEW = { nodeInfo: { kernelVersion: '6.12.48' } };

/** Runs careen plan on a strategy and a fleet, each in a file of its own. */
async function plan(strategy: unknown, fleet: unknown, ...more: string[]) {
  await file('strategy.yaml', strategy);
  await file('fleet.yaml', fleet);
  return careen(['plan', '-f', 'strategy.yaml', '--fleet', 'fleet.yaml', ...more], { cwd });
}

describe('careen plan', PROCESS, () => {
  it('shows the plan of the example, and reports work by its status', async () => {
    const { status, out, err } = await careen(['plan', '-f', EXAMPLE, '--fleet', FLEET]);
    expect({ status, err }).toEqual({ status: 2, err: '' });
    expect(out.replace(/sha256:\w{64}/, 'sha256:…')).toMatchInlineSnapshot(`
      "careen-hosts/kernel-2026-11 on HostPool default: 8 hosts, at most 4 out of service at once

      STAGE  NAME                    HOSTS                         PATCH           ABOUT
      0      sw-patch-controllers    controller-0                  kernel-6.12.48  8 min
      1      sw-patch-controllers    controller-1                  kernel-6.12.48  8 min
      2      sw-patch-storage-hosts  storage-0                     kernel-6.12.48  8 min
      3      sw-patch-worker-hosts   worker-0, worker-1, worker-2  kernel-6.12.48  8 min
      4      sw-patch-worker-hosts   worker-4                      kernel-6.12.48  8 min

      Stages 0 to 4: hosts are taken out of service for kernel-6.12.48, in these steps:
        STEP                                 ABOUT  TIMES OUT AFTER
        check (query-alarms)                 1 s    1 min
        cordon (lock-hosts)                  5 s    15 min
        drain (migrate-instances-from-host)  2 min  30 min
        patch (sw-patch-hosts)               2 min  30 min
        verify                               3 min  15 min
        settle (system-stabilize)            1 s    1 s
        uncordon (unlock-hosts)              5 s    30 min
        settle (system-stabilize)            1 s    1 s

      warns: somebody has cordoned worker-4: counts as out of service, and stays so
        to do: kubectl uncordon what may work again

      7 hosts in 5 stages, about 37 min without failures
      A run in which every step takes until its timeout ends after 11 h
      plan sha256:…
      "
    `);
  });

  it.each([100, 80, 60, 40])('keeps to a terminal of %i columns', async (width) => {
    const io = keptIo({ width });
    expect(await planFrom({ filename: EXAMPLE, fleet: FLEET, output: 'table' }, io)).toBe('open');
    const lines = io.printed.split('\n').filter((line) => !line.startsWith('plan sha256:'));
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(width);
    for (const whole of ['sw-patch-storage-hosts', 'kernel-6.12.48', '(migrate-instances-from-host)'])
      expect(io.printed).toContain(whole);
    if (width === 40)
      expect(io.printed).toContain(
        'stage 3: sw-patch-worker-hosts\n  worker-0, worker-1, worker-2\n  kernel-6.12.48, about 8 min\n',
      );
  });

  it('says which hosts a run of this very strategy holds', async () => {
    const claimed = (name: string, owner: string) => ({
      ...{ name, ...OLD, closedToNewWork: true },
      claimedBy: { owner, level: 'away' },
    });
    const hosts = [claimed('w-1', 'PatchStrategy/careen-hosts/kernel'), claimed('w-2', 'PatchStrategy/a/b')];
    const { out } = await plan(strategyManifest('kernel', 'careen-hosts'), fleetOf(hosts));
    expect(out.replaceAll(/\n */g, ' ')).toContain(
      'warns: a run of this strategy holds w-1 now, and no other plan is made before it has ended to do: careen status ' +
        'kernel -n careen-hosts says how it goes; when it has failed: careen retry, resume, skip HOST, release HOST or abort',
    );
  });

  it('does not take a pool without hosts for one with nothing to do', async () => {
    const { status, out } = await plan(strategyManifest('kernel', 'careen-hosts'), fleetOf([]));
    expect(status).toBe(1);
    expect(out).toContain('blocks: no hosts: HostPool default selects none');
    expect(out).toContain('No plan is made: 1 finding to mend first');
  });

  it('exits with 0 when there is nothing to do', async () => {
    const { status, out } = await plan(
      strategyManifest('kernel', 'careen-hosts'),
      fleetOf([{ name: 'w-1', ...NEW }]),
    );
    expect(status).toBe(0);
    expect(out).toContain('Nothing to do');
  });

  it('prints the same as YAML and as JSON', async () => {
    const inputs = [strategyManifest('kernel', 'careen-hosts'), fleetOf([{ name: 'w-1', ...OLD }])] as const;
    const yaml = await plan(...inputs, '-o', 'yaml');
    const json = await plan(...inputs, '-o', 'json');
    expect([yaml.status, json.status]).toEqual([2, 2]);
    expect(load(yaml.out)).toEqual(JSON.parse(json.out));
    expect(yaml.out.replace(/sha256:\w{64}/, 'sha256:…')).toMatchInlineSnapshot(`
      "apiVersion: careen.dev/v1alpha1
      kind: PlanPreview
      strategy:
        kind: PatchStrategy
        namespace: careen-hosts
        name: kernel
      pool:
        name: default
        hosts: 1
        limit: 2
      planDigest: sha256:…
      estimate:
        seconds: 431
        atMostSeconds: 7262
      stages:
        - id: 0
          name: sw-patch-worker-hosts
          level: away
          hosts:
            - w-1
          patches:
            - kernel-6.12.48
          estimatedSeconds: 431
          timeoutSeconds: 7261
          steps:
            - name: query-alarms
              estimatedSeconds: 1
              timeoutSeconds: 60
            - name: lock-hosts
              estimatedSeconds: 5
              timeoutSeconds: 900
            - name: migrate-instances-from-host
              estimatedSeconds: 120
              timeoutSeconds: 1800
            - name: sw-patch-hosts
              estimatedSeconds: 120
              timeoutSeconds: 1800
            - name: verify
              estimatedSeconds: 180
              timeoutSeconds: 900
            - name: system-stabilize
              estimatedSeconds: 0
              timeoutSeconds: 0
            - name: unlock-hosts
              estimatedSeconds: 5
              timeoutSeconds: 1800
            - name: system-stabilize
              estimatedSeconds: 0
              timeoutSeconds: 0
      findings: []
      holds: []
      "
    `);
  });

  it('reads standard input, and finds the strategy in a file with other documents', async () => {
    await file('fleet.yaml', fleetOf([{ name: 'w-1', ...OLD }]));
    const pool = { apiVersion: 'careen.dev/v1alpha1', kind: 'HostPool', metadata: { name: 'default' } };
    const stdin = [pool, strategyManifest('kernel', 'careen-hosts')].map((each) => dump(each)).join('---\n');
    const piped = await careen(['plan', '-f', '-', '--fleet', 'fleet.yaml'], { cwd, stdin });
    expect(piped).toMatchObject({ status: 2, err: '' });
  });

  it('says which stages take hosts out of service, and which patch them in place', async () => {
    const strategy = strategyManifest('both', 'careen-hosts', { patches: [kernelPatch, kubeletPatch] });
    const hosts = ['w-1', 'w-2', 'w-3'].map((name, at) => ({ name, ...(at === 1 ? NEW : OLD) }));
    const { out } = await plan(strategy, fleetOf(hosts));
    expect(out).toContain('Stage 0: hosts are patched in place for kubelet-1.36.4, in these steps');
    expect(out).toContain(
      'Stages 1 to 2: hosts are taken out of service for kernel-6.12.48, kubelet-1.36.4, in these',
    );
    expect(out).toMatch(/^1 .* w-1 +2 patches/m);
  });

  it('plans the active host last of the controllers', async () => {
    const labels = { 'node-role.kubernetes.io/control-plane': '' };
    const hosts = ['c-0', 'c-1', 'c-2'].map((name) => ({ name, labels, ...OLD }));
    const { out } = await plan(
      strategyManifest('kernel', 'careen-hosts'),
      fleetOf(hosts, { activeHost: 'c-1' }),
    );
    expect(out.match(/c-\d/g)).toEqual(['c-0', 'c-2', 'c-1']);
  });

  it('plans as the VIM, without a cut, and says that the pool allows no such stage', async () => {
    const vim = { profile: 'vim-2024', workerApplyType: 'parallel', maxParallelWorkerHosts: 5 };
    const hosts = Array.from({ length: 5 }, (_, i) => ({ name: `w-${String(i)}`, ...OLD }));
    const { out } = await plan(strategyManifest('kernel', 'careen-hosts', vim), fleetOf(hosts));
    expect(out).toContain('drain (migrate-instances-from-host)');
    expect(out.replaceAll(/\s+/g, ' ')).toMatch(
      /blocks: stage 0 takes 5 hosts out of service; HostPool \S+ allows \d at once, so it gets no permit/,
    );
    expect(out).not.toContain('stages of workers hold');
  });

  it('says that the pool does not permit the strategy', async () => {
    const { status, out } = await plan(
      strategyManifest('kernel', 'team-a'),
      fleetOf([{ name: 'w-1', ...OLD }]),
    );
    expect(status).toBe(2);
    expect(out).toContain('blocks: metadata.namespace is "team-a"');
    expect(out).toContain('to do: make the strategy in careen-hosts');
  });
});

describe('careen plan refuses', PROCESS, () => {
  const strategy = (spec: Fields = {}) => strategyManifest('kernel', 'careen-hosts', spec);

  it('every wrong field of a strategy: file, line and column, path, value, and the allowed values', async () => {
    const wrong = strategy({
      workerApplyType: 'fast',
      maxParallelWorkerHosts: 0,
      timing: { lockTimeoutSeconds: 'long' },
    });
    expect(await plan(wrong, fleetOf([]))).toEqual({
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
    await file('strategy.yaml', wrong);
    await file('fleet.yaml', fleet);
    const [filename, fleetName] = [join(cwd, 'strategy.yaml'), join(cwd, 'fleet.yaml')];
    const io = keptIo();
    const refused = await planFrom({ filename, fleet: fleetName, output: 'table' }, io).catch(
      (error: unknown) => error,
    );
    expect(refused).toBeInstanceOf(CommandError);
    const said = String(refused)
      .replaceAll(`${cwd}/`, '')
      .replaceAll(/(?<=\.yaml):\d+:\d+(?=: )/g, '');
    expect(said).toContain(`CommandError: ${message}`);
    expect([io.printed, io.noted]).toEqual(['', '']);
  });

  it('two strategies at once, a missing file, text that is not YAML', async () => {
    await file('two.yaml', strategy(), strategy());
    await writeFile(join(cwd, 'text.yaml'), 'a: [b');
    const errors = await Promise.all(
      ['two.yaml', 'none.yaml', 'text.yaml'].map(async (name) => {
        const { status, err } = await careen(['plan', '-f', name, '--fleet', 'fleet.yaml'], { cwd });
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
    await file('strategy.yaml', strategy());
    await file('kubeconfig', {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: 'http://127.0.0.1:1' } }],
      users: [{ name: 'u', user: {} }],
      contexts: [{ name: 'lab', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'lab',
    });
    const environment = { KUBECONFIG: join(cwd, 'kubeconfig') };
    const none = await careen(['plan', '-f', 'strategy.yaml', '--context', 'prod'], { cwd, environment });
    expect(none).toEqual({
      status: 1,
      out: '',
      err: 'careen: the kubeconfig has no context prod; it has lab\n',
    });
    const without = await careen(['fleet'], { cwd, environment: { KUBECONFIG: '', HOME: cwd } });
    expect(without).toMatchObject({
      status: 1,
      err: expect.stringMatching(/^careen: no kubeconfig: /) as unknown,
    });
    const silent = await careen(['plan', '-f', 'strategy.yaml'], { cwd, environment });
    expect(silent).toMatchObject({ status: 1, out: '' });
    expect(silent.err).toMatch(
      /^careen: http:\/\/127\.0\.0\.1:1 \(context lab\) does not answer: .*; choose another cluster with --context or KUBECONFIG, or plan from a file with --fleet\n$/,
    );
  });
});
