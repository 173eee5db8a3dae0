import { join } from 'node:path';
import { dump, load } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { plan as planFrom } from '../../../src/cli/commands/plan.ts';
import { keptIo } from '../../support/cli/kept-io.ts';
import { fleetOf, PlanFolder } from '../../support/cli/plan-folder.ts';
import { careen, ROOT } from '../../support/operator/careen-cli.ts';
import { kernelPatch, kubeletPatch, strategyManifest } from '../../support/operator/strategies.ts';

const EXAMPLE = join(ROOT, 'examples', 'patch-strategy.yaml');
const FLEET = join(ROOT, 'examples', 'fleet.yaml');
const PROCESS = { timeout: 60_000 };

const OLD = { nodeInfo: { kernelVersion: '6.12.41' } };
const NEW = { nodeInfo: { kernelVersion: '6.12.48' } };

let folder: PlanFolder;
beforeAll(async () => {
  folder = await PlanFolder.make();
});
afterAll(async () => folder.remove());

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
    const { out } = await folder.plan(strategyManifest('kernel', 'careen-hosts'), fleetOf(hosts));
    expect(out.replaceAll(/\n */g, ' ')).toContain(
      'warns: a run of this strategy holds w-1 now, and no other plan is made before it has ended to do: careen status ' +
        'kernel -n careen-hosts says how it goes; when it has failed: careen retry, resume, skip HOST, release HOST or abort',
    );
  });

  it('does not take a pool without hosts for one with nothing to do', async () => {
    const { status, out } = await folder.plan(strategyManifest('kernel', 'careen-hosts'), fleetOf([]));
    expect(status).toBe(1);
    expect(out).toContain('blocks: no hosts: HostPool default selects none');
    expect(out).toContain('No plan is made: 1 finding to mend first');
  });

  it('exits with 0 when there is nothing to do', async () => {
    const { status, out } = await folder.plan(
      strategyManifest('kernel', 'careen-hosts'),
      fleetOf([{ name: 'w-1', ...NEW }]),
    );
    expect(status).toBe(0);
    expect(out).toContain('Nothing to do');
  });

  it('prints the same as YAML and as JSON', async () => {
    const inputs = [strategyManifest('kernel', 'careen-hosts'), fleetOf([{ name: 'w-1', ...OLD }])] as const;
    const yaml = await folder.plan(...inputs, '-o', 'yaml');
    const json = await folder.plan(...inputs, '-o', 'json');
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
    await folder.write('fleet.yaml', fleetOf([{ name: 'w-1', ...OLD }]));
    const pool = { apiVersion: 'careen.dev/v1alpha1', kind: 'HostPool', metadata: { name: 'default' } };
    const stdin = [pool, strategyManifest('kernel', 'careen-hosts')].map((each) => dump(each)).join('---\n');
    const piped = await folder.careen(['plan', '-f', '-', '--fleet', 'fleet.yaml'], { stdin });
    expect(piped).toMatchObject({ status: 2, err: '' });
  });

  it('says which stages take hosts out of service, and which patch them in place', async () => {
    const strategy = strategyManifest('both', 'careen-hosts', { patches: [kernelPatch, kubeletPatch] });
    const hosts = ['w-1', 'w-2', 'w-3'].map((name, at) => ({ name, ...(at === 1 ? NEW : OLD) }));
    const { out } = await folder.plan(strategy, fleetOf(hosts));
    expect(out).toContain('Stage 0: hosts are patched in place for kubelet-1.36.4, in these steps');
    expect(out).toContain(
      'Stages 1 to 2: hosts are taken out of service for kernel-6.12.48, kubelet-1.36.4, in these',
    );
    expect(out).toMatch(/^1 .* w-1 +2 patches/m);
  });

  it('plans the active host last of the controllers', async () => {
    const labels = { 'node-role.kubernetes.io/control-plane': '' };
    const hosts = ['c-0', 'c-1', 'c-2'].map((name) => ({ name, labels, ...OLD }));
    const { out } = await folder.plan(
      strategyManifest('kernel', 'careen-hosts'),
      fleetOf(hosts, { activeHost: 'c-1' }),
    );
    expect(out.match(/c-\d/g)).toEqual(['c-0', 'c-2', 'c-1']);
  });

  it('plans as the VIM, without a cut, and says that the pool allows no such stage', async () => {
    const vim = { profile: 'vim-2024', workerApplyType: 'parallel', maxParallelWorkerHosts: 5 };
    const hosts = Array.from({ length: 5 }, (_, i) => ({ name: `w-${String(i)}`, ...OLD }));
    const { out } = await folder.plan(strategyManifest('kernel', 'careen-hosts', vim), fleetOf(hosts));
    expect(out).toContain('drain (migrate-instances-from-host)');
    expect(out.replaceAll(/\s+/g, ' ')).toMatch(
      /blocks: stage 0 takes 5 hosts out of service; HostPool \S+ allows \d at once, so it gets no permit/,
    );
    expect(out).not.toContain('stages of workers hold');
  });

  it('says that the pool does not permit the strategy', async () => {
    const { status, out } = await folder.plan(
      strategyManifest('kernel', 'team-a'),
      fleetOf([{ name: 'w-1', ...OLD }]),
    );
    expect(status).toBe(2);
    expect(out).toContain('blocks: metadata.namespace is "team-a"');
    expect(out).toContain('to do: make the strategy in careen-hosts');
  });
});
