import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CONTROL_PLANE, controlPlaneBinaries } from '../support/controlplane-binaries.ts';
import { sourcesDigest, type BinariesOptions } from '../support/go-binaries.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'controlplane-binaries-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function write(file: string, content: string): Promise<void> {
  await mkdir(dirname(join(folder, file)), { recursive: true });
  await writeFile(join(folder, file), content);
}

async function sources(): Promise<string> {
  await write('sources/build.sh', '#!/bin/sh\n');
  await write('sources/controlplane/main.go', 'package main');
  await write('sources/controlplane/stages.yaml', 'kind: Stage');
  await write('sources/kwok/go.mod', 'module kwok');
  return join(folder, 'sources');
}

async function executable(file: string): Promise<void> {
  await write(file, '');
  await chmod(join(folder, file), 0o755);
}

const digestOf = async (folderOfSources: string): Promise<string> =>
  sourcesDigest(folderOfSources, CONTROL_PLANE.inputs);

/** An environment without Go, whose cache is in the test's folder. */
const withoutGo = (): NodeJS.ProcessEnv => ({ PATH: join(folder, 'nothing'), XDG_CACHE_HOME: folder });

describe('sourcesDigest', () => {
  it('is the same for the same sources in another place', async () => {
    const here = await sources();
    await cp(here, join(folder, 'copy'), { recursive: true });
    expect(await digestOf(join(folder, 'copy'))).toBe(await digestOf(here));
  });

  it.each(['build.sh', 'controlplane/stages.yaml', 'kwok/go.mod'])('changes with %s', async (file) => {
    const before = await digestOf(await sources());
    await write(`sources/${file}`, `${await readFile(join(folder, 'sources', file), 'utf8')}\n`);
    expect(await digestOf(join(folder, 'sources'))).not.toBe(before);
  });

  it('changes when content moves to another file', async () => {
    const before = await digestOf(await sources());
    await write('sources/controlplane/main.go', 'kind: Stage');
    await write('sources/controlplane/stages.yaml', 'package main');
    expect(await digestOf(join(folder, 'sources'))).not.toBe(before);
  });

  it('does not change with the README or what a build left beside the sources', async () => {
    const before = await digestOf(await sources());
    await write('sources/README.md', 'words');
    await write('sources/bin/kwok', 'binary');
    expect(await digestOf(join(folder, 'sources'))).toBe(before);
  });
});

describe('controlPlaneBinaries', () => {
  it('takes the folder that CAREEN_CONTROLPLANE names', async () => {
    await executable('mine/controlplane');
    await executable('mine/kwok');
    const environment = { ...withoutGo(), CAREEN_CONTROLPLANE: join(folder, 'mine') };
    expect(await controlPlaneBinaries({ environment })).toBe(join(folder, 'mine'));
  });

  it('says which binary the folder in CAREEN_CONTROLPLANE lacks', async () => {
    await executable('mine/controlplane');
    const environment = { CAREEN_CONTROLPLANE: join(folder, 'mine') };
    await expect(controlPlaneBinaries({ environment })).rejects.toThrow(
      `CAREEN_CONTROLPLANE=${join(folder, 'mine')} has no executable kwok`,
    );
  });

  it('names the alternatives when there is neither a build nor Go', async () => {
    const asked = controlPlaneBinaries({ environment: withoutGo(), sources: await sources() });
    await expect(asked).rejects.toThrow(
      /no Go.*CAREEN_CONTROLPLANE.*cache folder: .*\/careen\/controlplane\//s,
    );
  });

  it('needs no Go for sources that are in the cache', async () => {
    const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
    const key = `${await digestOf(await sources())}-go1.26.0-${process.platform}-${architecture}`;
    const cached = join('careen', 'controlplane', key);
    await executable(join(cached, 'controlplane'));
    await executable(join(cached, 'kwok'));
    const found = await controlPlaneBinaries({ environment: withoutGo(), sources: join(folder, 'sources') });
    expect(found).toBe(join(folder, cached));
  });

  it('leaves nothing in the cache when the build fails', async () => {
    const options = await buildOptions('echo half > "$1/controlplane"; echo out of memory >&2; exit 3');
    await expect(controlPlaneBinaries(options)).rejects.toThrow(
      /build\.sh failed with code 3:\nout of memory/,
    );
    expect(await readdir(join(folder, 'careen', 'controlplane'))).toEqual([]);
  });

  it('gives two builds at once the same folder', async () => {
    const script = 'for name in controlplane kwok; do echo > "$1/$name"; chmod +x "$1/$name"; done';
    const options = await buildOptions(script);
    const [one, other] = await Promise.all([controlPlaneBinaries(options), controlPlaneBinaries(options)]);
    expect(one).toBe(other);
    expect(await readdir(join(folder, 'careen', 'controlplane'))).toEqual([basename(one)]);
  });
});

/** Options with a build script in the place of the real one, with a `go` that only tells its version. */
async function buildOptions(script: string): Promise<BinariesOptions> {
  await write('go/go', '#!/bin/sh\necho go1.26.0; echo linux; echo amd64\n');
  await chmod(join(folder, 'go', 'go'), 0o755);
  await write('sources/build.sh', `#!/bin/sh\n${script}\n`);
  await chmod(join(folder, 'sources', 'build.sh'), 0o755);
  await write('sources/controlplane/main.go', 'package main');
  const environment = { PATH: `${join(folder, 'go')}:/usr/bin:/bin`, XDG_CACHE_HOME: folder };
  return { environment, sources: join(folder, 'sources'), progress: () => undefined };
}
