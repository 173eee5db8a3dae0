/** The part of a case that is in a real cluster, whatever hosts the pool has: the strategy, its namespace and its Jobs. */
import { BatchV1Api, CoreV1Api, type KubeConfig, type V1Job } from '@kubernetes/client-node';
import { expect } from 'vitest';
import { z } from 'zod';
import { EPOCH_ANNOTATION } from '../../src/crds/names.ts';
import { hostOfKey, subjectOfKey } from '../../src/engine/effect.ts';
import { jobManifest, type RemoteHost } from '../../src/hostops/jobs/job.ts';
import type { ClusterOps } from '../../src/hostops/port.ts';
import { apply, mergePatch, read } from '../support/controlplane/apply.ts';
import { eventually } from '../support/eventually.ts';
import { allowJobs } from '../support/operator/operator.ts';
import { strategyManifest } from '../support/operator/strategies.ts';
import { EPOCH, JOB, RUN, type ContractFixture, type StrangersJob } from './contract-case.ts';

const madeSchema = z.object({ metadata: z.object({ uid: z.string() }) });

export type ClusterSide = {
  /** What is the same in the fixture of every adapter that works with a real cluster. */
  readonly common: Pick<ContractFixture, 'owner' | 'alterJob' | 'addConfigMap' | 'addStrangersJob'>;
  /** Lets no pod be made in the namespace any more. */
  readonly forbidPods: () => Promise<void>;
  readonly remove: () => Promise<void>;
};

/**
 * Makes the namespace of a case, and its strategy.
 * @param remote how the Jobs on hosts are made that are no nodes
 */
export async function clusterSide(
  admin: KubeConfig,
  ops: ClusterOps,
  namespace: string,
  remote?: RemoteHost,
): Promise<ClusterSide> {
  const core = admin.makeApiClient(CoreV1Api);
  await core.createNamespace({ body: { metadata: { name: namespace } } });
  await allowJobs(admin, namespace);
  const uid = await addStrategy(admin, namespace, 'contract');
  return {
    common: {
      owner: { kind: 'PatchStrategy', namespace, name: 'contract', uid },
      alterJob: (name) =>
        mergePatch(
          admin,
          { apiVersion: 'batch/v1', kind: 'Job', metadata: { name, namespace } },
          { spec: { backoffLimit: 4 } },
        ),
      addConfigMap: (name, immutable) =>
        apply(admin, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, immutable }),
      addStrangersJob: async (key, where) => {
        const place = where === 'same namespace' ? namespace : `${namespace}-of-others`;
        if (place !== namespace) {
          await core.createNamespace({ body: { metadata: { name: place } } });
          await allowJobs(admin, place);
        }
        const job = await addStrangersJob(admin, place, key, remote);
        expect(await ops.prepare(place, new AbortController().signal)).toBeUndefined();
        return job;
      },
    },
    forbidPods: () => forbidPods(core, namespace),
    remove: async () => {
      await core.deleteNamespace({ name: namespace });
    },
  };
}

/** Returns its uid. */
async function addStrategy(admin: KubeConfig, namespace: string, name: string): Promise<string> {
  const strategy = strategyManifest(name, namespace);
  await apply(admin, strategy);
  return madeSchema.parse(await read(admin, strategy)).metadata.uid;
}

/** A Job as ours, with another strategy as its controller. Without pods it has no end. */
async function addStrangersJob(
  admin: KubeConfig,
  namespace: string,
  key: string,
  remote: RemoteHost | undefined,
): Promise<StrangersJob> {
  const uid = await addStrategy(admin, namespace, 'of-others');
  const owner = { kind: 'PatchStrategy', namespace, name: 'of-others', uid };
  const [host, action] = [hostOfKey(key), subjectOfKey(key)];
  const fence = { owner, run: RUN, epoch: EPOCH };
  const body: V1Job = jobManifest({ kind: 'create-job', key, host, action, job: JOB }, fence, remote);
  const batch = admin.makeApiClient(BatchV1Api);
  Object.assign(body.spec ?? {}, { suspend: false, parallelism: 0 });
  const { metadata } = await batch.createNamespacedJob({ namespace, body });
  const name = metadata?.name ?? '';
  const isUntouched = async (): Promise<boolean> => {
    const found = await batch.readNamespacedJob({ namespace, name });
    return found.metadata?.annotations?.[EPOCH_ANNOTATION] === String(EPOCH) && found.spec?.suspend === false;
  };
  return { name, isUntouched };
}

/** A quota is in force only when its controller has counted. */
async function forbidPods(core: CoreV1Api, namespace: string): Promise<void> {
  const name = 'no-pods';
  const body = { metadata: { name }, spec: { hard: { pods: '0' } } };
  await core.createNamespacedResourceQuota({ namespace, body });
  await eventually(`the quota in ${namespace}`, async () => {
    const { status } = await core.readNamespacedResourceQuota({ namespace, name });
    return status?.used?.['pods'] === '0';
  });
}
