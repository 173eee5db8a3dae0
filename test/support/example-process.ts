/** A program of examples/sessions as a process. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { eventually } from './eventually.ts';
import { ROOT } from './operator/careen-cli.ts';

export class ExampleProcess {
  readonly #child: ChildProcess;
  output = '';

  constructor(file: string, args: readonly string[], env: Readonly<Record<string, string>>) {
    this.#child = spawn(process.execPath, [join(ROOT, 'examples', 'sessions', file), ...args], { env });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (part: Buffer) => (this.output += part.toString()));
  }

  /** Resolves with its port. */
  async port(): Promise<number> {
    return this.prints(/listening on (\d+)/).then(Number);
  }

  /** Resolves with the group of a line. */
  async prints(line: RegExp): Promise<string> {
    return eventually(String(line), () => line.exec(this.output)?.[1], {
      pauseMilliseconds: 10,
      describe: () => this.output,
    });
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}
