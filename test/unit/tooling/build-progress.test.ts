import { expect, it } from 'vitest';
import { BuildProgress } from '../../support/controlplane/build-progress.ts';

it('counts what a build downloads and compiles, and keeps the end of its output', () => {
  const progress = new BuildProgress();
  expect(progress.describe(0, 'kwok')).toBe(
    '0:00 building kwok: 0 modules downloaded, 0 packages compiled, now starting',
  );
  const output = ['go: downloading k8s.io/api v0.36.3', 'k8s.io/api/core/v1', '# command-line-arguments'];
  for (const line of output) progress.read(line);
  expect(progress.describe(75, 'kwok')).toBe(
    '1:15 building kwok: 1 modules downloaded, 1 packages compiled, now # command-line-arguments',
  );
  expect(progress.tail).toBe(output.join('\n'));
});
