/**
 * One vitest project per suite, named like its folder below test/. scripts/testing/suites.ts
 * says which exist, which run beside each other and how long they may take.
 */
import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { defineConfig } from 'vitest/config';
import type { TestProjectInlineConfiguration } from 'vitest/config';
import { BaseSequencer } from 'vitest/node';
import type { TestSpecification } from 'vitest/node';

/** Files with real servers that run beside each other: on two processors they wait as long as they work. */
const SERVERS_AT_ONCE = 3;
const CASES_AT_ONCE = 10;
/** Of the files that never ran here before these are the longest, and the others take longer the longer they are. */
const LONGEST = [
  ...['takeover', 'api-faults', 'api-answers', 'lost-status', 'requests', 'kill'],
  ...['strategy', 'faults', 'outages', 'contract'],
];
const MILLISECONDS_OF_A_BYTE = 8;

/** So that no long file is left over for the end, when it would run alone. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const weights = new Map(files.map((file) => [file, this.#milliseconds(file)]));
    const weight = (file: TestSpecification): number => weights.get(file) ?? 0;
    return Promise.resolve(files.toSorted((a, b) => weight(b) - weight(a) || 0));
  }

  #milliseconds(file: TestSpecification): number {
    const before = this.ctx.cache.getTestSpecificationResult(file);
    if (before) return before.duration;
    if (LONGEST.includes(basename(file.moduleId, '.test.ts'))) return Infinity;
    return statSync(file.moduleId).size * MILLISECONDS_OF_A_BYTE;
  }
}

function inProcess(name: string): TestProjectInlineConfiguration {
  // Without interopDefault a CommonJS package looks in tests as it does in Node.
  const include = [`test/${name}/**/*.test.ts`];
  return { test: { name, include, testTimeout: 60_000, deps: { interopDefault: false } } };
}

/** Keeps all processors busy for minutes, so one file has them at a time. */
function onAllProcessors(name: string): TestProjectInlineConfiguration {
  const { test } = inProcess(name);
  return { test: { ...test, fileParallelism: false, testTimeout: 3_600_000, hookTimeout: 120_000 } };
}

/**
 * Waits for servers most of the time, so some files run beside each other, each on a control plane of its own: those
 * that take longest first, of whatever suite.
 */
function withRealServers(name: string): TestProjectInlineConfiguration {
  const { test } = inProcess(name);
  const sequence = { groupOrder: 1 };
  return {
    test: { ...test, sequence, maxWorkers: SERVERS_AT_ONCE, testTimeout: 60_000, hookTimeout: 120_000 },
  };
}

/** Its concurrent cases mostly wait for the cloud that they share; too many together keep it too busy to answer in time. */
function withManyAtOnce(name: string): TestProjectInlineConfiguration {
  const { test } = withRealServers(name);
  return { test: { ...test, maxConcurrency: CASES_AT_ONCE } };
}

/** Its files share what they import: importing it for each file took a third of the time. No file may change what another reads. */
function withSharedModules(name: string, setupFiles: string[]): TestProjectInlineConfiguration {
  const { test } = inProcess(name);
  return { test: { ...test, setupFiles, isolate: false, maxWorkers: 2 } };
}

export const projects: readonly TestProjectInlineConfiguration[] = [
  withSharedModules('unit', ['test/unit/support/property-seed.ts']),
  onAllProcessors('simulation'),
  withRealServers('standin'),
  withRealServers('contract'),
  withRealServers('integration'),
  withRealServers('e2e'),
  withRealServers('gitops'),
  withRealServers('chart'),
  onAllProcessors('long'),
  onAllProcessors('argocd'),
  onAllProcessors('image'),
  withManyAtOnce('openstack'),
  inProcess('run-wide'),
];

export default defineConfig({
  test: {
    projects: [...projects],
    sequence: { sequencer: LongestFirst },
    coverage: { include: ['src/**/*.ts'] },
  },
});
