import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  goBinaries,
  sourcesDigest,
  type BinariesOptions,
  type GoBuild,
} from '../../support/controlplane/go-binaries.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'go-binaries-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function write(file: string, content: string): Promise<void> {
  await mkdir(dirname(join(folder, file)), { recursive: true });
  await writeFile(join(folder, file), content);
}

async function sources(): Promise<GoBuild> {
  await write('sources/build.sh', '#!/bin/sh\n');
  await write('sources/controlplane/main.go', 'package main');
  await write('sources/controlplane/stages.yaml', 'kind: Stage');
  await write('sources/kwok/go.mod', 'module kwok');
  return programs('sources');
}

/** Two programs, from sources in the test's folder. */
function programs(name: string): GoBuild {
  return {
    name: 'programs',
    what: 'the programs',
    duration: 'a moment',
    binaries: ['controlplane', 'kwok'],
    sources: join(folder, name),
    inputs: ['build.sh', 'controlplane', 'kwok'],
    module: 'controlplane',
    variable: 'CAREEN_PROGRAMS',
  };
}

async function executable(file: string): Promise<void> {
  await write(file, '');
  await chmod(join(folder, file), 0o755);
}

/** An environment without Go, whose cache is in the test's folder. */
const withoutGo = (): NodeJS.ProcessEnv => ({ PATH: join(folder, 'nothing'), XDG_CACHE_HOME: folder });

describe('sourcesDigest', () => {
  it('is the same for the same sources in another place', async () => {
    const here = await sources();
    await cp(here.sources, join(folder, 'copy'), { recursive: true });
    expect(await sourcesDigest(programs('copy'))).toBe(await sourcesDigest(here));
  });

  it.each(['build.sh', 'controlplane/stages.yaml', 'kwok/go.mod'])('changes with %s', async (file) => {
    const before = await sourcesDigest(await sources());
    await write(`sources/${file}`, `${await readFile(join(folder, 'sources', file), 'utf8')}\n`);
    expect(await sourcesDigest(programs('sources'))).not.toBe(before);
  });

  it('changes when content moves to another file', async () => {
    const before = await sourcesDigest(await sources());
    await write('sources/controlplane/main.go', 'kind: Stage');
    await write('sources/controlplane/stages.yaml', 'package main');
    expect(await sourcesDigest(programs('sources'))).not.toBe(before);
  });

  it('does not change with the README or the output of a build beside the sources', async () => {
    const before = await sourcesDigest(await sources());
    await write('sources/README.md', 'words');
    await write('sources/bin/kwok', 'binary');
    expect(await sourcesDigest(programs('sources'))).toBe(before);
  });
});

describe('goBinaries', () => {
  it('uses the folder in CAREEN_PROGRAMS', async () => {
    await executable('mine/controlplane');
    await executable('mine/kwok');
    const environment = { ...withoutGo(), CAREEN_PROGRAMS: join(folder, 'mine') };
    expect(await goBinaries(programs('sources'), { environment })).toBe(join(folder, 'mine'));
  });

  it('names the binary that the folder in CAREEN_PROGRAMS lacks', async () => {
    await executable('mine/controlplane');
    const environment = { CAREEN_PROGRAMS: join(folder, 'mine') };
    await expect(goBinaries(programs('sources'), { environment })).rejects.toThrow(
      `CAREEN_PROGRAMS=${join(folder, 'mine')} has no executable kwok`,
    );
  });

  it('names the alternatives when there is neither a build nor Go', async () => {
    const asked = goBinaries(await sources(), { environment: withoutGo() });
    await expect(asked).rejects.toThrow(/no Go.*CAREEN_PROGRAMS.*cache folder: .*\/careen\/programs\//s);
  });

  it('needs no Go for cached sources', async () => {
    const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
    const key = `${await sourcesDigest(await sources())}-go1.26.0-${process.platform}-${architecture}`;
    const cached = join('careen', 'programs', key);
    await executable(join(cached, 'controlplane'));
    await executable(join(cached, 'kwok'));
    const found = await goBinaries(programs('sources'), { environment: withoutGo() });
    expect(found).toBe(join(folder, cached));
  });

  it('leaves nothing in the cache when the build fails', async () => {
    const options = await buildOptions('echo half > "$1/controlplane"; echo out of memory >&2; exit 3');
    await expect(goBinaries(programs('sources'), options)).rejects.toThrow(
      /build\.sh failed with code 3:\nout of memory/,
    );
    expect(await readdir(join(folder, 'careen', 'programs'))).toEqual([]);
  });

  it('gives two builds at once the same folder', async () => {
    const script = 'for name in controlplane kwok; do echo > "$1/$name"; chmod +x "$1/$name"; done';
    const options = await buildOptions(script);
    const [one, other] = await Promise.all([
      goBinaries(programs('sources'), options),
      goBinaries(programs('sources'), options),
    ]);
    expect(one).toBe(other);
    expect(await readdir(join(folder, 'careen', 'programs'))).toEqual([basename(one)]);
  });
});

/** Options with this build script instead of the real one, and a `go` that only prints its version. */
async function buildOptions(script: string): Promise<BinariesOptions> {
  await write('go/go', '#!/bin/sh\necho go1.26.0; echo linux; echo amd64\n');
  await chmod(join(folder, 'go', 'go'), 0o755);
  await write('sources/build.sh', `#!/bin/sh\n${script}\n`);
  await chmod(join(folder, 'sources', 'build.sh'), 0o755);
  await write('sources/controlplane/main.go', 'package main');
  const environment = { PATH: `${join(folder, 'go')}:/usr/bin:/bin`, XDG_CACHE_HOME: folder };
  return { environment, progress: () => undefined };
}
