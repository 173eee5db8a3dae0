import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { dump } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, type ClusterOptions } from '../../../src/cli/cluster/connection.ts';
import { CommandError } from '../../../src/cli/command-error.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'careen-kubeconfig-'));
  await mkdir(join(folder, '.kube'));
  await write('lab', config('lab', { namespace: 'team' }));
  await write('prod', config('prod', {}));
  await write('other-lab', { ...config('lab', { namespace: 'second' }), 'current-context': 'lab' });
  await write('unchosen', { ...config('lab', {}), 'current-context': undefined });
  await write('broken', { ...config('lab', { cluster: 'none' }) });
  await writeFile(join(folder, 'empty'), '');
  await writeFile(join(folder, 'text'), 'a: [b');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const write = (name: string, content: object) =>
  writeFile(join(folder, name), dump(content, { skipInvalid: true }));
const config = (name: string, context: object) => ({
  ...{ apiVersion: 'v1', kind: 'Config', 'current-context': name },
  clusters: [{ name, cluster: { server: `https://${name}:6443` } }],
  users: [{ name, user: {} }],
  contexts: [{ name, context: { cluster: name, user: name, ...context } }],
});

function chosen(options: ClusterOptions, files: readonly string[] = []): string {
  const KUBECONFIG = files.map((name) => join(folder, name)).join(delimiter);
  const { server, context, namespace } = connect(options, { KUBECONFIG, HOME: folder });
  return [server, context, namespace].join(' ');
}

function refused(options: ClusterOptions, files?: readonly string[]): string {
  try {
    return `not refused: ${chosen(options, files)}`;
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return error.message.replaceAll(`${folder}/`, '');
  }
}

describe('the cluster of a command', () => {
  it('is that of the current context, with its namespace', () => {
    expect(chosen({}, ['lab'])).toBe('https://lab:6443 lab team');
    expect(chosen({}, ['prod'])).toBe('https://prod:6443 prod default');
  });

  it('is that of the options', () => {
    expect(chosen({ context: 'prod', namespace: 'mine' }, ['lab', 'prod'])).toBe(
      'https://prod:6443 prod mine',
    );
    expect(chosen({ kubeconfig: join(folder, 'prod') }, ['lab'])).toBe('https://prod:6443 prod default');
  });

  it('of several files: the first that has an entry counts, and one that does not exist is left out', () => {
    expect(chosen({}, ['none', 'lab', 'other-lab', 'prod'])).toBe('https://lab:6443 lab team');
    expect(chosen({}, ['empty', 'unchosen', 'prod'])).toBe('https://prod:6443 prod default');
  });
});

describe('no cluster is chosen', () => {
  it.each<[string, ClusterOptions, string[], string]>([
    [
      'without a kubeconfig',
      {},
      [],
      'no kubeconfig: .kube/config does not exist; create it, or name another file',
    ],
    [
      'by a file that does not exist',
      {},
      ['none'],
      'no kubeconfig: there is no file none; name another file',
    ],
    ['by an empty file', {}, ['empty'], 'no kubeconfig: empty has no context; name another file'],
    ['by a file that is not YAML', {}, ['text'], 'the kubeconfig text cannot be read: '],
    [
      'without a current context',
      {},
      ['unchosen'],
      'no current-context: choose one with --context; it has lab',
    ],
    [
      'by a context that is not there',
      { context: 'x' },
      ['lab', 'prod'],
      'has no context x; it has lab, prod',
    ],
    [
      'by a context of a cluster that is not there',
      {},
      ['broken'],
      'context lab of the kubeconfig names a cluster that',
    ],
    [
      'with an impossible namespace',
      { namespace: 'a/b' },
      ['lab'],
      '--namespace a/b: no namespace can have this name',
    ],
  ])('%s', (_how, options, files, message) => {
    expect(refused(options, files)).toContain(message);
  });

  it('and a connection for reading refuses to write', () => {
    const { config: client } = connect({}, { KUBECONFIG: join(folder, 'lab') });
    expect(() => client.beforeWrite?.()).toThrow('this command changes nothing');
  });
});
