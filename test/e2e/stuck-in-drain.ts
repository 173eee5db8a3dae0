import type { StrategyStatus } from '../../src/crds/observed/strategy-status.ts';
import type { Cluster, Fleet } from './cluster.ts';
import { stubbornPod } from './stubborn-pod.ts';

/** Runs a strategy until it has cordoned its first host and waits for a pod that may not leave until `release`. */
export async function stuckInDrain(
  { admin }: Cluster,
  fleet: Fleet,
  spec: Record<string, unknown> = {},
): Promise<{ readonly run: string; readonly release: () => Promise<void> }> {
  const [first = ''] = fleet.hosts;
  const pod = await stubbornPod(admin, first);
  await fleet.apply({ execution: { mode: 'Run' }, ...spec });
  const { run } = await fleet.until('a drain that is blocked', isStuck);
  return { run: run?.id ?? '', ...pod };
}

export function isStuck({ message = '' }: StrategyStatus): boolean {
  return message.includes('may not leave now');
}
