/**
 * helm, kubectl and similar tools for the tests of the chart and of manifests. As
 * a script it prints their folder:
 *
 *     node test/support/controlplane/tool-binaries.ts
 */
import { join } from 'node:path';
import { goBinaries, type BinariesOptions, type GoBuild } from './go-binaries.ts';

export const TOOLS: GoBuild = {
  name: 'tools',
  what: 'the tools for tests (helm, kubectl, kubeconform, check-rules, actionlint)',
  duration: '2 to 5 minutes',
  binaries: ['helm', 'kubectl', 'kubeconform', 'check-rules', 'actionlint'],
  sources: join(import.meta.dirname, '..', '..', 'tools'),
  inputs: ['build.sh', 'go.mod', 'go.sum', 'kubectl', 'check-rules', 'actionlint', 'prometheus-operator'],
  module: '.',
  variable: 'CAREEN_TOOLS',
};

/** The folder that has the binaries; builds them when there is none. */
export async function toolBinaries(options: BinariesOptions = {}): Promise<string> {
  return goBinaries(TOOLS, options);
}

if (import.meta.main) process.stdout.write(`${await toolBinaries()}\n`);
