import { describe, expect, it } from 'vitest';
import { SmallCluster } from '../support/small-cluster.ts';

/** A strategy in a namespace that the pool does not allow. */
function elsewhere(more: Parameters<SmallCluster['placeStrategy']>[1] = {}): SmallCluster {
  const cluster = new SmallCluster(['w-1'], 1, ['others']);
  cluster.placeStrategy({ mode: 'Run' }, more);
  return cluster;
}

describe('a strategy in a namespace that no pool allows', () => {
  it('is not read, and says so once', async () => {
    const cluster = elsewhere();
    await cluster.pass();
    const said =
      'metadata.namespace is "careen-hosts", which rule allowedNamespaces of no HostPool admits; make the strategy in ' +
      'others, or ask the administrator to add careen-hosts to a pool';
    expect(cluster.status).toMatchObject({ message: said, observedGeneration: 1 });
    expect(cluster.status.conditions).toContainEqual(
      expect.objectContaining({ type: 'Stalled', status: 'True', reason: 'NotPermitted', message: said }),
    );
    const { revision } = cluster.server;
    await cluster.pass();
    expect(cluster.server.revision).toBe(revision);
    expect(cluster.wholeReads).toBe(0);
  });

  it('shows a state, and keeps the one of an earlier run', async () => {
    const byTool = { manager: 'tool', fieldsV1: { 'f:spec': {} } };
    const cluster = elsewhere({ managedFields: [byTool] });
    await cluster.pass();
    expect(cluster.status).toMatchObject({ state: 'building', stages: '0/0', completionPercentage: 0 });

    const byCareen = { manager: 'careen', fieldsV1: { 'f:status': { 'f:state': {} } } };
    for (const managedFields of [[byTool, byCareen], undefined]) {
      const ended = elsewhere({ status: { state: 'applied' }, ...(managedFields ? { managedFields } : {}) });
      await ended.pass();
      expect(ended.status.state).toBe('applied');
    }
  });

  it('is planned once a pool allows it', async () => {
    const cluster = elsewhere();
    await cluster.pass();
    cluster.allow(['careen-hosts']);
    await cluster.until('the end', () => cluster.status.state === 'applied');
  });

  it('is finalized when it may still hold hosts', async () => {
    const cluster = elsewhere({ finalizers: ['careen.dev/release-hosts'] });
    cluster.server.remove('patchstrategies', 'careen-hosts/kernel', 'tool');
    await cluster.pass();
    expect(cluster.server.get('patchstrategies', 'careen-hosts/kernel')).toBeUndefined();
  });
});
