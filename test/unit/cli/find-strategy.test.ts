import { describe, expect, it } from 'vitest';
import { findStrategy } from '../../../src/cli/cluster/strategies.ts';
import { CommandError } from '../../../src/cli/command-error.ts';
import { ClusterInMemory, forbidden, noSuchPath } from '../support/cluster-in-memory.ts';

function cluster(...names: string[]): ClusterInMemory {
  const made = new ClusterInMemory();
  for (const name of names) made.strategy(name);
  return made;
}

async function found(in_: ClusterInMemory, name?: string): Promise<string> {
  const notes: string[] = [];
  const { strategy } = await findStrategy(in_.connection, name, (text) => notes.push(text));
  return [strategy.metadata.name, ...notes].join(' | ');
}

async function refusal(in_: ClusterInMemory, name?: string): Promise<string> {
  const error: unknown = await found(in_, name).catch((each: unknown) => each);
  expect(error).toBeInstanceOf(CommandError);
  return error instanceof Error ? error.message : '';
}

describe('a strategy is found', () => {
  it.each([
    'kernel',
    'patchstrategy/kernel',
    'pstrat/kernel',
    'PatchStrategy/kernel',
    'patchstrategies.careen.dev/kernel',
    'patchstrategies.v1alpha1.careen.dev/kernel',
  ])('by %s', async (name) => {
    expect(await found(cluster('kernel', 'other'), name)).toBe('kernel');
  });

  it('without a name when it is the only one of its namespace, and is named', async () => {
    const only = cluster('kernel');
    only.strategy('far', { namespace: 'elsewhere' });
    expect(await found(only)).toBe(
      'kernel | patchstrategy/kernel, the only strategy in namespace careen-hosts',
    );
  });
});

describe('strategies of all kinds', () => {
  const all = cluster('kernel');
  all.upgrade('kernel');
  all.upgrade('kubelet');
  all.session('kernel');
  all.session('racks');

  it('are found by their kind, or by a name that only one has', async () => {
    for (const name of ['upgradestrategy/kernel', 'ustrat/kernel', 'UpgradeStrategy/kernel'])
      expect(await found(all, name)).toBe('kernel');
    for (const name of ['maintenancesession/racks', 'msession/racks', 'MaintenanceSession/racks', 'racks'])
      expect(await found(all, name)).toBe('racks');
    expect(await found(all, 'kubelet')).toBe('kubelet');
  });

  it('are not guessed by a name that several have', async () => {
    expect(await refusal(all, 'kernel')).toBe(
      'kernel is the name of several: give one of patchstrategy/kernel, upgradestrategy/kernel, maintenancesession/kernel',
    );
  });

  it('are found also by somebody who may not read the other kind', async () => {
    const half = cluster('kernel');
    half.before = ({ path }) => {
      if (path.includes('upgradestrategies')) throw forbidden('get');
    };
    expect(await found(half, 'kernel')).toBe('kernel');
    expect(await refusal(half, 'other')).toContain('context lab has no right to get upgradestrategies');
  });
});

describe('a strategy that is not found', () => {
  it('is answered with the names that exist, the nearest first', async () => {
    const many = cluster('firmware', 'kernel-2026-10', 'kernel-2026-11', 'kubelet');
    expect(await refusal(many, 'kernel-2026-1')).toBe(
      'namespace careen-hosts has no strategy kernel-2026-1; it has kernel-2026-10, kernel-2026-11, kubelet, firmware',
    );
  });

  it('is answered with the namespaces that have strategies when this one has none', async () => {
    const far = cluster();
    far.strategy('kernel', { namespace: 'b' });
    far.strategy('kernel', { namespace: 'a' });
    const elsewhere = ': choose another with -n; there are strategies in a, b';
    expect(await refusal(far, 'kernel')).toBe(
      `namespace careen-hosts has no strategy kernel, and no other one${elsewhere}`,
    );
    expect(await refusal(far)).toBe(`namespace careen-hosts has no strategy${elsewhere}`);
  });

  it('is not guessed among several', async () => {
    expect(await refusal(cluster('b', 'a'))).toBe(
      'namespace careen-hosts has 2 strategies: name one of a, b',
    );
  });

  it.each([
    [
      'job/kernel',
      'job/kernel: job is no kind of strategy; the kinds are patchstrategy, pstrat, upgradestrategy, ustrat, maintenancesession, msession',
    ],
    ['Kernel', 'Kernel: no strategy can have the name "Kernel": '],
    ['pstrat/..', 'pstrat/..: no strategy can have the name "..": '],
    ['', ': no strategy can have the name "": '],
  ])('such as %s has no such name or kind', async (name, message) => {
    const none = cluster('kernel');
    expect(await refusal(none, name)).toContain(message);
    expect(none.requests).toEqual([]);
  });

  it('says which right is missing, and who grants it', async () => {
    const closed = cluster('kernel');
    closed.before = () => {
      throw forbidden('get');
    };
    expect(await refusal(closed, 'kernel')).toBe(
      'context lab has no right to get patchstrategies in namespace careen-hosts: the ClusterRole careen-viewer has it; ' +
        'an administrator binds it by kubectl -n careen-hosts create rolebinding NAME --clusterrole=careen-viewer --user=jane',
    );
    closed.before = () => {
      throw forbidden('get', 'system:serviceaccount:ci:bot');
    };
    expect(await refusal(closed, 'kernel')).toContain('--clusterrole=careen-viewer --serviceaccount=ci:bot');
  });

  it('is missing with its kind: Careen is not installed', async () => {
    const bare = cluster();
    bare.before = () => {
      throw noSuchPath();
    };
    for (const name of ['kernel', undefined])
      expect(await refusal(bare, name)).toContain(
        'the CRD patchstrategies.careen.dev is not in this cluster: install Careen',
      );
  });

  it('names the cluster that does not answer', async () => {
    const silent = cluster();
    silent.before = () => {
      throw new Error('connect ECONNREFUSED');
    };
    expect(await refusal(silent, 'kernel')).toBe(
      'https://lab:6443 (context lab) does not answer: connect ECONNREFUSED; choose another cluster with --context or KUBECONFIG',
    );
  });
});
