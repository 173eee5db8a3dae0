/** `make demo KEEP=1` prints commands to try: each works as it is printed, in the demonstration's cluster. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ROOT, startDemoCluster } from '../../scripts/demo/cluster.ts';
import { KERNEL_FUNCTION, LESSONS, MORE, type Command } from '../../scripts/demo/try-next.ts';
import { toolBinaries } from '../support/controlplane/tool-binaries.ts';
import { eventually } from '../support/eventually.ts';

const closing: (() => Promise<void>)[] = [];
let environment: NodeJS.ProcessEnv;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'careen-demo-test-'));
  closing.push(() => rm(folder, { recursive: true, force: true }));
  const { kubeconfig } = await startDemoCluster(folder, closing, () => undefined);
  const path = `${await toolBinaries()}:${process.env['PATH'] ?? ''}`;
  environment = { ...process.env, PATH: path, KUBECONFIG: kubeconfig };
});
afterAll(async () => {
  for (const close of closing.reverse()) await close();
});

/** What a reader sees who types this line; fails when it ends with another status than 0. */
async function typed(line: string): Promise<string> {
  const command = `${KERNEL_FUNCTION}\n${line}`;
  const options = { cwd: ROOT, env: environment };
  const { stdout, stderr } = await promisify(execFile)('bash', ['-c', command], options);
  return stdout + stderr;
}

/** Types a command; one that only observes is repeated until its output fits. */
async function follow({ line, shows }: Command): Promise<void> {
  let output = await typed(line);
  if (!shows) return;
  await eventually(line, async () => shows.test(output) || shows.test((output = await typed(line))), {
    seconds: 60,
    describe: () => output,
  });
}

it.each(LESSONS)(
  '$title',
  async ({ parts }) => {
    const commands = parts.filter((part) => typeof part !== 'string');
    expect(commands.length).toBeGreaterThan(0);
    for (const command of commands) await follow(command);
  },
  360_000,
);

it.each(MORE)('$line', async (command) => follow(command));
