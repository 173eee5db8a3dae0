/** An API server in memory with watches, on which other tools change Jobs. */
import { KubeConfig, type V1Job, type V1Pod } from '@kubernetes/client-node';
import { expect } from 'vitest';
import type { Answer, Call } from '../../../src/kube/client.ts';
import { carryOut, targetOf } from '../../simulation/world/api-requests.ts';
import { ApiServer, Refusal } from '../../simulation/world/api-server.ts';
import type { ApiObject, NewObject } from '../../simulation/world/objects.ts';
import { mergePatched } from '../../simulation/world/patches.ts';
import { watchBody } from './watch-body.ts';

export class JobServer {
  readonly #server = new ApiServer(() => 0);
  readonly config = Object.assign(new KubeConfig(), {
    transport: async (request: Call, signal?: AbortSignal) => this.#answer(request, signal),
  });
  /** Changes what a PATCH has written, as a mutating policy does. */
  mutate: (object: ApiObject) => ApiObject = (object) => object;
  #undelivered = 0;

  /** Whether every change was delivered to the watches. */
  get isQuiet(): boolean {
    return this.#undelivered === 0;
  }

  job(namespace: string, name: string): V1Job {
    const found = this.#server.get('jobs', `${namespace}/${name}`) ?? expect.fail('there is no such Job');
    return JSON.parse(JSON.stringify(found)) as V1Job; // a cast: it has the fields that were sent
  }

  /** All Jobs, with their revisions. */
  jobs(): unknown {
    return structuredClone([...this.#server.list('jobs')]);
  }

  names(): readonly string[] {
    return this.#server.list('jobs').map(({ metadata }) => metadata.name);
  }

  make(job: V1Job): void {
    this.#server.create('jobs', sent(job), 'tool');
  }

  makePod(pod: V1Pod): void {
    this.#server.create('pods', sent(pod), 'tool');
  }

  removePod(namespace: string, name: string): void {
    this.#server.remove('pods', `${namespace}/${name}`, 'tool');
  }

  change(namespace: string, name: string, patch: object): void {
    this.#change(`${namespace}/${name}`, (object) => mergePatched(object, patch) as ApiObject); // it stays an object
  }

  remove(namespace: string, name: string): void {
    this.#server.remove('jobs', `${namespace}/${name}`, 'tool');
  }

  #change(key: string, change: (object: ApiObject) => ApiObject): ApiObject {
    return this.#server.update('jobs', key, change, 'tool');
  }

  async #answer(request: Call, signal: AbortSignal | undefined): Promise<Answer> {
    if (request.query?.['watch'] === true)
      return {
        ...answer(200, undefined),
        body: watchBody(this.#server, request, signal, {
          queued: () => (this.#undelivered += 1),
          delivered: () => (this.#undelivered -= 1),
        }),
      };
    try {
      const content = carryOut(this.#server, request, () => undefined, 'operator');
      const { namespace = '', name = '' } = targetOf(request.path);
      const mutated =
        request.method === 'PATCH' ? this.#change(`${namespace}/${name}`, this.mutate) : content;
      return answer(200, mutated);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { code, reason, message } = error;
      return answer(code, { code, reason, message });
    }
  }
}

function answer(status: number, content: unknown): Answer {
  return {
    ...{ ok: status < 400, status, headers: [], body: null },
    json: async () => content,
    text: async () => JSON.stringify(content),
  };
}

function sent(object: V1Job | V1Pod): NewObject {
  return JSON.parse(JSON.stringify(object)) as NewObject; // a cast: it has a kind and a name
}
