/**
 * Pins what an image consists of: the Node of package.json, and the newest versions in Debian's archive.
 *
 *     make image-parts
 */
import packageJson from '../../package.json' with { type: 'json' };
import { ARCHITECTURES, newestPackage, nodePackage, readParts, writeParts } from './parts.ts';

const parts = await readParts();
parts.nodeVersion = packageJson.devDependencies.node;
for (const architecture of ARCHITECTURES) {
  const platform = parts.platforms[architecture];
  platform.node = (await nodePackage(architecture, parts.nodeVersion)).integrity;
  for (const [index, before] of platform.debian.entries()) {
    const { found } = await newestPackage(architecture, before.name);
    platform.debian[index] = found;
    const was = found.version === before.version ? 'as before' : `was ${before.version}`;
    console.log(`${architecture}: ${found.name} ${found.version} (${was})`);
  }
}
await writeParts(parts);
