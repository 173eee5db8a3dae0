/** The cluster of the demonstration: a control plane, twelve simulated nodes with pods, and the operator. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { dump, load } from 'js-yaml';
import { z } from 'zod';
import { HOSTS_NAMESPACE } from '../../src/crds/names.ts';
import { apply, readManifests } from '../../test/support/controlplane/apply.ts';
import { connect, startControlPlane } from '../../test/support/controlplane/controlplane.ts';
import { createNodes } from '../../test/support/hosts/simulated-nodes.ts';
import { startHostStandin } from '../../test/support/hosts/start-host-standin.ts';
import {
  installCareen,
  startOperator,
  writeOperatorKubeconfig,
  type RunningOperator,
} from '../../test/support/operator/operator.ts';
import { demoNodes, demoWorkloads } from './fleet.ts';

export const ROOT = join(import.meta.dirname, '..', '..');

export type DemoCluster = {
  /** The path of a cluster admin's kubeconfig, whose namespace is that of the strategies. */
  readonly kubeconfig: string;
  readonly admin: KubeConfig;
  readonly operator: RunningOperator;
};

/** Starts it with its state in this folder. `closing` gets what ends it, to be called in reverse. */
export async function startDemoCluster(
  folder: string,
  closing: (() => Promise<void>)[],
  say: (line: string) => void,
): Promise<DemoCluster> {
  say('starting a real Kubernetes control plane');
  const plane = await startControlPlane({ dir: join(folder, 'cluster') });
  closing.push(() => plane.stop());
  const admin = connect(plane.kubeconfig);

  say(`adding ${String(demoNodes.length)} simulated nodes, with Deployments and disruption budgets on them`);
  await installCareen(admin);
  await createNodes(admin, demoNodes);
  await apply(admin, ...demoWorkloads);
  await apply(admin, ...(await readManifests(join(ROOT, 'deploy', 'pools', 'host-pool-default.yaml'))));
  const standin = await startHostStandin(admin);
  closing.push(() => standin.stop());

  say('starting the operator, a process of its own with the rights of its service account');
  const own = join(folder, 'operator.kubeconfig');
  await writeOperatorKubeconfig(admin, own);
  // There is no other replica to take over: a busy machine must not end this one.
  const operator = await startOperator(own, { environment: { CAREEN_LEASE_SECONDS: '60' } });
  closing.push(() => operator.stop());

  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, withNamespace(await readFile(plane.kubeconfig, 'utf8')), { mode: 0o600 });
  return { kubeconfig, admin, operator };
}

const kubeconfigSchema = z.looseObject({
  contexts: z.array(z.looseObject({ context: z.looseObject({}) })),
});

function withNamespace(kubeconfig: string): string {
  const { contexts, ...others } = kubeconfigSchema.parse(load(kubeconfig));
  const named = contexts.map(({ context, ...rest }) => ({
    ...rest,
    context: { ...context, namespace: HOSTS_NAMESPACE },
  }));
  return dump({ ...others, contexts: named });
}
