import type { Finding } from '../../crds/observed/finding.ts';
import type { StrategySpec } from '../../crds/spec/strategy-spec.ts';
import { Outcomes } from '../../engine/outcomes.ts';
import type { MemberHealth, View } from '../../engine/view.ts';
import type { HostOps, HostWatch, Scope, Subscription } from '../../hostops/port.ts';
import { digest, specDigest } from '../../planner/digest.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import { needsOf, type Needs } from '../../planner/hosts/needs.ts';
import { shownBy } from '../../planner/hosts/shown-release.ts';
import { comparedFacts } from '../../planner/hosts/work.ts';
import type { Stage } from '../../planner/plan.ts';

/** Called when the fleet or a wanted host has changed; `inMilliseconds`: when it is early enough to look. */
export type Changed = (inMilliseconds: number) => void;

/**
 * A strategy that holds no host waits: for permits, an approval, a host that becomes well. So that it makes no pass for each
 * change of each host that others work on, the changes of so long share one. Freed permits are reported apart, at once.
 */
const WAITING_PAUSE_MILLISECONDS = 1_000;
/** Enough digits of a digest to tell two states of a fleet apart. */
const REVISION_DIGITS = 16;

/** The subscriptions of one strategy or pool, and the outcomes of its effects. A restart can lose them without harm. */
export class Attachment {
  readonly scope: Scope;
  readonly outcomes = new Outcomes();
  /** When the status was last written, as Unix time in milliseconds; used to coalesce writes. */
  statusWrittenAt = 0;
  /** What was found about a plan in a pool (`of`), and when. It takes a look at every host, so it is not repeated at once. */
  found: { readonly of: string; readonly at: number; readonly findings: readonly Finding[] } | undefined;
  /** What the controllers said that were asked last, and when. */
  asked: { readonly at: number; readonly members: MemberHealth } | undefined;
  /** All stages of a plan in PlanStages, which does not change, while it waits for its begin. */
  planned: { readonly run: string; readonly stages: readonly Stage[] } | undefined;
  /** Since when this process observes the instances on the open hosts. */
  observingSince: number | undefined;
  #failedBuilds = { of: '', count: 0 };
  readonly #hosts: HostOps;
  readonly #fleet: Subscription;
  readonly #watch: HostWatch;
  #holdsHosts = false;
  #needs: { readonly of: string; readonly needs: Needs } | undefined;
  #planned: { readonly of: string; readonly revision: string } | undefined;

  constructor(hosts: HostOps, scope: Scope, changed: Changed) {
    this.scope = scope;
    this.#hosts = hosts;
    const look = (): void => changed(this.#holdsHosts ? 0 : WAITING_PAUSE_MILLISECONDS);
    this.#fleet = hosts.fleet(scope, look);
    this.#watch = hosts.watch(scope, look);
  }

  /** What the hosts need of a strategy; computed anew only when they, or the spec, have changed. */
  needs(spec: StrategySpec): Needs {
    const view = this.view();
    const of = `${view.fleet.revision}/${specDigest(spec)}`;
    if (this.#needs?.of !== of)
      this.#needs = { of, needs: needsOf(shownBy(this.scope.provider, spec), view.seeds()) };
    return this.#needs.needs;
  }

  /**
   * What a plan of this spec depends on: the hosts, their roles, and the facts that it compares. A label that nothing
   * compares does not change it, so the plan is not built again for each of those.
   */
  planRevision(spec: StrategySpec): string {
    const view = this.view();
    const of = `${view.fleet.revision}/${specDigest(spec)}`;
    if (this.#planned?.of !== of) {
      const compared = comparedFacts(spec);
      const hosts = view.seeds().map(({ name, roles, facts }) => {
        const values = compared.map((fact) => facts[fact] ?? '');
        return [name, view.host(name)?.uid, roles, values];
      });
      this.#planned = { of, revision: digest(hosts).slice(-REVISION_DIGITS) };
    }
    return this.#planned.revision;
  }

  /** How many builds of a spec have failed in a row. */
  failedBuilds(spec: StrategySpec): number {
    return this.#failedBuilds.of === specDigest(spec) ? this.#failedBuilds.count : 0;
  }

  buildEnded(spec: StrategySpec, hasFailed: boolean): void {
    this.#failedBuilds = { of: specDigest(spec), count: hasFailed ? this.failedBuilds(spec) + 1 : 0 };
  }

  view(): View {
    return this.#hosts.view(this.scope);
  }

  /**
   * Observes these hosts from now on. `holdsHosts`: whether the run has hosts out of service, and so must not wait.
   * `inUse`: whether the instances are wanted on hosts that are neither closed nor claimed.
   */
  want(names: ReadonlySet<HostName>, holdsHosts: boolean, inUse = false): void {
    this.#holdsHosts = holdsHosts;
    this.#watch.want(names, inUse);
  }

  close(): void {
    this.#fleet.close();
    this.#watch.close();
  }
}

/** The attachments by key: made when a key is first seen, and again when its scope changes. */
export class Attachments {
  readonly #hosts: HostOps;
  readonly #changed: (key: string, inMilliseconds: number) => void;
  readonly #attached = new Map<string, { readonly identity: string; readonly attachment: Attachment }>();

  /** `changed` is called with a key when its fleet or one of its hosts has changed. */
  constructor(hosts: HostOps, changed: (key: string, inMilliseconds: number) => void) {
    this.#hosts = hosts;
    this.#changed = changed;
  }

  attach(key: string, scope: Scope): Attachment {
    const identity = JSON.stringify(scope);
    const existing = this.#attached.get(key);
    if (existing?.identity === identity) return existing.attachment;
    this.detach(key);
    const attachment = new Attachment(this.#hosts, scope, (soon) => this.#changed(key, soon));
    this.#attached.set(key, { identity, attachment });
    return attachment;
  }

  detach(key: string): void {
    this.#attached.get(key)?.attachment.close();
    this.#attached.delete(key);
  }
}
