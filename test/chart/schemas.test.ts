/** The published JSON schemas in kubeconform: they accept valid manifests, and refuse those that the API server refuses. */
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { readManifests, type Manifest } from '../support/controlplane/apply.ts';
import { strategyManifest } from '../support/operator/strategies.ts';
import { CHART, rendered, ROOT, run } from '../support/controlplane/tools.ts';

const EXAMPLES = join(ROOT, 'examples');
/** The location of the schemas in the guide. */
const SCHEMAS = join(ROOT, 'deploy', 'schemas', '{{.ResourceKind}}_{{.ResourceAPIVersion}}.json');

async function validate(files: readonly string[], input = ''): Promise<string> {
  return run('kubeconform', ['-strict', '-summary', '-schema-location', SCHEMAS, ...files], input);
}

describe('the schemas', () => {
  it('accept the examples', async () => {
    const upgrades = globSync('upgrade-*/upgrade-strategy*.yaml', { cwd: EXAMPLES });
    const files = ['patch-strategy.yaml', 'host-pool.yaml', ...upgrades].map((file) => join(EXAMPLES, file));
    expect(await validate(files)).toContain('6 resources found in 6 files - Valid: 6, Invalid: 0');
  });

  it('accept the examples in the check of the guide, without another source of schemas', async () => {
    const guide = await readFile(join(ROOT, 'docs', 'guides', 'validate.md'), 'utf8');
    const [, command = ''] = /^ {4}kubeconform ((?:.*\\\n)+.*)$/m.exec(guide) ?? [];
    const words = command.replaceAll(/[\\']/g, '').split(/\s+/);
    const args = words.map((word) => (/^(deploy|examples)\//.test(word) ? join(ROOT, word) : word));
    expect(args).toContain(SCHEMAS);
    expect(await run('kubeconform', args)).toContain('Valid: 2, Invalid: 0, Errors: 0, Skipped: 0');
  });

  it('accept the pools and strategies of the examples for Argo CD', async () => {
    const files = ['pools/host-pools.yaml', 'strategies/base/patch-strategy.yaml'];
    const paths = files.map((file) => join(EXAMPLES, 'argocd', file));
    expect(await validate(paths)).toContain('Valid: 3, Invalid: 0');
  });

  it('accept the pools of the chart', async () => {
    const pools = (await rendered(CHART)).filter(({ kind }) => kind === 'HostPool');
    expect(await validate(['-'], pools.map((pool) => dump(pool)).join('---\n'))).toContain(
      'Valid: 1, Invalid: 0',
    );
  });

  it.each(['10%', 3])('accept a number and a percentage: %s', async (maxUnavailable) => {
    const [pool] = await readManifests(join(EXAMPLES, 'host-pool.yaml'));
    const spec = { ...(pool?.['spec'] as object), maxUnavailable };
    expect(await validate(['-'], dump({ ...pool, spec }))).toContain('Valid: 1');
  });

  it.each(['101%', 0])('refuse a value that is neither: %s', async (maxUnavailable) => {
    const [pool] = await readManifests(join(EXAMPLES, 'host-pool.yaml'));
    const spec = { ...(pool?.['spec'] as object), maxUnavailable };
    await expect(validate(['-'], dump({ ...pool, spec }))).rejects.toThrow(/\/spec\/maxUnavailable/);
  });

  it('accept any field of a pod in the template of a Job', async () => {
    const containers = [{ name: 'a', image: 'a:1', securityContext: { privileged: true } }];
    const job = { template: { spec: { hostPID: true, containers } } };
    expect(await validate(['-'], dump(strategyManifest('a', 'b', { reboot: { job } })))).toContain(
      'Valid: 1',
    );
  });

  const wrong: readonly [what: string, manifest: Manifest, complaint: RegExp][] = [
    ['an unknown field of spec', tried({ workersApplyType: 'serial' }), /workersApplyType/],
    ['an unknown field further down', tried({ execution: { modus: 'Run' } }), /\/spec\/execution'?: .*modus/],
    ['an unknown word', tried({ workerApplyType: 'paralel' }), /\/spec\/workerApplyType/],
    ['a number out of bounds', tried({ maxParallelWorkerHosts: 0 }), /\/spec\/maxParallelWorkerHosts/],
    ['a strategy without patches', tried({ patches: undefined }), /patches/],
    ['another version', { ...tried({}), apiVersion: 'careen.dev/v1beta1' }, /could not find schema/],
  ];
  it.each(wrong)('refuse %s', async (_, manifest, complaint) => {
    await expect(validate(['-'], dump(manifest, { skipInvalid: true }))).rejects.toThrow(complaint);
  });
});

function tried(spec: Record<string, unknown>): Manifest {
  return strategyManifest('tried', 'careen-hosts', spec);
}
