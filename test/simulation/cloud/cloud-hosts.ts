/** What happens to simulated compute hosts by themselves and by Jobs: patches, reboots, and silence. */
import { at } from '../world/api-server.ts';
import type { JobController } from '../world/job-controller.ts';
import type { ApiObject, Json } from '../world/objects.ts';
import type { Random } from '../world/random.ts';
import type { Scheduler } from '../world/scheduler.ts';
import { cloudChangeBy } from './cloud-scenario.ts';
import type { CloudView } from './cloud-view.ts';
import type { NovaMoves } from './nova-moves.ts';
import type { NovaState } from './nova-state.ts';

const CLOUD = 'cloud';
/** A silent service counts as down by then, and one that has come back as up. */
const COUNTED_MS = 60_000;

export type CloudHostsOptions = {
  readonly state: NovaState;
  readonly moves: NovaMoves;
  readonly view: CloudView;
  readonly scheduler: Scheduler;
  readonly random: Random;
};

export class CloudHosts {
  readonly #options: CloudHostsOptions;
  /** By host: what its next boot brings. */
  readonly #installed = new Map<string, Json>();
  /** By host: how many reasons there are for its silence. */
  readonly #silent = new Map<string, number>();

  constructor(options: CloudHostsOptions) {
    this.#options = options;
  }

  /** A Job has patched a host. */
  patched(host: string, job: ApiObject): void {
    const { atOnce, atReboot } = cloudChangeBy(String(at(job.metadata.labels, 'careen.dev/action')));
    this.#installed.set(host, { ...this.#installed.get(host), ...atReboot });
    this.#options.state.changeService(host, atOnce, CLOUD);
  }

  /** A Job has rebooted a host: it runs elsewhere, and ends when the host is back. */
  rebooted(host: string, job: ApiObject, jobs: JobController): void {
    const { state } = this.#options;
    const milliseconds = this.#options.random.int(5_000, 90_000);
    this.silence(host, milliseconds, () => {
      state.changeService(host, this.#installed.get(host) ?? {}, CLOUD);
      this.#installed.delete(host);
      jobs.mark(job, 'Complete', '');
    });
  }

  /** The service of a host does not report for so long; then it starts again, and what it worked on is cut off. */
  silence(host: string, milliseconds: number, ended: () => void = () => undefined): void {
    const { state, moves, view, scheduler } = this.#options;
    this.#silent.set(host, (this.#silent.get(host) ?? 0) + 1);
    if (state.service(host).silentSince === undefined)
      state.changeService(host, { silentSince: scheduler.now }, CLOUD);
    scheduler.after(COUNTED_MS + 1, () => view.refresh());
    scheduler.after(milliseconds, () => {
      const left = (this.#silent.get(host) ?? 1) - 1;
      this.#silent.set(host, left);
      moves.restarted(host);
      ended();
      if (left === 0) state.changeService(host, { silentSince: undefined }, CLOUD);
    });
  }
}
