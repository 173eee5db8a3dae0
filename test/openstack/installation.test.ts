/** The installation of the testbed: what it says, and that nothing half made counts. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { installOpenStack } from '../support/openstack/installation.ts';

/** Makes pip fail, also where its configuration names a folder of packages. */
const WITHOUT_REGISTRY = { PIP_NO_INDEX: 'yes', PIP_CONFIG_FILE: '/dev/null', PIP_FIND_LINKS: '' };
/** A virtual environment takes 5 seconds, or 20 on a busy machine. */
const TIMEOUT_MS = 240_000;

let caches: string;
let lines: string[];
beforeEach(async () => {
  caches = await mkdtemp(join(tmpdir(), 'openstack-cache-'));
  lines = [];
});
afterEach(async () => {
  await rm(caches, { recursive: true });
});

/** An installation into an empty cache, without a registry of packages: it must fail. */
async function installWithoutRegistry(
  environment: NodeJS.ProcessEnv = {},
  onLine: (line: string) => void = () => undefined,
): Promise<string> {
  return installOpenStack({
    environment: { ...process.env, ...WITHOUT_REGISTRY, XDG_CACHE_HOME: caches, ...environment },
    progress: (line) => {
      lines.push(line);
      onLine(line);
    },
  });
}

/** The lines about steps that begin, without those about steps that last. */
function begun(): readonly string[] {
  return lines.filter((line) => line.startsWith('careen: installing') || line.startsWith('careen: waiting'));
}

describe('the installation', { timeout: TIMEOUT_MS }, () => {
  it('finds what was installed', async () => {
    await installOpenStack();
    const again = await installOpenStack({ progress: (line) => lines.push(line) });
    expect(again).toMatch(/\/careen\/openstack$/);
    expect(lines).toEqual([]);
  }, 600_000);

  it('says what is to be done without Python', async () => {
    const installed = installWithoutRegistry({ PATH: join(caches, 'nothing') });
    await expect(installed).rejects.toThrow(
      /Python 3\.11 or later.*there is none.*apt-get install .*python3/,
    );
  });

  it('says what is to be done with an old Python', async () => {
    await writeFile(join(caches, 'python3'), '#!/bin/sh\necho Python 3.9.2\n', { mode: 0o755 });
    const installed = installWithoutRegistry({ PATH: `${caches}:/usr/bin:/bin` });
    await expect(installed).rejects.toThrow(/Python 3\.11 or later.*which is 3\.9\.2 here/);
  });

  it('waits for another process that installs, and begins anew after one that failed', async () => {
    const folder = join(caches, 'careen', 'openstack');
    await mkdir(folder, { recursive: true });
    // The other one: holds the lock until its standard input ends.
    const other = spawn('flock', [join(folder, 'lock'), 'sh', '-c', 'echo locked; cat'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(other.stdout, 'data');
    const installed = installWithoutRegistry({}, (line) => {
      if (line.includes('waiting')) other.stdin.end();
    });
    await expect(installed).rejects.toThrow(/No matching distribution found/);
    await expect(installWithoutRegistry()).rejects.toThrow(/No matching distribution found/);
    const begins: unknown = expect.stringMatching(/^careen: installing OpenStack/);
    expect(begun()).toEqual([
      expect.stringMatching(/^careen: waiting for another process that installs OpenStack/),
      ...[begins, begins],
    ]);
  });
});
