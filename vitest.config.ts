/**
 * One vitest project per suite, named like its folder below test/. scripts/test.ts
 * runs them one after another; its table says which exist and how long they may take.
 */
import { defineConfig } from 'vitest/config';
import type { TestProjectInlineConfiguration } from 'vitest/config';

function inProcess(name: string): TestProjectInlineConfiguration {
  // Without interopDefault a CommonJS package looks in tests as it does in Node.
  return { test: { name, include: [`test/${name}/**/*.test.ts`], deps: { interopDefault: false } } };
}

/** Brings processes of its own; three minutes on two processors that nobody else uses. */
function onAllProcessors(name: string): TestProjectInlineConfiguration {
  const { test } = inProcess(name);
  return { test: { ...test, fileParallelism: false, testTimeout: 3_600_000 } };
}

/** Real servers share this machine's processors and memory, so one file has them at a time. */
function withRealServers(name: string): TestProjectInlineConfiguration {
  const { test } = inProcess(name);
  return { test: { ...test, fileParallelism: false, testTimeout: 60_000, hookTimeout: 120_000 } };
}

export default defineConfig({
  test: {
    projects: [
      inProcess('unit'),
      onAllProcessors('simulation'),
      withRealServers('standin'),
      withRealServers('contract'),
      withRealServers('integration'),
      withRealServers('e2e'),
      withRealServers('gitops'),
      inProcess('run-wide'),
    ],
    coverage: { include: ['src/**/*.ts'] },
  },
});
