/**
 * Compute hosts as the checker sees hosts: a service with the Lease of its claim as a node, and a server as a pod on each
 * host that it takes a place of. The operator never sees these objects.
 */
import { ApiServer, type Change, type Objects } from '../world/api-server.ts';
import type { JobServer } from '../world/job-controller.ts';
import { keyOf, type ApiObject, type Json, type Resource } from '../world/objects.ts';
import { CLUSTER } from '../world/job-controller.ts';
import type { CloudServer, NovaEvent, NovaState, Service } from './nova-state.ts';

const CLAIM = 'careen.dev/claim';
const HOST = 'careen.dev/host';
/** The reason with which Careen disables a service for a run. */
const MARK = /^careen:\S+$/;
const SERVERS = 'servers';

/** Whether the reason of a disabled service is that of a run of Careen. */
export function isOurMark(reason: string): boolean {
  return MARK.test(reason);
}

export class CloudView implements JobServer {
  readonly #server: ApiServer;
  readonly #state: NovaState;
  readonly #hosts: ApiServer;
  readonly #stopsServers: boolean;
  /** By host: the path of the Lease of its claim, as far as there was one. */
  readonly #leases = new Map<string, string>();

  /** @param stopsServers a stopped server keeps no host from being empty */
  constructor(server: ApiServer, state: NovaState, stopsServers: boolean) {
    this.#server = server;
    this.#stopsServers = stopsServers;
    this.#state = state;
    this.#hosts = new ApiServer(() => state.now);
    state.listen((event) => this.#follow(event));
    server.listen((change) => this.#claim(change));
  }

  /** The changes of hosts and servers only. */
  listenToHosts(listener: (change: Change) => void): void {
    this.#hosts.listen(listener);
  }

  leaseOf(host: string): string | undefined {
    return this.#leases.get(host);
  }

  isClaimed(host: string): boolean {
    return this.#hosts.get('nodes', host)?.metadata.annotations?.[CLAIM] !== undefined;
  }

  get(resource: Resource, key: string): ApiObject | undefined {
    return (resource === 'nodes' ? this.#hosts : this.#server).get(resource, key);
  }

  list(resource: Resource): ApiObject[] {
    return [...this.#server.list(resource), ...this.#hosts.list(resource)];
  }

  listen(listener: Parameters<Objects['listen']>[0]): void {
    this.#server.listen(listener);
    this.#hosts.listen(listener);
  }

  create(...given: Parameters<ApiServer['create']>): ApiObject {
    return this.#server.create(...given);
  }

  update(...given: Parameters<ApiServer['update']>): ApiObject {
    return this.#server.update(...given);
  }

  remove(...given: Parameters<ApiServer['remove']>): ApiObject {
    return this.#server.remove(...given);
  }

  /** Time has passed: Nova may count other services as up. */
  refresh(): void {
    for (const service of this.#state.services) this.#service(service, CLUSTER);
  }

  #follow(event: NovaEvent): void {
    if (event.kind === 'service') this.#service(event.after, event.by);
    else if (event.kind === 'server') this.#places(event.before, event.after);
  }

  #service(service: Service, by: string): void {
    const { host, disabled } = service;
    const claim = this.#hosts.get('nodes', host)?.metadata.annotations?.[CLAIM];
    // A service that a person has disabled says why it is.
    const left = disabled && !isOurMark(disabled.reason) ? { 'careen.dev/left-locked': disabled.reason } : {};
    const annotations = { ...(claim === undefined ? {} : { [CLAIM]: claim }), ...left };
    this.#write(host, annotations, { unschedulable: disabled !== undefined }, this.#status(service), by);
  }

  #status(service: Service): Json {
    const status = this.#state.isUp(service) ? 'True' : 'False';
    return {
      conditions: [{ type: 'Ready', status }],
      nodeInfo: {
        kernelVersion: versionOf(service.hypervisorVersion),
        kubeletVersion: service.agentVersion,
        bootID: service.id,
      },
    };
  }

  #write(
    name: string,
    annotations: Readonly<Record<string, string>>,
    spec: Json,
    status: Json,
    by: string,
  ): void {
    const node = { apiVersion: 'v1', kind: 'Node', spec, status };
    if (!this.#hosts.get('nodes', name))
      this.#hosts.create('nodes', { ...node, metadata: { name, annotations } }, by);
    else
      this.#hosts.update(
        'nodes',
        name,
        ({ metadata }) => ({ ...node, metadata: { ...metadata, annotations } }),
        by,
      );
  }

  #claim({ resource, object, type, by }: Change): void {
    const host = object.metadata.annotations?.[HOST];
    if (resource !== 'leases' || host === undefined) return;
    const { name } = object.metadata;
    this.#leases.set(host, `/apis/coordination.k8s.io/v1/namespaces/careen-system/leases/${name}`);
    const claim = object.metadata.annotations?.[CLAIM];
    this.#hosts.update(
      'nodes',
      host,
      ({ metadata, ...node }) => {
        const { [CLAIM]: _, ...others } = metadata.annotations ?? {};
        const annotations =
          type === 'DELETED' || claim === undefined ? others : { ...others, [CLAIM]: claim };
        return { ...node, metadata: { ...metadata, annotations } };
      },
      by,
    );
  }

  #places(before: CloudServer | undefined, after: CloudServer | undefined): void {
    const [was, is] = [before, after].map((each) => {
      const isStopped = this.#stopsServers && each?.status === 'SHUTOFF' && each.task === undefined;
      return new Set(isStopped ? [] : [each?.host, each?.heldOn].flatMap((host) => host ?? []));
    });
    for (const host of (was ?? new Set<string>()).difference(is ?? new Set()))
      this.#hosts.remove('pods', keyOf(podOf(before?.id ?? '', host)), CLUSTER);
    for (const nodeName of (is ?? new Set<string>()).difference(was ?? new Set())) {
      const metadata = podOf(after?.id ?? '', nodeName);
      this.#hosts.create('pods', { apiVersion: 'v1', kind: 'Pod', metadata, spec: { nodeName } }, CLUSTER);
    }
  }
}

function podOf(server: string, host: string): { name: string; namespace: string } {
  return { name: `${server}.${host}`, namespace: SERVERS };
}

/** As the scenario names the kernels of nodes. */
function versionOf(hypervisor: number): string {
  return `6.12.${String(hypervisor)}`;
}
