import { describe, expect, it } from 'vitest';
import { versionPlaces, versionsIn } from '../../../scripts/version.ts';
import { VERSION } from '../../../src/crds/version.ts';

describe('the version', () => {
  it('is the same everywhere', async () => {
    const places = await versionPlaces();
    expect(places.filter(({ version }) => version !== VERSION)).toEqual([]);
    const files = places.map(({ file }) => file);
    expect(files).toEqual(
      expect.arrayContaining([
        ...['package.json', 'package-lock.json', 'charts/careen/Chart.yaml', 'charts/careen-crds/Chart.yaml'],
        ...['deploy/kustomization.yaml', 'deploy/base/kustomization.yaml', 'deploy/base/deployment.yaml'],
        ...['docs/guides/install.md', 'examples/argocd/root.yaml'],
      ]),
    );
    expect(files.filter((file) => file === 'package-lock.json')).toHaveLength(2);
    expect(files.filter((file) => file === 'charts/careen/Chart.yaml')).toHaveLength(2);
  });

  it.each([
    ['image: ghcr.io/careen-dev/careen:1.2.3', ['1.2.3']],
    ['https://github.com/careen-dev/careen//deploy?ref=v1.2.3', ['1.2.3']],
    ['    targetRevision: v1.2.3', ['1.2.3']],
    ['dist/careen-1.2.3.oci.tar', ['1.2.3']],
    ['kernel-6.12.48 and v1.36.3', []],
    ['kubeVersion: ">=1.34.0-0"', []],
  ])('is found in: %s', (text, versions) => {
    expect(versionsIn(text)).toEqual(versions);
  });
});
