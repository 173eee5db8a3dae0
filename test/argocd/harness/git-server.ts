/** A git server on loopback, and a repository in it with the examples for Argo CD. */
import { execFile, spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { listening } from '../../support/network/loopback.ts';

const AUTHOR = ['-c', 'user.name=Somebody', '-c', 'user.email=somebody@example.com'];

export type GitServer = { readonly url: string; stop(): Promise<void> };

/** Serves the bare repositories of a folder for reading, as `http://127.0.0.1:PORT/NAME`. */
export async function startGitServer(folder: string): Promise<GitServer> {
  const server = createServer((request, response) => {
    void answer(folder, request, response).catch((error: unknown) => response.destroy(asError(error)));
  });
  const port = await listening(server);
  const { promise: closed, resolve } = Promise.withResolvers<undefined>();
  return {
    url: `http://127.0.0.1:${String(port)}`,
    stop: async () => {
      server.close(() => resolve(undefined));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** git's own CGI program. */
async function answer(folder: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, search } = new URL(request.url ?? '/', 'http://localhost');
  const { headers } = request;
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'],
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: 'yes',
      PATH_INFO: pathname,
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: headers['content-type'],
      HTTP_CONTENT_ENCODING: headers['content-encoding'],
      GIT_PROTOCOL: String(headers['git-protocol'] ?? ''),
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  request.pipe(child.stdin);
  const output = await buffer(child.stdout);
  const end = output.indexOf('\r\n\r\n');
  for (const line of output.subarray(0, end).toString().split('\r\n')) {
    const [name = '', value = ''] = line.split(/: */, 2);
    if (name === 'Status') response.statusCode = Number.parseInt(value, 10);
    else response.setHeader(name, value);
  }
  response.end(output.subarray(end + 4));
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** A repository with a working tree, whose commits are pushed to where the git server reads. */
export class Repository {
  readonly url: string;
  /** The folder of the working tree. */
  readonly tree: string;

  private constructor(url: string, tree: string) {
    this.url = url;
    this.tree = tree;
  }

  /** Makes it with copies of these folders of `source`. */
  static async create(
    server: GitServer,
    parent: string,
    source: string,
    folders: readonly string[],
  ): Promise<Repository> {
    const [bare, tree] = [join(parent, 'careen.git'), join(parent, 'tree')];
    await git(parent, 'init', '--quiet', '--bare', '--initial-branch=main', bare);
    await git(parent, 'clone', '--quiet', bare, tree);
    for (const folder of folders) {
      await mkdir(join(tree, folder, '..'), { recursive: true });
      await cp(join(source, folder), join(tree, folder), { recursive: true });
    }
    return new Repository(`${server.url}/careen.git`, tree);
  }

  /** Changes a file. */
  async edit(file: string, change: (text: string) => string): Promise<void> {
    const path = join(this.tree, file);
    await writeFile(path, change(await readFile(path, 'utf8')));
  }

  /** Removes a file; returns what `restore` needs. */
  async remove(file: string): Promise<{ readonly file: string; readonly text: string }> {
    const text = await readFile(join(this.tree, file), 'utf8');
    await git(this.tree, 'rm', '--quiet', file);
    return { file, text };
  }

  async restore({ file, text }: { readonly file: string; readonly text: string }): Promise<void> {
    await writeFile(join(this.tree, file), text);
  }

  /** Commits everything and pushes it, with a tag if one is named. */
  async commit(message: string, tag?: string): Promise<void> {
    await git(this.tree, 'add', '--all');
    await git(this.tree, ...AUTHOR, 'commit', '--quiet', '--message', message);
    if (tag !== undefined) await git(this.tree, 'tag', tag);
    await git(this.tree, 'push', '--quiet', 'origin', 'HEAD:main', '--tags');
  }
}

async function git(cwd: string, ...args: readonly string[]): Promise<void> {
  await promisify(execFile)('git', args, { cwd });
}
