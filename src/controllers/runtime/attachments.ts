import type { View } from '../../engine/view.ts';
import type { HostOps, HostWatch, Scope, Subscription } from '../../hostops/port.ts';
import type { HostName } from '../../planner/facts.ts';
import { Outcomes } from '../../engine/outcomes.ts';

/** What one strategy listens to, and how its effects were received; nothing that a restart would miss. */
export class Attachment {
  readonly scope: Scope;
  readonly outcomes = new Outcomes();
  /** When the status was last written, for coalescing. */
  statusWrittenAt = 0;
  /** Since when it is looked what runs on the open hosts. */
  observingSince: number | undefined;
  readonly #hosts: HostOps;
  readonly #fleet: Subscription;
  readonly #watch: HostWatch;

  constructor(hosts: HostOps, scope: Scope, changed: () => void) {
    this.scope = scope;
    this.#hosts = hosts;
    this.#fleet = hosts.fleet(scope, changed);
    this.#watch = hosts.watch(changed);
  }

  view(): View {
    return this.#hosts.view(this.scope);
  }

  want(names: ReadonlySet<HostName>): void {
    this.#watch.want(names);
  }

  close(): void {
    this.#fleet.close();
    this.#watch.close();
  }
}

/** The attachments of all strategies, made when a strategy is first seen and when its pool changes. */
export class Attachments {
  readonly #hosts: HostOps;
  readonly #changed: (key: string) => void;
  readonly #attached = new Map<string, { readonly identity: string; readonly attachment: Attachment }>();

  /** `changed` is told of a key when something is new about what it listens to. */
  constructor(hosts: HostOps, changed: (key: string) => void) {
    this.#hosts = hosts;
    this.#changed = changed;
  }

  attach(key: string, scope: Scope): Attachment {
    const identity = JSON.stringify(scope);
    const existing = this.#attached.get(key);
    if (existing?.identity === identity) return existing.attachment;
    this.detach(key);
    const attachment = new Attachment(this.#hosts, scope, () => this.#changed(key));
    this.#attached.set(key, { identity, attachment });
    return attachment;
  }

  detach(key: string): void {
    this.#attached.get(key)?.attachment.close();
    this.#attached.delete(key);
  }
}
