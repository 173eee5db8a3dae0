/** The fleet of the demonstration: twelve simulated nodes with workloads that must not stop. */
import type { SimulatedNode } from '../../test/support/hosts/simulated-nodes.ts';
import type { Manifest } from '../../test/support/controlplane/apply.ts';

const OLD_KERNEL = '6.12.41';

/** Three controllers, two storage hosts, seven workers. */
export const demoNodes: readonly SimulatedNode[] = [
  ...numbered('controller', 3, { 'node-role.kubernetes.io/control-plane': '' }),
  ...numbered('storage', 2, { 'node-role.kubernetes.io/storage': '' }),
  ...numbered('worker', 7, {}),
];

function numbered(name: string, count: number, labels: Record<string, string>): SimulatedNode[] {
  const taints = name === 'worker' ? [] : [{ key: `node-role.kubernetes.io/${name}`, effect: 'NoSchedule' }];
  return Array.from({ length: count }, (_, i) => ({
    name: `${name}-${String(i)}`,
    labels,
    taints,
    kernelVersion: OLD_KERNEL,
    kubeletVersion: 'v1.36.3',
    osImage: 'Debian GNU/Linux 13 (trixie)',
  }));
}

/** Applications with disruption budgets: each may lose at most one of its pods at a time. */
export const demoWorkloads: readonly Manifest[] = ['web', 'shop', 'queue'].flatMap((name) => [
  deployment(name, name === 'web' ? 8 : 4),
  budget(name),
]);

function deployment(name: string, replicas: number): Manifest {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          containers: [{ name: 'app', image: `registry.example.com/${name}:1` }],
          topologySpreadConstraints: [
            {
              maxSkew: 1,
              topologyKey: 'kubernetes.io/hostname',
              whenUnsatisfiable: 'ScheduleAnyway',
              labelSelector: { matchLabels: labels },
            },
          ],
        },
      },
    },
  };
}

function budget(name: string): Manifest {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name, namespace: 'default' },
    spec: { maxUnavailable: 1, selector: { matchLabels: { app: name } } },
  };
}
