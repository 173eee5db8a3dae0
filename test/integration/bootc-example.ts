/** The commands of examples/upgrade-bootc, as its Jobs run them, with a stand-in for the bootc-operator. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { JobAction } from '../../src/crds/spec/host-action.ts';
import { upgradeStrategySpec } from '../../src/crds/spec/upgrade-strategy-spec.ts';
import { grantedRights, untilGranted } from '../support/audit/rights.ts';
import {
  apply,
  mergePatch,
  patchStatus,
  read,
  readManifests,
  type Manifest,
} from '../support/controlplane/apply.ts';
import { writeServiceAccountKubeconfig } from '../support/controlplane/service-account.ts';
import { ROOT, run } from '../support/controlplane/tools.ts';
import { eventually } from '../support/eventually.ts';

const EXAMPLE = join(ROOT, 'examples', 'upgrade-bootc');
const ACCOUNT = { namespace: 'careen-hosts', name: 'bootc' };
const GROUP = 'node.bootc.dev';
const HOST = 'worker-0';
const imageOf = (digit: string) => `registry.example.com/os/node@sha256:${digit.repeat(64)}`;
const [BEFORE, RELEASE] = [imageOf('1'), imageOf('2')];

const images = z.object({
  image: z.object({ ref: z.string() }).optional(),
  desiredImage: z.string().optional(),
  desiredImageState: z.string().optional(),
});
const container = z.object({
  name: z.string(),
  command: z.tuple([z.literal('kubectl')]),
  args: z.array(z.string()),
  env: z.array(z.unknown()).optional(),
});
const pod = z.object({
  serviceAccountName: z.literal(ACCOUNT.name),
  initContainers: z.array(container).default([]),
  containers: z.array(container),
});

/** The fields that the Jobs use, with the bounds that they have in the bootc-operator. */
const KINDS: readonly Manifest[] = [
  kind('BootcNodePool', 'bootcnodepools', {
    nodeSelector: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    image: { type: 'object', required: ['ref'], properties: { ref: { type: 'string', minLength: 1 } } },
    rollout: { type: 'object', properties: { paused: { type: 'boolean' } } },
  }),
  kind('BootcNode', 'bootcnodes', {
    desiredImage: { type: 'string', minLength: 1 },
    desiredImageState: { type: 'string', enum: ['Staged', 'Booted'] },
  }),
];

const POOL: Manifest = {
  ...{ apiVersion: `${GROUP}/v1alpha1`, kind: 'BootcNodePool', metadata: { name: 'nodes' } },
  spec: { nodeSelector: {}, image: { ref: BEFORE }, rollout: { paused: true } },
};
const NODE: Manifest = {
  ...{ apiVersion: `${GROUP}/v1alpha1`, kind: 'BootcNode', metadata: { name: HOST } },
  spec: { desiredImage: BEFORE, desiredImageState: 'Booted' },
};

export function bootcExample(config: () => KubeConfig): void {
  describe('the Jobs of examples/upgrade-bootc', () => {
    let folder: string;
    let spec: z.infer<typeof upgradeStrategySpec>;
    const kubeconfig = () => join(folder, 'bootc.kubeconfig');

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'careen-bootc-'));
      const [strategy] = await readManifests(join(EXAMPLE, 'upgrade-strategy.yaml'));
      spec = upgradeStrategySpec.parse(strategy?.['spec']);
      const rights = await readManifests(join(EXAMPLE, 'rbac.yaml'));
      await apply(config(), ...KINDS, ...rights);
      await writeServiceAccountKubeconfig(config(), ACCOUNT.namespace, ACCOUNT.name, kubeconfig());
      await untilGranted(config(), ACCOUNT, grantedRights(rights, ACCOUNT));
      await eventually('the kinds are served', async () =>
        apply(config(), POOL, NODE).then(
          () => true,
          () => false,
        ),
      );
    });
    afterAll(async () => rm(folder, { recursive: true, force: true }));

    /** Runs the containers of a Job one after the other. */
    async function work(action: JobAction | undefined, deadline?: string): Promise<void> {
      const { initContainers, containers } = pod.parse(action?.template.spec);
      for (const { args } of [...initContainers, ...containers]) {
        const given = args.map((word) => word.replace('$(HOST)', HOST));
        const words = given.map((word) => (deadline ? word.replace(/^--timeout=.*/, deadline) : word));
        await run('kubectl', ['--kubeconfig', kubeconfig(), ...words]);
      }
    }

    /** The controller of the bootc-operator, once the image of the pool changes; then the daemon of the host. */
    async function operatorStages(ref: string): Promise<void> {
      await eventually('the pool has the image', async () => (await specOf(POOL)).image?.ref === ref);
      await mergePatch(config(), NODE, { spec: { desiredImage: ref, desiredImageState: 'Staged' } });
      await patchStatus(config(), NODE, { staged: { image: ref } });
    }

    async function daemonBoots(): Promise<void> {
      const { desiredImage, desiredImageState } = await specOf(NODE);
      expect(desiredImageState).toBe('Booted');
      await patchStatus(config(), NODE, { booted: { image: desiredImage }, staged: null });
    }

    async function specOf(manifest: Manifest): Promise<z.infer<typeof images>> {
      return z.object({ spec: images }).parse(await read(config(), manifest)).spec;
    }

    it('stage the image, boot it, and bring the host back', async () => {
      const { worker } = spec.hosts;
      await Promise.all([work(worker?.stage?.job), operatorStages(RELEASE)]);
      await work(worker?.stage?.job); // of the next host
      await work(worker?.action.job);
      expect(await specOf(NODE)).toEqual({ desiredImage: RELEASE, desiredImageState: 'Staged' });
      await work(spec.reboot?.job);
      await daemonBoots();

      await Promise.all([work(worker?.rollback?.job), operatorStages(BEFORE)]);
      await work(spec.reboot?.job);
      await daemonBoots();
      expect(await specOf(NODE)).toEqual({ desiredImage: BEFORE, desiredImageState: 'Booted' });
    });

    it('fail on a host that has another image staged', async () => {
      await patchStatus(config(), NODE, { staged: { image: BEFORE } });
      await expect(work(spec.hosts.worker?.action.job, '--timeout=1s')).rejects.toThrow(
        'timed out waiting for the condition on bootcnodes/worker-0',
      );
    });

    it.each<[string, object]>([
      ['not paused', { paused: false }],
      ['not said to be paused', { paused: null }],
    ])('order nothing while the pool is %s', async (_case, rollout) => {
      await mergePatch(config(), POOL, { spec: { image: { ref: BEFORE }, rollout } });
      const { worker } = spec.hosts;
      await expect(work(worker?.stage?.job, '--timeout=1s')).rejects.toThrow('/spec/rollout/paused');
      await expect(work(worker?.rollback?.job, '--timeout=1s')).rejects.toThrow('/spec/rollout/paused');
      expect((await specOf(POOL)).image?.ref).toBe(BEFORE);
    });
  });
}

function kind(name: string, plural: string, spec: Record<string, unknown>): Manifest {
  const status = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const properties = { spec: { type: 'object', properties: spec }, status };
  const version = { name: 'v1alpha1', served: true, storage: true, subresources: { status: {} } };
  return {
    ...{ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' },
    metadata: { name: `${plural}.${GROUP}` },
    spec: {
      ...{ group: GROUP, scope: 'Cluster', names: { kind: name, plural, singular: name.toLowerCase() } },
      versions: [{ ...version, schema: { openAPIV3Schema: { type: 'object', properties } } }],
    },
  };
}
