/** An API server in memory for commands: strategies with a status, and whatever a test adds. */
import { PooledKubeConfig, type Answer, type Call } from '../../../src/kube/client.ts';
import type { Connection } from '../../../src/cli/cluster/connection.ts';
import { customResourceDefinition } from '../../../src/crds/schema/custom-resource-definition.ts';
import { OUR_KINDS } from '../../../src/resources/served-kinds.ts';
import { carryOut } from '../../simulation/world/api-requests.ts';
import { ApiServer, Refusal } from '../../simulation/world/api-server.ts';
import type { ApiObject, NewObject } from '../../simulation/world/objects.ts';
import { sessionManifest, strategyManifest, upgradeManifest } from '../../support/operator/strategies.ts';
import { watchBody } from './watch-body.ts';

type Fields = Readonly<Record<string, unknown>>;

export class ClusterInMemory {
  readonly server = new ApiServer(() => Date.parse('2026-11-27T09:00:00Z'));
  /** All requests, as `PATCH /apis/…`. */
  readonly requests: string[] = [];
  /** Called before each request; throws what the server shall answer. */
  before: (request: Call) => void = () => undefined;

  /** Whether it has the CRDs of this version. */
  hasKinds = true;

  /** A connection to it, in namespace `careen-hosts`. */
  get connection(): Connection {
    const transport = async (request: Call, signal?: AbortSignal) => this.#answer(request, signal);
    return {
      config: Object.assign(new PooledKubeConfig(), { transport }),
      context: 'lab',
      server: 'https://lab:6443',
      namespace: 'careen-hosts',
    };
  }

  /** Makes a strategy, with a status if one is given. */
  strategy(name: string, { namespace = 'careen-hosts', spec = {}, status = {} }: StrategyParts = {}): void {
    // A cast: a manifest has a kind and a name.
    const manifest = { ...strategyManifest(name, namespace, spec), status } as unknown as NewObject;
    this.server.create('patchstrategies', manifest, 'person');
  }

  /** Makes an UpgradeStrategy. */
  upgrade(name: string): void {
    // A cast: a manifest has a kind and a name.
    const manifest = { ...upgradeManifest(name, 'careen-hosts'), status: {} } as unknown as NewObject;
    this.server.create('upgradestrategies', manifest, 'person');
  }

  /** Makes a MaintenanceSession, with a status if one is given. */
  session(name: string, { spec = {}, status = {} }: Omit<StrategyParts, 'namespace'> = {}): void {
    // A cast: a manifest has a kind and a name.
    const manifest = { ...sessionManifest(name, spec), status } as unknown as NewObject;
    this.server.create('maintenancesessions', manifest, 'person');
  }

  /** The strategy as it is stored. */
  stored(name: string, namespace = 'careen-hosts'): ApiObject {
    const found = this.server.get('patchstrategies', `${namespace}/${name}`);
    if (!found) throw new Error(`there is no strategy ${namespace}/${name}`);
    return found;
  }

  /** Changes a strategy, as the operator or another person does. */
  change(name: string, change: (object: ApiObject) => ApiObject): void {
    this.server.update('patchstrategies', `careen-hosts/${name}`, change, 'operator');
  }

  #crdAt(path: string): object | undefined {
    const plural = this.hasKinds ? /customresourcedefinitions\/(\w+)/.exec(path)?.[1] : undefined;
    const definition = OUR_KINDS.find((each) => each.plural === plural);
    return definition && customResourceDefinition(definition);
  }

  async #answer(request: Call, signal: AbortSignal | undefined): Promise<Answer> {
    this.requests.push(`${request.method} ${request.path}`);
    try {
      this.before(request);
      const crd = this.#crdAt(request.path);
      if (crd) return answer(200, crd);
      if (request.query?.['watch'] === true)
        return { ...answer(200, undefined), body: watchBody(this.server, request, signal) };
      return answer(
        200,
        carryOut(this.server, request, () => undefined, 'person'),
      );
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { code, reason, message } = error;
      return answer(code, reason === 'NoSuchPath' ? '404 page not found' : { code, reason, message });
    }
  }
}

export type StrategyParts = {
  readonly namespace?: string;
  readonly spec?: Fields;
  readonly status?: Fields;
};

/** The answer of an API server that does not have the kind. */
export function noSuchPath(): Refusal {
  return new Refusal(404, 'NoSuchPath', '404 page not found');
}

/** The answer of an API server to somebody without the right. */
export function forbidden(verb: string, user = 'jane'): Refusal {
  return new Refusal(
    403,
    'Forbidden',
    `patchstrategies.careen.dev is forbidden: User "${user}" cannot ${verb} resource "patchstrategies"`,
  );
}

function answer(status: number, content: unknown): Answer {
  return {
    ...{ ok: status < 400, status, headers: [], body: null },
    json: async () => content,
    text: async () => (typeof content === 'string' ? content : JSON.stringify(content)),
  };
}
