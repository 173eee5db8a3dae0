/**
 * Loads workflows from the folder that the administrator mounts (docs/reference/own-workflows.md), never from a download. A
 * module runs in a thread: one that does not return is ended, and the session that asked fails.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads';
import { z } from 'zod';
import { WORKFLOW_NAMES } from '../../crds/vocabulary.ts';
import { OWN_WORKFLOW_VERSION, ownWorkflow } from '../../engine/session/own-workflow.ts';
import type { Workflow } from '../../engine/session/workflow.ts';
import type { Log } from '../../kube/log.ts';

/** The engine waits for an answer: an operator that stands still longer loses its Lease. */
const ANSWER_MILLISECONDS = 2_000;
const HEAP_MEBIBYTES = 32;
const LONGEST_ANSWER = 262_144;

export type OwnWorkflows = ReadonlyMap<string, Workflow>;

/** The workflows in NAME.mjs of a folder. One that cannot be loaded fails each session that names it. */
export async function loadWorkflows(
  folder: string,
  log: Log,
  answerMilliseconds = ANSWER_MILLISECONDS,
): Promise<OwnWorkflows> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.mjs'));
  const named = files.map((file) => ({ file, name: file.slice(0, -'.mjs'.length) }));
  const loaded = named.flatMap(({ file, name }): [string, Workflow][] => {
    if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name) || isBuiltIn(name)) {
      log.warn(
        { file },
        'not loaded: a workflow needs a name of its own, of lower-case letters, digits and "-"',
      );
      return [];
    }
    const module = new WorkflowModule(join(folder, file), answerMilliseconds);
    try {
      module.ask(undefined);
      log.info({ workflow: name }, 'workflow loaded');
    } catch (error) {
      log.warn({ workflow: name, err: error }, 'workflow not loaded: sessions that name it fail');
    }
    return [[name, ownWorkflow(name, (standing) => module.ask(standing))]];
  });
  return new Map(loaded);
}

function isBuiltIn(name: string): boolean {
  return WORKFLOW_NAMES.some((each) => each === name);
}

const reply = z.union([z.object({ error: z.string() }), z.object({ answer: z.string() })]);

type RunningModule = { readonly worker: Worker; readonly port: MessagePort; readonly bell: Int32Array };

/** A module in a thread of its own, which is made when it is asked, and made again after it was ended. */
class WorkflowModule {
  readonly #file: string;
  readonly #answerMilliseconds: number;
  #running: RunningModule | undefined;

  constructor(file: string, answerMilliseconds: number) {
    this.#file = file;
    this.#answerMilliseconds = answerMilliseconds;
  }

  /**
   * Calls `next` and waits for its answer. Without a standing it only loads the module. Throws one sentence when it throws,
   * takes too long, or is no module of this interface.
   */
  ask(standing: unknown): unknown {
    const running = (this.#running ??= this.#start());
    const { port, bell } = running;
    Atomics.store(bell, 0, 0);
    port.postMessage(standing);
    if (Atomics.wait(bell, 0, 0, this.#answerMilliseconds) === 'timed-out') {
      this.#end();
      throw new Error(`it did not answer within ${String(this.#answerMilliseconds / 1000)} s`);
    }
    const said = reply.safeParse(receiveMessageOnPort(port)?.message).data ?? { error: 'it said nothing' };
    if ('error' in said) {
      this.#end();
      throw new Error(said.error.slice(0, 300));
    }
    return JSON.parse(said.answer) as unknown;
  }

  #start(): RunningModule {
    const { port1: port, port2 } = new MessageChannel();
    const bell = new Int32Array(new SharedArrayBuffer(4));
    const worker = new Worker(THREAD, {
      eval: true,
      env: {},
      workerData: {
        ...{ port: port2, bell, url: pathToFileURL(this.#file).href },
        ...{ version: OWN_WORKFLOW_VERSION, longest: LONGEST_ANSWER },
      },
      transferList: [port2],
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MEBIBYTES },
    });
    // A thread that has died gives no answer, so `ask` reports it; without a listener the error would end the operator.
    worker.on('error', () => undefined);
    worker.unref();
    port.unref();
    return { worker, port, bell };
  }

  #end(): void {
    void this.#running?.worker.terminate();
    this.#running?.port.close();
    this.#running = undefined;
  }
}

/** As a text, since the operator may be one file. It answers each message, also while the module cannot be loaded. */
const THREAD = `
const { workerData: { port, bell, url, version, longest } } = require('node:worker_threads');
const loaded = import(url).then(({ careenWorkflow: own }) => {
  if (typeof own !== 'object' || own === null) throw new Error('it exports no careenWorkflow');
  if (own.apiVersion !== version) throw new Error('its apiVersion is ' + JSON.stringify(own.apiVersion) + ', and must be ' + version);
  if (typeof own.next !== 'function') throw new Error('careenWorkflow has no function next');
  return own;
});
// Each message is answered with this error; without the line it would end the thread before the first one.
loaded.catch(() => undefined);
port.on('message', async (standing) => {
  let said;
  try {
    const own = await loaded;
    const answer = JSON.stringify(standing === undefined ? {} : own.next(standing)) ?? 'null';
    if (answer.length > longest) throw new Error('its answer is too long');
    said = { answer };
  } catch (error) {
    said = { error: String(error instanceof Error ? error.message : error) };
  }
  port.postMessage(said);
  Atomics.store(bell, 0, 1);
  Atomics.notify(bell, 0);
});
`;
