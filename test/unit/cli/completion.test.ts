import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { complete, completionText } from '../../../src/cli/completion/complete.ts';
import { situationOf } from '../../../src/cli/completion/situation.ts';
import { completionScript, SHELLS } from '../../../src/cli/completion/scripts.ts';
import { careenProgram } from '../../../src/cli/program.ts';
import { keptIo } from '../../support/cli/kept-io.ts';
import { ROOT } from '../../support/operator/careen-cli.ts';

const io = keptIo({ environment: { KUBECONFIG: '/nowhere' } });
const program = careenProgram(io);
const run = promisify(execFile);

async function completed(...words: string[]): Promise<string[]> {
  const { candidates, files } = await complete(program, words, io);
  return [...candidates.map(([word]) => word), ...(files ? ['FILES'] : [])];
}

describe('careen __complete', () => {
  it.each<[string[], string[]]>([
    [['ap'], ['apply', 'approve']],
    [['-n', 'team', 'ret'], ['retry']],
    [['plan', '--out'], ['--output']],
    [['plan', '--cont'], ['--context']],
    [['plan', '-o', 'y'], ['yaml']],
    [['plan', '--output', '=', 'y'], ['yaml']],
    [
      ['plan', '--output='],
      ['table', 'yaml', 'json'],
    ],
    [['plan', '-f', 'ex'], ['FILES']],
    [['vectors', 'a', 'te'], ['FILES']],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['apply', 'kernel', ''], []],
    [['nothing', 'x'], []],
  ])('%j: %j', async (words, found) => {
    expect(await completed(...words)).toEqual(found);
  });

  it('offers every command that the help shows, and says what it does', async () => {
    const { candidates } = await complete(program, [''], io);
    const visible = program.commands.map((each) => each.name());
    expect(candidates.map(([word]) => word)).toEqual([...visible, 'help']);
    expect(
      completionText({ candidates: candidates.filter(([word]) => word === 'apply'), files: false }),
    ).toBe('apply\tcarry out the plan of a strategy, or its next stage\n:4\n');
  });

  it('is silent without a cluster', async () => {
    expect(await completed('apply', '')).toEqual([]);
    expect(await completed('apply', '--context', '')).toEqual([]);
  });

  it('knows the argument that it is at, and the options before it', () => {
    const at = (...words: string[]) => situationOf(program, words);
    const release = at('release', '-n', 'team', '--context=lab', 'w-1', 'ke');
    expect(release.argument?.name()).toBe('strategy');
    expect(release.given).toEqual({ namespace: 'team', context: 'lab' });
    expect(at('release', 'w').argument?.name()).toBe('host');
    expect(at('release', 'w-1', 'kernel', '').argument).toBeUndefined();
    expect(at('apply', '--stage', '').option?.name()).toBe('stage');
  });
});

describe('completion in a shell', { timeout: 60_000 }, () => {
  it('completes commands and values in bash', async () => {
    const press = (...line: string[]) =>
      [
        `COMP_WORDS=(${line.map((each) => `'${each}'`).join(' ')}); COMP_CWORD=${String(line.length - 1)}`,
        '_careen; echo "${COMPREPLY[@]}"',
      ].join('; ');
    const script = [completionScript('bash'), press('careen', 'ap'), press('careen', 'plan', '-o', '')];
    const env = { ...process.env, PATH: `${join(ROOT, 'bin')}:${process.env['PATH'] ?? ''}` };
    const { stdout } = await run('bash', ['-uc', script.join('\n')], { env });
    expect(stdout).toBe('apply approve\ntable yaml json\n');
  });

  it('is answered to kubectl', async () => {
    const { stdout } = await run(join(ROOT, 'bin', 'kubectl_complete-careen'), ['rel']);
    expect(stdout).toBe('release\trelease a failed host as it is\n:4\n');
  });

  it.each(SHELLS)('has a script for %s, which that shell can read if it is installed', async (shell) => {
    const script = completionScript(shell);
    expect(script).toContain('__complete');
    const check = { bash: ['-n'], zsh: ['-n'], fish: ['--no-execute'] }[shell];
    const child = run(shell, [...check, '-c', script]).catch((error: unknown) => error);
    const failed = await child;
    if (failed instanceof Error && 'code' in failed && failed.code === 'ENOENT') return;
    expect(failed).toMatchObject({ stderr: '' });
  });
});
