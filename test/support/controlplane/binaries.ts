/**
 * The test control plane's two binaries. As a script it prints their folder:
 *
 *     node test/support/controlplane/binaries.ts
 */
import { join } from 'node:path';
import { goBinaries, type BinariesOptions, type GoBuild } from './go-binaries.ts';

export const CONTROL_PLANE: GoBuild = {
  name: 'controlplane',
  what: 'the test control plane (Kubernetes and kwok)',
  duration: '4 to 7 minutes',
  binaries: ['controlplane', 'kwok'],
  sources: join(import.meta.dirname, '..', '..', 'controlplane'),
  inputs: ['build.sh', 'go.work', 'go.work.sum', 'controlplane', 'kwok'],
  module: 'controlplane',
  variable: 'CAREEN_CONTROLPLANE',
};

/** The folder that has the binaries `controlplane` and `kwok`; builds them when there is none. */
export async function controlPlaneBinaries(options: BinariesOptions = {}): Promise<string> {
  return goBinaries(CONTROL_PLANE, options);
}

if (import.meta.main) process.stdout.write(`${await controlPlaneBinaries()}\n`);
