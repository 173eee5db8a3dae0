/** The bill of materials of an image, in the format CycloneDX 1.6: all that is in it, with versions and licences. */
import type { BundledPackage } from './bundle.ts';
import type { Architecture, DebianPackage } from './parts.ts';

export type Contents = {
  readonly version: string;
  /** The time of the commit, in ISO 8601. */
  readonly created: string;
  readonly architecture: Architecture;
  readonly nodeVersion: string;
  readonly npm: readonly Pick<BundledPackage, 'name' | 'version' | 'licence'>[];
  readonly debian: readonly DebianPackage[];
};

export function sbomOf({ version, created, architecture, nodeVersion, npm, debian }: Contents): string {
  const node = library('node', nodeVersion, `pkg:generic/node@${nodeVersion}?arch=${architecture}`, 'MIT');
  const document = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      timestamp: created,
      component: {
        ...{ type: 'container', name: 'careen', version, 'bom-ref': `careen@${version}` },
        licenses: [{ expression: 'Apache-2.0' }],
      },
    },
    components: [
      { ...node, type: 'platform' },
      ...npm.map((each) => library(each.name, each.version, npmUrl(each), each.licence)),
      ...debian.map((each) => ({
        ...library(each.name, each.version, debianUrl(each, architecture)),
        hashes: [{ alg: 'SHA-256', content: each.sha256 }],
      })),
    ],
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function library(name: string, version: string, purl: string, licence?: string): Record<string, unknown> {
  const licenses = licence === undefined ? {} : { licenses: [{ expression: licence }] };
  return { type: 'library', 'bom-ref': purl, name, version, purl, ...licenses };
}

function npmUrl({ name, version }: { readonly name: string; readonly version: string }): string {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`;
}

function debianUrl({ name, version }: DebianPackage, architecture: Architecture): string {
  return `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${architecture}`;
}
