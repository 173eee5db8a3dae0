/** Judges when the Jobs of hosts are started, and that each effect has one only (invariants 2, 4 and 5). */
import type { Change, Objects } from './world/api-server.ts';
import { jobEnded } from './world/job-controller.ts';
import type { ApiObject } from './world/objects.ts';
import type { ContainerCheck } from './container-check.ts';
import type { EndCheck } from './end-check.ts';
import type { EpochCheck } from './epoch-check.ts';
import { IN_FLIGHT_MS, SEEN_MS, type HostState } from './host-history.ts';
import type { KnownHosts } from './known-hosts.ts';
import type { RequestCheck } from './request-check.ts';
import { isSuspended, outagesOf } from './seen.ts';
import type { SuspendCheck } from './suspend-check.ts';
import type { UpgradeCheck } from './upgrade-check.ts';

const EFFECT = 'careen.dev/effect';
const HOST = 'careen.dev/host';
const RUN_LABEL = 'careen.dev/run';

export type JobCheckOptions = {
  readonly server: Objects;
  readonly now: () => number;
  readonly hosts: KnownHosts;
  readonly wasAnswered: (path: string) => boolean;
  readonly ledForMs: () => number;
  readonly strategyOf: (run: string) => ApiObject | undefined;
  readonly suspensions: SuspendCheck;
  readonly epochs: EpochCheck;
  readonly containers: ContainerCheck;
  readonly upgrades: UpgradeCheck;
  readonly requests: RequestCheck;
  readonly end: EndCheck;
  readonly failed: (complaint: string) => void;
};

export class JobCheck {
  readonly #options: JobCheckOptions;
  /** The effects whose Job was started. */
  readonly #started = new Set<string>();

  constructor(options: JobCheckOptions) {
    this.#options = options;
  }

  changed({ object, before, by }: Change): void {
    const { annotations = {}, labels = {}, uid } = object.metadata;
    const [key, host, run] = [annotations[EFFECT] ?? '', annotations[HOST] ?? '', labels[RUN_LABEL] ?? ''];
    const isSuspended = object.spec?.['suspend'] === true;
    if (isSuspended && before?.spec?.['suspend'] === false) this.#options.containers.withdrawn(run, host, by);
    if (jobEnded(object)) {
      this.#options.containers.ended(object);
      this.#options.upgrades.jobEnded(object);
    }
    if (isSuspended || before?.spec?.['suspend'] !== true) return;
    // A late Job of an earlier leader does nothing: it is suspended, and is removed.
    if (this.#started.has(key)) this.#options.failed(`(5) a second Job was started for effect ${key}`);
    this.#started.add(key);
    this.#options.suspensions.forbids(run, `a Job was started on ${host}`, by, pathOf(object));
    this.#options.epochs.acts(run, by, `a Job was started on ${host}`);
    const strategy = this.#options.strategyOf(run);
    const writer = this.#options.suspensions.lastWriterOf(strategy);
    if (this.#options.requests.isSkipped(run, host) && writer === by)
      this.#options.failed(`(4) a Job was started on ${host}, which a request leaves out of the run`);
    // A late write of an earlier leader may start it on another host of that name.
    if (this.#options.hosts.isKnownAsFreeOf(run, host) && this.#options.wasAnswered(pathOf(object)))
      this.#options.failed(`(4) a Job was started on ${host}, which ${run} does not hold`);
    this.#options.upgrades.jobStarts(object, strategy);
    const outages = strategy ? outagesOf(strategy) : [];
    const isRecorded = outages.some(({ name, jobs }) => name === host && jobs.includes(uid));
    // The record was there when the start was decided: others removed it while the process stood still.
    const isLate = this.#options.now() - this.#options.end.lostAt(run) < IN_FLIGHT_MS;
    if (!isRecorded && !isLate)
      this.#options.failed(`(5) a Job was started on ${host} before its strategy had recorded it`);
    if (Number(object.spec?.['backoffLimit']) !== 0)
      this.#options.failed(`(5) a Job was started on ${host} that may run more than once`);
    if (this.#options.upgrades.needsEmpty(run, host) && this.#options.hosts.isKnownAsBusy(host))
      this.#options.failed(`(2) a Job was started on ${host} under a pod`);
    const busy = this.#options.server
      .list('jobs')
      .filter(
        (job) =>
          job.metadata.annotations?.[HOST] === host && job.spec?.['suspend'] !== true && !jobEnded(job),
      );
    if (busy.length > 1) this.#options.failed(`(5) two Jobs run on ${host} at once`);
  }

  /** The container of a Job starts. */
  containerStarts(job: ApiObject): void {
    this.#options.containers.started(job);
    const { annotations = {}, labels = {} } = job.metadata;
    const [host, run] = [annotations[HOST] ?? '', labels[RUN_LABEL] ?? ''];
    const strategy = this.#options.strategyOf(run);
    const isLost = ({ claim, lostClaimOf }: HostState): boolean => claim?.run !== run && lostClaimOf !== run;
    // In Suspend, when others have removed the record of the run, and while no process leads, nobody withdraws it.
    const isWatched = strategy && !isSuspended(strategy) && this.#options.ledForMs() > SEEN_MS;
    if (isWatched && this.#options.hosts.isKnown(host, isLost))
      this.#options.failed(`(4) a container of ${run} started on ${host}, which it does not hold`);
  }
}

function pathOf({ metadata: { namespace = '', name } }: ApiObject): string {
  return `/apis/batch/v1/namespaces/${namespace}/jobs/${name}`;
}
