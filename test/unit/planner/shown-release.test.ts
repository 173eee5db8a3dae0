/** Upgrades of hosts that show no release, as the compute hosts of an OpenStack. */
import { describe, expect, it } from 'vitest';
import { hostPoolSpec, type HostPoolSpec } from '../../../src/crds/host-pool.ts';
import { specOfUpgrade, type StrategySpec } from '../../../src/crds/spec/strategy-spec.ts';
import { upgradeStrategySpec } from '../../../src/crds/spec/upgrade-strategy-spec.ts';
import { strategyWords } from '../../../src/crds/text/strategy-words.ts';
import { SERVER_WORDS } from '../../../src/hostops/openstack/leaving/server-words.ts';
import { build } from '../../../src/planner/build.ts';
import { findings } from '../../../src/planner/findings/findings.ts';
import type { HostSeed } from '../../../src/planner/hosts/facts.ts';
import { needsOf } from '../../../src/planner/hosts/needs.ts';
import { shownBy } from '../../../src/planner/hosts/shown-release.ts';
import { comparedFacts } from '../../../src/planner/hosts/work.ts';

const identityRef = { name: 'login', cloudName: 'lab' };
const providerOf = (provider: unknown): HostPoolSpec['provider'] =>
  hostPoolSpec.parse({ provider, maxUnavailable: 2 }).provider;
const CLOUD = providerOf({ openstack: { identityRef } });
const NODES = providerOf({ kubernetes: {} });
const job = { template: { spec: { containers: [{ name: 'upgrade', image: 'ansible:1' }] } } };
const worker = { action: { job }, rebootRequired: true, stage: { job }, rollback: { job } };

function upgrade(release: object = {}, spec: object = {}): StrategySpec {
  const given = { release: { version: '2026.2', ...release }, hosts: { worker }, reboot: { job }, ...spec };
  return specOfUpgrade(upgradeStrategySpec.parse(given));
}

const seed = (name: string, facts: Record<string, string> = {}): HostSeed => ({
  ...{ name, roles: ['worker'], facts: { 'hypervisor.version': '8002000', ...facts } },
});
const HOSTS = [seed('compute-1'), seed('compute-2')];

function stagesOf(spec: StrategySpec, hosts = HOSTS): string[] {
  const { stages } = build(spec, hosts, { maxUnavailable: 2 }).plan;
  return stages.map(({ name, hosts: names }) => `${name.replace('sw-upgrade-', '')}: ${names.join(' ')}`);
}

function textsOf(spec: StrategySpec): string[] {
  const { plan, hosts: about } = build(spec, HOSTS, { maxUnavailable: 2 });
  const hosts = HOSTS.map((each) => ({
    ...{ ...each, unwell: [], outOfService: false, closedToNewWork: false },
  }));
  const pool = {
    ...{ name: 'cloud', maxUnavailable: 2, paused: false, keptByOtherPools: [], protectedNamespaces: [] },
  };
  return findings({
    ...{ owner: 'UpgradeStrategy/careen-hosts/u', words: SERVER_WORDS, spec, pool, limit: 2, hosts, about },
    ...{ stages: plan.stages, violations: [] },
  }).map(({ severity, reason, message, remedy }) => `${severity} ${reason}: ${message}; ${remedy}`);
}

describe('an upgrade without a fact', () => {
  const unshown = shownBy(CLOUD, upgrade());

  it('takes each compute host once, and compares none of its facts', () => {
    expect(stagesOf(unshown)).toEqual([
      'stage-hosts: compute-1 compute-2',
      'worker-hosts: compute-1',
      'worker-hosts: compute-2',
    ]);
    expect(comparedFacts(unshown)).toEqual([]);
    const verified = build(unshown, HOSTS, { maxUnavailable: 2 }).plan.actions.patches;
    expect(verified.map(({ id, current }) => [id, current])).toEqual([
      ['stage-worker', []],
      ['worker', []],
    ]);
  });

  it('does not say that hosts lack the release: nobody knows', () => {
    expect(needsOf(unshown, HOSTS)).toEqual({ hosts: 2, lacking: [] });
  });

  it('on nodes compares the kubelet, as ever', () => {
    const given = upgrade();
    expect(shownBy(NODES, given)).toBe(given);
    expect(needsOf(given, HOSTS).lacking).toEqual(['compute-1', 'compute-2']);
  });

  it('is told in its findings, and that there is no way back', () => {
    const told = textsOf(unshown);
    expect(told).toContain(
      'tells ReleaseNotShown: nothing shows whether compute-1, compute-2 have 2026.2: each run upgrades each host ' +
        'once; make sure that the Jobs change nothing on a host that has it, or give spec.release.fact',
    );
    expect(told).toContain(
      'tells NoWayBack: what stages 1, 2 do cannot be undone: nothing shows which hosts have the release; give ' +
        'spec.release.fact and spec.hosts.worker.rollback, if there is a way back to the release before',
    );
    expect(told.join()).not.toContain('FactUnknown');
    expect(strategyWords(unshown).wayBack).toBeUndefined();
  });

  it('brings no host back: one that never had the release would be, too', () => {
    const back = shownBy(CLOUD, upgrade({}, { rollback: true }));
    expect(() => build(back, HOSTS, { maxUnavailable: 2 })).toThrow(
      'spec.rollback is true: nothing shows which hosts have 2026.2; give spec.release.fact, such as a label from the ' +
        'metadata of an aggregate, or set it to false',
    );
  });
});

describe('an upgrade of compute hosts by a label', () => {
  const fact = 'labels.metadata/release';
  const given = upgrade({ fact });
  const hosts = [seed('compute-1', { [fact]: '2026.2' }), seed('compute-2', { [fact]: '2026.1' })];

  it('leaves out the hosts that have it, and knows who lacks it', () => {
    const shown = shownBy(CLOUD, given);
    expect(stagesOf(shown, hosts)).toEqual(['stage-hosts: compute-2', 'worker-hosts: compute-2']);
    expect(needsOf(shown, hosts).lacking).toEqual(['compute-2']);
    expect(textsOf(shown).join()).not.toContain('ReleaseNotShown');
  });
});
