/** Asks the members of a control plane whether they serve: their API servers, and etcd where the pool says how. */
import { statusText } from '../../crds/text/status-text.ts';
import type { MemberHealth } from '../../engine/view.ts';
import { clientOfEach, type Client } from '../../kube/client.ts';
import { explain, httpStatus } from '../../kube/errors.ts';
import type { Log } from '../../kube/log.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import type { Scope } from '../port.ts';
import { hostsInUrls, unreadyApiServers, type Member } from './api-readiness.ts';
import { readEtcdKeys, unhealthyEtcd } from './etcd-health.ts';

const LONGEST_REASON = 200;

export type MembersOptions = {
  readonly config: Client;
  /** The operator's own, which has the Secrets. */
  readonly namespace: string;
  readonly log: Log;
};

export class Members {
  readonly #options: MembersOptions;
  readonly #each: Client;
  #unlisted = '';

  constructor(options: MembersOptions) {
    this.#options = options;
    this.#each = clientOfEach(options.config);
  }

  /**
   * @param addresses the internal addresses of all controllers of the pool
   * @param names the controllers to ask
   */
  async health(
    scope: Scope,
    addresses: ReadonlyMap<HostName, readonly string[]>,
    names: readonly HostName[],
    signal: AbortSignal,
  ): Promise<MemberHealth> {
    const all = [...addresses].map(([name, each]) => ({ name, addresses: hostsInUrls(each) }));
    const asked = all.filter(({ name }) => names.includes(name));
    const [unready, etcd] = await Promise.all([
      this.#unready(all, asked, signal),
      this.#etcd(scope, asked, signal),
    ]);
    const down = names.flatMap((name) => {
      const why = [unready.down.get(name), etcd.down.get(name)].filter((each) => each !== undefined);
      return why.length === 0 ? [] : [[name, statusText(why.join('; '), LONGEST_REASON)] as const];
    });
    return { unknown: unready.unknown ?? etcd.unknown, down: new Map(down) };
  }

  /**
   * Where Careen may not know where the API servers are, the Nodes alone decide. That is reported once for each reason.
   * Every other error may come from an etcd that is ill.
   */
  async #unready(
    all: readonly Member[],
    asked: readonly Member[],
    signal: AbortSignal,
  ): Promise<MemberHealth> {
    const { config: list, log } = this.#options;
    try {
      const down = await unreadyApiServers({ list, each: this.#each }, all, asked, signal);
      this.#unlisted = '';
      return { down };
    } catch (error) {
      signal.throwIfAborted();
      const reason = explain(error);
      const status = httpStatus(error);
      if (status !== 403 && status !== 404)
        return { down: new Map(), unknown: statusText(cannotList(reason)) };
      if (reason !== this.#unlisted)
        log.warn(
          { reason },
          'the EndpointSlices of the API servers cannot be read: controllers are judged by their Nodes',
        );
      this.#unlisted = reason;
      return { down: new Map() };
    }
  }

  async #etcd(
    { pool, provider }: Scope,
    asked: readonly Member[],
    signal: AbortSignal,
  ): Promise<MemberHealth> {
    const { config, namespace } = this.#options;
    const etcd = provider.kubernetes?.etcd;
    if (!etcd) return { down: new Map() };
    try {
      const keys = await readEtcdKeys(config, namespace, etcd.secretName, signal);
      return { down: await unhealthyEtcd(keys, etcd.port, asked, signal) };
    } catch (error) {
      signal.throwIfAborted();
      const unknown =
        `no controller is taken: HostPool ${pool} wants etcd to be asked for its health (spec.provider.kubernetes.etcd) ` +
        `with Secret ${namespace}/${etcd.secretName}, but ${explain(error)}; give it ca.crt, tls.crt and tls.key, and ` +
        'let Careen get it';
      return { down: new Map(), unknown: statusText(unknown) };
    }
  }
}

function cannotList(reason: string): string {
  return (
    'no controller is taken: the EndpointSlices of Service default/kubernetes, by which the API servers are found and ' +
    `asked whether they serve, could not be listed (${reason}); this is tried again until the API server answers`
  );
}
