import type { ResourceEvent } from '@dot-i/k8s-operator';
import type { KubernetesObject } from '@kubernetes/client-node';
import { expect, it, onTestFinished } from 'vitest';
import { OperatorShell } from '../../../src/controllers/runtime/shell.ts';
import { scriptedServer } from '../support/scripted-server.ts';

const METADATA = {
  ...{ name: 'kernel', namespace: 'n', uid: 'u', resourceVersion: '7', generation: 2 },
  annotations: { 'kubectl.kubernetes.io/last-applied-configuration': 'a whole manifest' },
  managedFields: [{ manager: 'careen', fieldsV1: { 'f:status': {} } }],
};

class MetadataWatch extends OperatorShell {
  readonly told: KubernetesObject[] = [];

  protected override async init(): Promise<void> {
    const take = async ({ object }: ResourceEvent): Promise<void> => void this.told.push(object);
    await this.watchResource('careen.dev', 'v1alpha1', 'patchstrategies', take, undefined, {
      ...{ listAs: 'metadata', changesAs: 'metadata' },
    });
  }
}

it('a watch of metadata keeps what names a version, not annotations and managed fields', async () => {
  const server = await scriptedServer((url, response) => {
    if (url.searchParams.has('watch')) response.writeHead(200).flushHeaders();
    else
      response.end(JSON.stringify({ metadata: { resourceVersion: '7' }, items: [{ metadata: METADATA }] }));
  });
  onTestFinished(() => server.close());
  const { client } = server;
  client.listsInPages = true;
  const log = {
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: () => undefined,
  };
  const watch = new MetadataWatch({ config: client, log, clock: Date.now });
  await watch.start();
  watch.stop();
  const { annotations: _annotations, managedFields: _fields, ...identity } = METADATA;
  expect(watch.told).toEqual([{ metadata: identity }]);
});
