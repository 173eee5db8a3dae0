import { describe, expect, it } from 'vitest';
import { versionSkew } from '../../../src/cli/cluster/versions.ts';
import { versionLines } from '../../../src/cli/commands/version.ts';
import type { Versions } from '../../../src/cli/cluster/versions.ts';
import { careen } from '../../support/operator/careen-cli.ts';

const versions = (more: Partial<Versions> = {}): Versions => ({
  ...{ apiVersion: 'careen.dev/v1alpha1', kind: 'Versions', client: { version: '0.1.0' } },
  ...more,
});

describe('careen version', () => {
  it('prints the client without a cluster, and why it knows no more', async () => {
    const environment = { KUBECONFIG: '/nowhere' };
    const { status, out, err } = await careen(['version'], { environment });
    expect({ status, err }).toEqual({ status: 0, err: '' });
    expect(out).toMatch(
      /^client {4}\d+\.\d+\.\d+\nserver {4}not known: no kubeconfig: there is no file \/nowhere; /,
    );
    const short = await careen(['--version'], { environment });
    expect(short.out).toMatch(/^careen \d+\.\d+\.\d+\n$/);
  });

  it('says what leads, what the kinds lack, and what cannot be read', () => {
    const server = { version: 'v1.36.0' };
    const image = 'ghcr.io/careen-dev/careen:0.1.0';
    expect(
      versionLines(
        versions({ server, kinds: [{ plural: 'hostpools' }], operator: { image, leader: 'careen-0' } }),
      ),
    ).toEqual([
      'client    0.1.0',
      'operator  ghcr.io/careen-dev/careen:0.1.0 (careen-0 leads)',
      'kinds     those of this version',
      'server    v1.36.0',
    ]);
    const kinds = [{ plural: 'hostpools', problem: 'the CRD hostpools is not in this cluster' }];
    const [, operator, kind] = versionLines(versions({ kinds, operator: { unknown: 'no right' } }));
    expect(operator).toBe('operator  not known: no right (none leads)');
    expect(kind).toMatch(
      /^kinds {5}the CRD hostpools is not in this cluster; apply the CRDs of this version/,
    );
    const unread = [{ plural: 'hostpools', unknown: 'no right' }];
    expect(versionLines(versions({ kinds: unread }))[1]).toBe('kinds     not known: no right');
  });

  it.each([
    ['ghcr.io/careen-dev/careen:0.1.0', undefined],
    ['ghcr.io/careen-dev/careen@sha256:00', undefined],
    ['registry:5000/careen:0.0.9', /^the operator is version 0\.0\.9, and this command line 0\.1\.0/],
    ['registry:5000/careen:v0.2.0@sha256:00', /^the operator is version 0\.2\.0/],
  ])('compares the version of the image %s', (image, warning) => {
    const found = versionSkew(versions({ operator: { image } }));
    if (warning) expect(found).toMatch(warning);
    else expect(found).toBeUndefined();
  });
});
