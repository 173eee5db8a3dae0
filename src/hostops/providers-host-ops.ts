/** The port to the hosts of all pools: each pool is served by the adapter of its provider. */
import type { OwnerRef } from '../crds/owner-ref.ts';
import type { Effect, Outcome } from '../engine/effect.ts';
import type { MemberHealth, View } from '../engine/view.ts';
import type { HostName, HostSeed, PlatformFacts } from '../planner/hosts/facts.ts';
import type {
  Adoption,
  Fence,
  HostOps,
  HostWatch,
  IdleJob,
  MarkedHost,
  PoolOps,
  Scope,
  Subscription,
} from './port.ts';

export class ProvidersHostOps implements HostOps {
  readonly #kubernetes: HostOps;
  readonly #openstack: PoolOps;

  constructor({ kubernetes, openstack }: { readonly kubernetes: HostOps; readonly openstack: PoolOps }) {
    this.#kubernetes = kubernetes;
    this.#openstack = openstack;
  }

  inventory(scope: Scope, signal: AbortSignal): AsyncIterable<readonly HostSeed[]> {
    return this.#of(scope).inventory(scope, signal);
  }

  watch(scope: Scope, changed: (hosts: ReadonlySet<HostName>) => void): HostWatch {
    return this.#of(scope).watch(scope, changed);
  }

  fleet(scope: Scope, changed: () => void): Subscription {
    return this.#of(scope).fleet(scope, changed);
  }

  view(scope: Scope): View {
    return this.#of(scope).view(scope);
  }

  async memberHealth(
    scope: Scope,
    controllers: readonly HostName[],
    signal: AbortSignal,
  ): Promise<MemberHealth> {
    return this.#of(scope).memberHealth(scope, controllers, signal);
  }

  listAgain(): void {
    this.#kubernetes.listAgain();
    this.#openstack.listAgain();
  }

  markedHosts(scope: Scope): readonly MarkedHost[] {
    return this.#of(scope).markedHosts(scope);
  }

  async readMarkedHosts(scope: Scope, signal: AbortSignal): Promise<readonly MarkedHost[]> {
    return this.#of(scope).readMarkedHosts(scope, signal);
  }

  async adopt(
    scope: Scope,
    adoptions: ReadonlyMap<HostName, Adoption>,
    fence: Fence,
    signal: AbortSignal,
  ): Promise<void> {
    return this.#of(scope).adopt(scope, adoptions, fence, signal);
  }

  async confirm(scope: Scope, hosts: readonly HostName[], signal: AbortSignal): Promise<void> {
    return this.#of(scope).confirm(scope, hosts, signal);
  }

  async perform(scope: Scope, effect: Effect, fence: Fence, signal: AbortSignal): Promise<Outcome> {
    return this.#of(scope).perform(scope, effect, fence, signal);
  }

  async prepare(namespace: string, signal: AbortSignal): Promise<string | undefined> {
    return this.#kubernetes.prepare(namespace, signal);
  }

  async changeableConfigMaps(
    namespace: string,
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string>> {
    return this.#kubernetes.changeableConfigMaps(namespace, names, signal);
  }

  async platform(): Promise<PlatformFacts> {
    return this.#kubernetes.platform();
  }

  idleJobs(owner: OwnerRef): readonly IdleJob[] {
    return this.#kubernetes.idleJobs(owner);
  }

  #of({ provider }: Scope): PoolOps {
    return provider.openstack ? this.#openstack : this.#kubernetes;
  }
}
