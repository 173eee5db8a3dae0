import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { kernelPatch, kubeletPatch } from '../../support/operator/strategies.ts';
import { inputs, leftIn, OLD, printed, simulated, stepsOf, workers } from '../support/simulations.ts';

describe('careen simulate', () => {
  it('shows the example as bars over time, a host a row, and exits with 0 on success', async () => {
    const { status, out } = await printed();
    expect(status).toBe(0);
    expect(out).toMatchInlineSnapshot(`
      "careen-hosts/kernel-2026-11 on HostPool default: 8 hosts, at most 4 out of
      service at once

      STAGE    HOST          |0              |10 min         |20 min        |30 min
      0        controller-0  mmmpppvvvvv
      1        controller-1             mmmmpppvvvvv
      2        storage-0                            mmmpppvvvvv
      3        worker-0                                        mmmmpppvvvvv
               worker-1                                        mmmmpppvvvvv
               worker-2                                        mmmmpppvvvvv
      4        worker-4                                                    mmmpppvvvvv

      m drain (migrate-instances-from-host), p patch (sw-patch-hosts), v verify

      warns: somebody has cordoned worker-4: counts as out of service, and stays so
        to do: kubectl uncordon what may work again

      applied after 37 min, 7 of 7 hosts done
        all hosts of the plan are patched
      "
    `);
  });

  it('takes exactly the estimated time of the plan in each step', async () => {
    const simulation = await simulated();
    expect(simulation.durationSeconds).toBe(simulation.estimate.seconds);
    const steps = stepsOf(simulation, 'worker-1').map((step) => [
      step.name,
      step.endSeconds - step.startSeconds,
    ]);
    expect(steps).toEqual([
      ['query-alarms', 1],
      ['lock-hosts', 5],
      ['migrate-instances-from-host', 120],
      ['sw-patch-hosts', 120],
      ['verify', 180],
      ['system-stabilize', 1],
      ['unlock-hosts', 5],
      ['system-stabilize', 1],
    ]);
  });

  it('takes the estimated time with several patches, tight timeouts, and hosts patched in place', async () => {
    const spec = {
      patches: [kernelPatch, kubeletPatch],
      timing: { patchTimeoutSeconds: 100, verifyTimeoutSeconds: 90 },
    };
    const current = { nodeInfo: { kernelVersion: '6.12.48', kubeletVersion: 'v1.36.3' } };
    const files = await inputs(spec, [...workers(2), { name: 'w-3', ...current }]);
    const simulation = await simulated(files);
    expect(simulation).toMatchObject({ outcome: 'applied', left: [] });
    expect(simulation.stages.map(({ level }) => level)).toEqual(['touched', 'away']);
    expect(Math.round(simulation.durationSeconds)).toBe(simulation.estimate.seconds);
  });

  it('shows a run whose fifth host fails: hosts done, released, locked, not reached', async () => {
    const { status, out } = await printed({ fail: ['worker-1:sw-patch-hosts'] });
    expect(status).toBe(3);
    expect(out.replace(/careen-job-\d+/, 'careen-job-N')).toMatchInlineSnapshot(`
      "careen-hosts/kernel-2026-11 on HostPool default: 8 hosts, at most 4 out of
      service at once

      STAGE    HOST          |0                    |10 min               |20 min
      0        controller-0  mmmmmppppvvvvvvv
      1        controller-1                  mmmmmppppvvvvvvv
      2        storage-0                                     mmmmpppppvvvvvvv
      3        worker-0                                                      mmmmppppp
               worker-1                                                      mmmmppppX
               worker-2                                                      mmmmppppp

      m drain (migrate-instances-from-host), p patch (sw-patch-hosts), v verify, X
      fails

      warns: somebody has cordoned worker-4: counts as out of service, and stays so
        to do: kubectl uncordon what may work again

      apply-failed after 26 min, 3 of 7 hosts done
        stage 3: Job careen-job-N for kernel-6.12.48 failed on worker-1: container
        install exited with code 1; see to the cause, then place the request retry or
        resume; worker-1 stays locked until then, or until a request release-host or
        skip-host, kubectl uncordon, or an abort of the run

      LEFT         HOSTS
      locked       worker-1
      given-back   worker-0, worker-2
      not-reached  worker-4

      to do: begin the failed stage again, after its cause is fixed
        careen retry kernel-2026-11 -n careen-hosts

      to do: leave worker-1 out of the rest of the run; then begin the failed stage again
        careen skip worker-1 kernel-2026-11 -n careen-hosts

      to do: release worker-1 as it is, without another attempt
        careen release worker-1 kernel-2026-11 -n careen-hosts

      to do: give the whole run up, and release the locked hosts as they are
        careen abort kernel-2026-11 -n careen-hosts
      "
    `);
  });

  it('shows the same result as the engine for a host that fails in any step', async () => {
    const files = await inputs({ timing: {} }, workers(3));
    const cases = [
      ['query-alarms', 'apply-timeout', 'active alarms present (w-2: is not Ready)', 'not-reached'],
      ['lock-hosts', 'apply-failed', 'w-2 cannot be locked', 'not-reached'],
      ['migrate-instances-from-host', 'apply-failed', 'cannot leave w-2', 'failed'],
      ['sw-patch-hosts', 'apply-failed', 'failed on w-2: container apply exited with code 1', 'locked'],
      ['verify', 'apply-timeout', 'after 900 s: w-2: has not rebooted', 'locked'],
      ['system-stabilize', 'apply-timeout', 's: w-2 is not Ready', 'locked'],
      ['unlock-hosts', 'apply-failed', 'w-2 cannot be unlocked', 'locked'],
    ];
    for (const [step, outcome, message, state] of cases) {
      const simulation = await simulated({ ...files, fail: [`w-2:${String(step)}`] });
      expect(simulation).toMatchObject({
        outcome,
        message: expect.stringContaining(String(message)) as string,
      });
      expect([step, leftIn(simulation)['w-2']]).toEqual([step, state]);
      const locked = simulation.remedies.some(({ command }) => command.startsWith('careen abort '));
      expect([step, locked]).toEqual([step, state === 'locked']);
    }
  });

  it('times out the step of a slow host, while the others wait for it', async () => {
    const files = await inputs({}, workers(2));
    const simulation = await simulated({ ...files, slow: ['w-2:verify=901'] });
    expect(simulation.outcome).toBe('apply-timeout');
    expect(simulation.message).toContain('after 900 s: w-2: has not rebooted');
    const verify = ['w-1', 'w-2'].map((host) =>
      stepsOf(simulation, host).find(({ name }) => name === 'verify'),
    );
    expect(verify.map((step) => [step?.endSeconds, step?.result])).toEqual([
      [1 + 5 + 120 + 120 + 180, 'success'],
      [1 + 5 + 120 + 120 + 900, 'timed-out'],
    ]);
    expect(leftIn(simulation)).toEqual({ 'w-2': 'locked' });
  });

  it('makes every host slow on request, and the last option for a host wins', async () => {
    const files = await inputs({}, workers(2));
    const simulation = await simulated({
      ...files,
      slow: ['*:verify=600', 'w-1:verify=10', 'w-1:lock-hosts=60'],
    });
    const took = (host: string, step: string) => {
      const span = stepsOf(simulation, host).find(({ name }) => name === step);
      return (span?.endSeconds ?? 0) - (span?.startSeconds ?? 0);
    };
    expect([took('w-1', 'verify'), took('w-2', 'verify'), took('w-1', 'lock-hosts')]).toEqual([10, 600, 60]);
    expect(simulation.outcome).toBe('applied');
  });

  it('varies with the seed by no more than a quarter, and is equal for equal seeds', async () => {
    const [one, again, other, none] = await Promise.all(
      ['1', '1', '2', undefined].map((seed) => simulated(seed === undefined ? {} : { seed })),
    );
    expect(one).toEqual(again);
    expect(one?.durationSeconds).not.toBe(other?.durationSeconds);
    expect(one?.seed).toBe(1);
    const share = (one?.durationSeconds ?? 0) / (none?.durationSeconds ?? 1);
    expect(Math.abs(share - 1)).toBeLessThanOrEqual(0.25);
    expect(one?.outcome).toBe('applied');
  });

  it('never reaches a timeout because of the seed alone', async () => {
    const timing = { lockTimeoutSeconds: 5, drainTimeoutSeconds: 120, patchTimeoutSeconds: 120 };
    const rest = { verifyTimeoutSeconds: 180, unlockTimeoutSeconds: 5 };
    const files = await inputs({ timing: { ...timing, ...rest } }, workers(5));
    for (const seed of ['1', '2', '3']) expect((await simulated({ ...files, seed })).outcome).toBe('applied');
  });

  it('shows a refusal at its time, and keeps no claim on a host that was patched in place', async () => {
    const refused = await simulated({ ...(await inputs({}, workers(2))), fail: ['w-2:lock-hosts'] });
    expect(stepsOf(refused, 'w-2').at(-1)).toMatchObject({
      name: 'lock-hosts',
      endSeconds: 1 + 5,
      result: 'failed',
    });
    expect(stepsOf(refused, 'w-1').at(-1)).toMatchObject({
      name: 'unlock-hosts',
      startSeconds: 6,
      endSeconds: 11,
    });

    const inPlace = await inputs({ patches: [kubeletPatch], reboot: undefined }, workers(2));
    const touched = await simulated({ ...inPlace, fail: ['w-2:sw-patch-hosts'] });
    expect(leftIn(touched)).toEqual({ 'w-2': 'failed' });
    expect(touched.remedies).toHaveLength(1);
  });

  it('prints the same as YAML and as JSON', async () => {
    const options = { fail: ['worker-1:verify'] };
    const [yaml, json] = [
      await printed({ ...options, output: 'yaml' }),
      await printed({ ...options, output: 'json' }),
    ];
    expect(load(yaml.out)).toEqual(JSON.parse(json.out));
    expect([yaml.status, json.status]).toEqual([3, 3]);
    const { stages, ...rest } = await simulated(options);
    expect({ ...rest, planDigest: '', findings: [] }).toMatchInlineSnapshot(`
      {
        "apiVersion": "careen.dev/v1alpha1",
        "durationSeconds": 2450,
        "estimate": {
          "atMostSeconds": 36316,
          "seconds": 2165,
        },
        "findings": [],
        "kind": "Simulation",
        "left": [
          {
            "name": "worker-1",
            "reason": "worker-1: has not rebooted (boot id still boot-13); lacks kernel-6.12.48 (nodeInfo.kernelVersion is "6.12.41", not at least 6.12.48)",
            "state": "locked",
          },
          {
            "name": "worker-4",
            "state": "not-reached",
          },
        ],
        "message": "stage 3: after 900 s: worker-1: has not rebooted (boot id still boot-13); lacks kernel-6.12.48 (nodeInfo.kernelVersion is "6.12.41", not at least 6.12.48); see to the cause, then place the request retry or resume; worker-1 stays locked until then, or until a request release-host or skip-host, kubectl uncordon, or an abort of the run",
        "outcome": "apply-timeout",
        "planDigest": "",
        "pool": {
          "hosts": 8,
          "limit": 4,
          "name": "default",
        },
        "remedies": [
          {
            "command": "careen retry kernel-2026-11 -n careen-hosts",
            "does": "begin the failed stage again, after its cause is fixed",
          },
          {
            "command": "careen skip worker-1 kernel-2026-11 -n careen-hosts",
            "does": "leave worker-1 out of the rest of the run; then begin the failed stage again",
          },
          {
            "command": "careen release worker-1 kernel-2026-11 -n careen-hosts",
            "does": "release worker-1 as it is, without another attempt",
          },
          {
            "command": "careen abort kernel-2026-11 -n careen-hosts",
            "does": "give the whole run up, and release the locked hosts as they are",
          },
        ],
        "strategy": {
          "kind": "PatchStrategy",
          "name": "kernel-2026-11",
          "namespace": "careen-hosts",
        },
      }
    `);
    expect(stages[3]?.hosts[1]?.steps.at(-1)).toMatchObject({
      name: 'verify',
      startSeconds: 1545,
      endSeconds: 2445,
      result: 'timed-out',
    });
  });

  it('supports patches by labels, and by requirements of every kind', async () => {
    const by = (id: string, fact: string, operator: string, values?: string[]) => ({
      ...kubeletPatch,
      ...{ id, current: [{ fact, operator, ...(values ? { values } : {}) }] },
    });
    const patches = [
      by('label', 'labels.patched', 'In', ['yes']),
      by('there', 'labels.there', 'Exists'),
      by('higher', 'nodeInfo.kernelVersion', 'AtLeast', ['6.12.48']),
      by('lower', 'nodeInfo.kernelVersion', 'AtLeast', ['6.12.45']),
      by('other', 'nodeInfo.kubeletVersion', 'NotIn', ['v1.36.3']),
    ];
    const files = await inputs({ patches, reboot: undefined }, [
      { name: 'w-1', labels: { patched: 'no' }, ...OLD },
    ]);
    expect(await simulated(files)).toMatchObject({ outcome: 'applied', left: [] });
  });

  it('says that there is nothing to do', async () => {
    const { status, out } = await printed(
      await inputs({}, [{ name: 'w-1', nodeInfo: { kernelVersion: '6.12.48' } }]),
    );
    expect(status).toBe(0);
    expect(out).toContain('applied\n  nothing to do');
  });

  it('names hosts that lack a patch and are in no stage', async () => {
    const storage = { name: 's-1', labels: { 'node-role.kubernetes.io/storage': '' }, ...OLD };
    const simulation = await simulated(
      await inputs({ storageApplyType: 'ignore' }, [...workers(1), storage]),
    );
    expect(simulation).toMatchObject({ outcome: 'applied', left: [{ name: 's-1', state: 'not-planned' }] });
  });
});

