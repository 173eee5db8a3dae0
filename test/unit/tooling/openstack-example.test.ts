/** examples/openstack: its parts fit together, and the pool admits the Jobs of the strategy. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { hostPoolSpec } from '../../../src/crds/host-pool.ts';
import { OPERATOR_NAMESPACE } from '../../../src/crds/names.ts';
import { STRATEGY_KINDS, type StrategyKindName } from '../../../src/crds/strategy-kinds.ts';
import { cloudIn } from '../../../src/openstack/clouds-yaml.ts';
import { configMapsOf } from '../../../src/planner/policy/action-policy.ts';
import { policyViolations } from '../../../src/planner/policy/pool-policy.ts';
import { readManifests, type Manifest } from '../../support/controlplane/apply.ts';
import { ROOT } from '../../support/operator/careen-cli.ts';

const FOLDER = join(ROOT, 'examples', 'openstack');
const manifests = async (file: string): Promise<Manifest[]> => readManifests(join(FOLDER, file));
const one = async (file: string): Promise<Manifest> => {
  const [manifest, ...others] = await manifests(file);
  if (!manifest || others.length > 0) throw new Error(`${file} must have one manifest`);
  return manifest;
};

const pool = await one('pool.yaml');
const poolSpec = hostPoolSpec.parse(pool['spec']);
const playbooksSchema = z.looseObject({
  ...{ data: z.record(z.string(), z.string()), immutable: z.literal(true) },
});
const podSchema = z.looseObject({
  containers: z.tuple([z.looseObject({ image: z.string(), command: z.tuple([z.string(), z.string()]) })]),
});
type Pod = z.infer<typeof podSchema>;

/** A strategy, its ConfigMap, and the pods of its Jobs. */
async function example(kind: StrategyKindName, file: string, configMap: string) {
  const strategy = await one(file);
  const spec = STRATEGY_KINDS[kind].readSpec.parse(strategy['spec']);
  const jobs = [
    ...spec.patches.flatMap(({ action }) => action.job ?? []),
    ...(spec.reboot ? [spec.reboot.job] : []),
  ];
  const pods: Pod[] = jobs.map(({ template }) => podSchema.parse(template.spec));
  const playbooks = await one(configMap);
  return { strategy, spec, pods, playbooks, ...playbooksSchema.parse(playbooks) };
}
const examples = [
  await example('PatchStrategy', 'strategy.yaml', 'playbooks.yaml'),
  await example('UpgradeStrategy', 'upgrade-strategy.yaml', 'upgrade-playbooks.yaml'),
];

describe.each(examples)('examples/openstack: $strategy.kind', ({ strategy, spec, pods, playbooks, data }) => {
  it('has a pool that admits its strategy', () => {
    expect(spec.poolRef).toBe(pool.metadata.name);
    const policy = { ...poolSpec, name: pool.metadata.name };
    expect(policyViolations(spec, strategy.metadata.namespace ?? '', policy, OPERATOR_NAMESPACE)).toEqual([]);
  });

  it('has an immutable ConfigMap with the playbooks that its Jobs run', () => {
    expect(configMapsOf(spec)).toEqual([playbooks.metadata.name]);
    expect(playbooks.metadata.namespace).toBe(strategy.metadata.namespace);
    const run = pods.map(({ containers: [{ command }] }) => command);
    expect(run.map(([program]) => program)).toEqual(run.map(() => 'run-playbook'));
    expect(run.map(([, file]) => file.replace('/playbooks/', '')).toSorted()).toEqual(
      Object.keys(data).toSorted(),
    );
    for (const [file, text] of Object.entries(data)) expect(load(text), file).toBeInstanceOf(Array);
  });

  it('has an image with the script that its Jobs run, which a shell can read', () => {
    const dockerfile = readFileSync(join(FOLDER, 'Dockerfile'), 'utf8');
    expect(dockerfile).toContain('COPY --chmod=755 run-playbook /usr/local/bin/');
    const [, tag] = /--tag (\S+)/.exec(dockerfile) ?? [];
    expect(pods.map(({ containers: [{ image }] }) => image)).toEqual(pods.map(() => tag));
    expect(() => execFileSync('sh', ['-n', join(FOLDER, 'run-playbook')])).not.toThrow();
  });
});

describe('examples/openstack', () => {
  it('has a clouds.yaml with the cloud of the pool, and only Secrets that something names', async () => {
    const [cloud, ssh, ...others] = await manifests('secrets.yaml');
    const { identityRef } = poolSpec.provider.openstack ?? {};
    expect(others).toEqual([]);
    expect(cloud?.metadata).toEqual({ name: identityRef?.name, namespace: OPERATOR_NAMESPACE });
    const { stringData } = z.looseObject({ stringData: z.record(z.string(), z.string()) }).parse(cloud);
    expect(cloudIn(stringData['clouds.yaml'] ?? '', identityRef?.cloudName ?? '')).toMatchObject({
      region: poolSpec.provider.openstack?.region,
    });
    expect(poolSpec.actionPolicy.secrets).toEqual([ssh?.metadata.name]);
  });
});
