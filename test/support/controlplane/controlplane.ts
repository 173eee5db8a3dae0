/**
 * A real Kubernetes control plane for one test file: etcd, API server,
 * controller manager, scheduler and kwok on loopback ports of their own.
 */
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import type { RequestOptions } from 'node:https';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { KubeConfig } from '@kubernetes/client-node';
import type { RequestContext } from '@kubernetes/client-node';
import { Agent } from 'undici';
import { z } from 'zod';
import { controlPlaneBinaries } from './binaries.ts';

const TAIL_LINES = 40;
const STOP_SECONDS = 10;

const eventSchema = z.looseObject({ event: z.string() });
const readySchema = z.object({
  kubeconfig: z.string(),
  server: z.string(),
  dir: z.string(),
  pids: z.looseObject({ etcd: z.number() }),
});

/** One JSON line of a child process; `event` names its kind. */
export type ProcessEvent = z.infer<typeof eventSchema>;

export type Component = 'etcd' | 'apiserver' | 'controller-manager' | 'scheduler' | 'kwok';
type Verb = 'kill' | 'start' | 'pause' | 'resume';
const ANSWERS: Readonly<Record<Verb, string>> = {
  kill: 'exited',
  start: 'started',
  pause: 'paused',
  resume: 'resumed',
};

export type ControlPlaneOptions = {
  /** Further arguments of `controlplane up`, such as `--apiserver-arg=--v=4`. */
  readonly args?: readonly string[];
  /**
   * Keeps the state (data, keys, logs) here; a later start with the same folder
   * continues with the same data. Without it the logs are removed when the process ends,
   * also when the start fails.
   */
  readonly dir?: string;
};

export type ControlPlane = {
  /** The path of a cluster admin's kubeconfig, complete in itself. */
  readonly kubeconfig: string;
  readonly server: string;
  /** The state folder; its `logs/` has one file per component. Without the option `dir` it goes at the end. */
  readonly dir: string;
  /** The process of etcd, until it is killed. */
  readonly etcdPid: number;
  /**
   * Kills, starts, pauses or resumes a component. Resolves with the answer:
   * the process has ended, or was sent its signal, or was started. A started
   * component may not yet serve: ask the API server for that.
   */
  command(line: `${Verb} ${Component}`): Promise<ProcessEvent>;
  /** Ends all components. Safe to call twice. */
  stop(): Promise<void>;
};

/** Starts a control plane and waits until all its components serve. Several can run side by side. */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const binaries = await controlPlaneBinaries();
  const args = [
    'up',
    '--kwok',
    join(binaries, 'kwok'),
    ...(options.dir ? ['--dir', options.dir] : []),
    ...(options.args ?? []),
  ];
  const child = new EventProcess(join(binaries, 'controlplane'), args);
  try {
    const { pids, ...ready } = readySchema.parse(await child.event(({ event }) => event === 'ready'));
    return {
      ...{ ...ready, etcdPid: pids.etcd },
      command: (line) => command(child, line),
      stop: () => child.stop(),
    };
  } catch (error) {
    await child.stop();
    throw error;
  }
}

async function command(child: EventProcess, line: `${Verb} ${Component}`): Promise<ProcessEvent> {
  const [verb, name] = line.split(' ');
  const expected = Object.entries(ANSWERS).find(([each]) => each === verb)?.[1];
  const answer = child.event(
    (event) =>
      (event.event === expected && event['name'] === name) ||
      (event.event === 'error' && event['command'] === line),
  );
  child.send(line);
  const event = await answer;
  if (event.event === 'error')
    throw new Error(`control plane refused "${line}": ${String(event['message'])}`);
  return event;
}

/**
 * A client configuration for a kubeconfig file that keeps one pool of
 * connections; @kubernetes/client-node 2.0.1 would open one per request.
 */
export function connect(kubeconfigFile: string): KubeConfig {
  const config = new PooledKubeConfig();
  config.loadFromFile(kubeconfigFile);
  return config;
}

class PooledKubeConfig extends KubeConfig {
  #pool: Agent | undefined;

  override async applySecurityAuthentication(context: RequestContext): Promise<void> {
    await super.applySecurityAuthentication(context);
    this.#pool ??= await this.#makePool();
    context.setDispatcher(this.#pool);
  }

  async #makePool(): Promise<Agent> {
    const tls: RequestOptions = {};
    await this.applyToHTTPSOptions(tls);
    const { ca, cert, key } = tls;
    // Undefined would override the defaults of TLS, hence the spread.
    const keys = { ...(ca ? { ca } : {}), ...(cert ? { cert } : {}), ...(key ? { key } : {}) };
    return new Agent({ allowH2: false, headersTimeout: 60_000, connect: { timeout: 5_000, ...keys } });
  }
}

/**
 * A child process that reports events in JSON lines on standard output and ends
 * when its standard input does, so that it dies with this process in any case.
 */
export class EventProcess {
  readonly #name: string;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #ended: Promise<string>;
  readonly #tail: string[] = [];
  readonly #waiters = new Set<(event: ProcessEvent) => void>();

  constructor(file: string, args: readonly string[]) {
    this.#name = [file, ...args].join(' ');
    this.#child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const { promise, resolve } = Promise.withResolvers<string>();
    this.#ended = promise;
    this.#child.once('error', (error) => resolve(error.message));
    this.#child.once('close', (code, signal) => resolve(`ended with ${signal ?? `code ${String(code)}`}`));
    this.#child.stdin.on('error', () => undefined); // it has just ended; #ended reports that
    createInterface(this.#child.stdout).on('line', (line) => this.#read(line));
    createInterface(this.#child.stderr).on('line', (line) => this.#remember(line));
  }

  /** The next event that fits; fails with the tail of the output when the process ends before. */
  async event(fits: (event: ProcessEvent) => boolean): Promise<ProcessEvent> {
    const { promise, resolve } = Promise.withResolvers<ProcessEvent>();
    const waiter = (event: ProcessEvent): void => {
      if (fits(event)) resolve(event);
    };
    this.#waiters.add(waiter);
    try {
      return await Promise.race([promise, this.#ended.then((how) => this.#fail(how))]);
    } finally {
      this.#waiters.delete(waiter);
    }
  }

  /** Writes a line to its standard input. */
  send(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** Ends the process and waits until it has. Safe to call twice. */
  async stop(): Promise<void> {
    this.#child.stdin.end();
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_SECONDS * 1000);
    await this.#ended;
    clearTimeout(killer);
  }

  #fail(how: string): never {
    throw new Error(`${this.#name}: ${how}; its last output:\n${this.#tail.join('\n')}`);
  }

  #read(line: string): void {
    this.#remember(line);
    if (!line.startsWith('{')) return;
    const event = eventSchema.parse(JSON.parse(line));
    for (const waiter of this.#waiters) waiter(event);
  }

  #remember(line: string): void {
    if (this.#tail.push(line) > TAIL_LINES) this.#tail.shift();
  }
}
