/** A pool that requires the ConfigMaps of Jobs to be immutable. */
import { describe, expect, it, vi } from 'vitest';
import { configMapsOf } from '../../../src/planner/policy/action-policy.ts';
import { STRATEGY_KINDS } from '../../../src/crds/strategy-kinds.ts';
import { kernelPatch } from '../support/simulated-run.ts';
import { SmallCluster } from '../support/small-cluster.ts';

const container = { name: 'apply', image: 'patch:1' };
const scripts = { ...container, envFrom: [{ configMapRef: { name: 'scripts' } }] };

function patchWith(pod: object): object {
  return { ...kernelPatch, action: { job: { template: { spec: { containers: [container], ...pod } } } } };
}

function strategyWith(pod: object, hosts: readonly string[] = ['w-1']): SmallCluster {
  const cluster = new SmallCluster(hosts);
  cluster.editPool({ actionPolicy: { requireImmutableConfigMaps: true } });
  cluster.placeStrategy({ mode: 'Run' });
  cluster.editSpec({ patches: [patchWith(pod)] });
  return cluster;
}

function setConfigMap(cluster: SmallCluster, immutable: boolean, name = 'scripts'): void {
  cluster.world.configMaps.set(`careen-hosts/${name}`, { immutable });
}

describe('the ConfigMaps of a strategy', () => {
  it('are found wherever a pod uses one, each once', () => {
    const spec = {
      initContainers: [
        { ...container, env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'a', key: 'k' } } }] },
      ],
      containers: [{ ...container, envFrom: [{ configMapRef: { name: 'b' } }] }],
      volumes: [
        { name: 'c', configMap: { name: 'c' } },
        { name: 'd', projected: { sources: [{ configMap: { name: 'd' } }, { secret: { name: 'x' } }] } },
      ],
    };
    const reboot = { job: { template: { spec: { containers: [container], volumes: spec.volumes } } } };
    const strategy = STRATEGY_KINDS.PatchStrategy.readSpec.parse({ patches: [patchWith(spec)], reboot });
    expect(configMapsOf(strategy).toSorted()).toEqual(['a', 'b', 'c', 'd']);
  });
});

describe('a ConfigMap that may change', () => {
  it('fails the build with its name, and the plan is made once it is immutable', async () => {
    const cluster = strategyWith({ containers: [scripts] });
    await cluster.until('the refusal', () => cluster.status.state === 'build-failed');
    expect(cluster.status.message).toBe(
      'spec.patches[0].action.job.template.spec.containers[0].envFrom[0].configMapRef.name is "scripts", which rule ' +
        'actionPolicy.requireImmutableConfigMaps of HostPool default does not admit; it does not exist: make the ' +
        'ConfigMap with immutable: true',
    );
    setConfigMap(cluster, false);
    await cluster.until(
      'the next build',
      () => cluster.status.message?.includes('it is not immutable') === true,
    );
    setConfigMap(cluster, true);
    await cluster.until('the end', () => cluster.status.state === 'applied');
  });

  it('lets no further stage begin, and the run continues by itself once it is immutable again', async () => {
    const cluster = strategyWith({ containers: [scripts] }, ['w-1', 'w-2']);
    setConfigMap(cluster, true);
    await cluster.until('the first cordon', () => cluster.world.hosts.get('w-1')?.closedToNewWork === true);
    cluster.world.configMaps.clear();
    await cluster.until('the stop', () => cluster.status.message?.startsWith('1 of 2 stages done') === true);
    expect(cluster.status.message).toContain('it does not exist');
    expect(cluster.world.hosts.get('w-2')).toMatchObject({ closedToNewWork: false });
    expect(await cluster.pass()).toMatchObject({ requeueAt: cluster.world.now + 30_000 });
    setConfigMap(cluster, true);
    await cluster.until('the end', () => cluster.status.state === 'applied');
  });

  it('is no reason where the pool does not ask, and is then not read', async () => {
    const cluster = strategyWith({ containers: [scripts] });
    cluster.editPool({ actionPolicy: { images: ['*'] } });
    const read = vi.spyOn(cluster.hosts, 'changeableConfigMaps');
    await cluster.until('the end', () => cluster.status.state === 'applied');
    expect(read).not.toHaveBeenCalled();
  });

  it('is one of the first 32: no further ones are read', async () => {
    const names = Array.from({ length: 33 }, (_, at) => `c-${String(at)}`);
    const cluster = strategyWith({ volumes: names.map((name) => ({ name, configMap: { name } })) });
    for (const name of names) setConfigMap(cluster, true, name);
    const read = vi.spyOn(cluster.hosts, 'changeableConfigMaps');
    await cluster.until('the refusal', () => cluster.status.state === 'build-failed');
    expect(read.mock.calls[0]?.[1]).toHaveLength(32);
    expect(cluster.status.message).toContain('is "c-32"');
    expect(cluster.status.message).toContain('a strategy may use 32 of them');
  });
});