describe('careen simulate begins nothing', () => {
  it.each<[string, Parameters<typeof inputs>, string, string]>([
    [
      'while a host is unwell',
      [{}, [...workers(1), { name: 'w-9', ready: false, alarms: ['is not Ready (KubeletStopped)'] }]],
      'build-failed',
      'active alarms present (w-9: is not Ready (KubeletStopped))',
    ],
    [
      'while the pool is paused',
      [{}, workers(1), { paused: true }],
      'ready-to-apply',
      'HostPool default is paused',
    ],
    [
      'in a namespace that the pool does not allow',
      [{}, workers(1), {}, 'team-a'],
      'ready-to-apply',
      'metadata.namespace is "team-a"',
    ],
    [
      'of another plan than the one that was reviewed',
      [{ execution: { plan: `sha256:${'0'.repeat(64)}` } }, workers(1)],
      'ready-to-apply',
      'the plan is now sha256:',
    ],
  ])('%s', async (_what, given, outcome, message) => {
    const files = await inputs(...given);
    const simulation = await simulated(files);
    expect(simulation).toMatchObject({
      outcome,
      durationSeconds: 0,
      message: expect.stringContaining(message) as string,
    });
    expect(leftIn(simulation)['w-1']).toBe('not-reached');
    expect((await printed(files)).status).toBe(3);
  });

  it('after the throughStage of the strategy', async () => {
    const files = await inputs({ workerApplyType: 'serial', execution: { throughStage: 0 } }, workers(2));
    expect(await simulated(files)).toMatchObject({
      outcome: 'applying',
      message: '1 of 2 stages done; waits before stage 1: execution.throughStage is 0: raise it or remove it',
      left: [{ name: 'w-2', state: 'not-reached' }],
    });
  });

  it('on the host of another strategy, or beyond the limit: the lock times out', async () => {
    const claimed = {
      claimedBy: { owner: 'PatchStrategy/careen-hosts/firmware', level: 'away' },
      closedToNewWork: true,
    };
    const [first = {}, ...others] = workers(3);
    const held = await simulated(await inputs({}, [{ ...first, ...claimed }, ...others]));
    expect(held).toMatchObject({ outcome: 'apply-timeout', durationSeconds: 901 + 5 });
    expect(held.message).toContain('w-1 is held by PatchStrategy careen-hosts/firmware');
    const cordoned = [
      { name: 'w-8', nodeInfo: { kernelVersion: '6.12.48' }, closedToNewWork: true },
      ...others,
    ];
    const full = await simulated(await inputs({}, cordoned, { maxUnavailable: 2 }));
    expect(full.message).toContain('waiting for permits: 2 more would make 3 hosts out of service');
    expect(full.left.map(({ state }) => state)).toEqual(['not-reached', 'not-reached']);
  });

  it('but continues when this same strategy holds hosts: they are released first', async () => {
    const claimed = {
      claimedBy: { owner: 'PatchStrategy/careen-hosts/kernel', level: 'away' },
      closedToNewWork: true,
    };
    const current = { name: 'w-9', nodeInfo: { kernelVersion: '6.12.48' } };
    const hosts = [...workers(2), current].map((host) => ({ ...host, ...claimed }));
    expect(await simulated(await inputs({}, hosts, { maxUnavailable: 2 }))).toMatchObject({
      outcome: 'applied',
      left: [],
    });
  });
});
