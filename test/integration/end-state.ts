/** The objects after a run, in a form in which two runs can be compared. */
import type { V1Job, V1Node } from '@kubernetes/client-node';
import { z } from 'zod';
import { EFFECT_ANNOTATION, GROUP } from '../../src/crds/names.ts';
import { jobState } from '../../src/hostops/jobs/job.ts';
import { read, type Manifest } from '../support/controlplane/apply.ts';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Fleet } from '../e2e/cluster.ts';

/** Times, versions, and digests of objects with the names of the fleet in them: two runs never share them. */
const NOT_COMPARED = new Set([
  'time',
  'uid',
  'startTime',
  'endTime',
  'since',
  'timedSince',
  'lastObservedTime',
  'extendedSeconds',
  'unwellSince',
  'builtAt',
  'lastTransitionTime',
  'observedGeneration',
  'epoch',
  'planDigest',
  'specDigest',
  'fleetRevision',
]);
const ours = z.looseObject({
  metadata: z.looseObject({ finalizers: z.array(z.string()).optional() }),
  spec: z.unknown().optional(),
  status: z.unknown().optional(),
});

export type EndState = {
  readonly strategy: unknown;
  readonly pool: unknown;
  readonly hosts: readonly unknown[];
  readonly jobs: readonly string[];
};

/** Spec, status with all its history, hosts and Jobs, without the names of the fleet and of the run. */
export async function endState(admin: KubeConfig, fleet: Fleet): Promise<EndState> {
  const { run } = await fleet.status();
  const state: EndState = {
    strategy: await objectOf(admin, fleet.strategy),
    pool: await objectOf(admin, fleet.poolObject),
    hosts: (await fleet.nodes()).map(hostOf),
    jobs: (await fleet.jobs()).map(jobOf).toSorted(),
  };
  const text = JSON.stringify(state, (key, value: unknown) => (NOT_COMPARED.has(key) ? undefined : value));
  return JSON.parse(
    text.replaceAll(run?.id ?? 'no run', 'RUN').replaceAll(fleet.poolName, 'FLEET'),
  ) as EndState;
}

async function objectOf(admin: KubeConfig, manifest: Manifest): Promise<unknown> {
  const { metadata, spec, status } = ours.parse(await read(admin, manifest));
  return { finalizers: metadata.finalizers, spec, status };
}

function hostOf({ metadata, spec, status }: V1Node): unknown {
  const annotations = Object.entries(metadata?.annotations ?? {}).filter(([name]) =>
    name.startsWith(`${GROUP}/`),
  );
  return {
    name: metadata?.name,
    closed: spec?.unschedulable === true,
    taints: spec?.taints?.map(({ key, effect }) => `${key}:${effect}`) ?? [],
    annotations: Object.fromEntries(annotations),
    kernel: status?.nodeInfo?.kernelVersion,
    kubelet: status?.nodeInfo?.kubeletVersion,
  };
}

/** The effect names the host, the action and the attempt. */
function jobOf(job: V1Job): string {
  return `${jobState(job)?.state ?? 'none'} ${job.metadata?.annotations?.[EFFECT_ANNOTATION] ?? ''}`;
}
