/** What kwok and the controller manager are told, so that two processors can simulate 5,000 nodes. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** By default four pods at once become Running, which takes most of an hour for 50,000. */
const SIMULATED_AT_ONCE = 32;
/**
 * Each node renews its Lease after a quarter of this. As often as by default, every 10 s, 5,000 nodes take more than two
 * processors can do, and become NotReady. Careen does not read these Leases.
 */
const NODE_LEASE_SECONDS = 600;
const GRACE_SECONDS = 900;

/** Arguments for the start of the control plane; a file of theirs is in this folder. */
export async function largeFleetArgs(folder: string): Promise<readonly string[]> {
  const file = join(folder, 'kwok.json');
  const options = {
    podPlayStageParallelism: SIMULATED_AT_ONCE,
    nodePlayStageParallelism: SIMULATED_AT_ONCE,
    nodeLeaseParallelism: SIMULATED_AT_ONCE,
  };
  const kind = { apiVersion: 'config.kwok.x-k8s.io/v1alpha1', kind: 'KwokConfiguration' };
  await writeFile(file, JSON.stringify({ ...kind, options }));
  return [
    `--kwok-arg=--config=${file}`,
    `--kwok-arg=--node-lease-duration-seconds=${String(NODE_LEASE_SECONDS)}`,
    `--controller-manager-arg=--node-monitor-grace-period=${String(GRACE_SECONDS)}s`,
  ];
}
