/**
 * A real Kubernetes control plane for one test file: etcd, API server,
 * controller manager, scheduler and kwok on loopback ports of their own.
 */
import type { RequestOptions } from 'node:https';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import type { RequestContext } from '@kubernetes/client-node';
import { Agent } from 'undici';
import { z } from 'zod';
import { EventProcess, type ProcessEvent } from '../event-process.ts';
import { controlPlaneBinaries } from './binaries.ts';

const readySchema = z.object({
  kubeconfig: z.string(),
  server: z.string(),
  dir: z.string(),
  pids: z.looseObject({ etcd: z.number() }),
});

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
