/**
 * Fetches the downloads of sessions, one at a time in a process, and stores them in the cluster. A download that is stored
 * is found again after a restart, and is not fetched a second time.
 */
import type { OwnerRef } from '../../crds/owner-ref.ts';
import type { Download, DownloadPolicy } from '../../crds/spec/downloads.ts';
import { currentStage, type RunState } from '../../engine/run/run-state.ts';
import { awaitsDownloads } from '../../engine/session/fetch-downloads.ts';
import type { DownloadFacts } from '../../engine/session/session-state.ts';
import type { Downloaded, DownloadRequest } from '../../http/download.ts';
import { explain } from '../../kube/errors.ts';
import { allowsHost, hostOf } from '../../planner/policy/session-policy.ts';
import { ForeignObjectError, type DownloadObjects } from '../../resources/download-objects.ts';
import { ownerOf } from '../../resources/stored-strategy.ts';
import type { ReconcilerDeps } from '../runtime/reconciler-deps.ts';
import type { PassWithRun } from '../strategy/strategy-pass.ts';

const TIMEOUT_MILLISECONDS = 120_000;
const RETRY_MILLISECONDS = 30_000;

/** Resolves with the checked content, or why there is none. */
export type FetchFile = (request: DownloadRequest, signal: AbortSignal) => Promise<Downloaded>;

export type DownloadsDeps = Pick<ReconcilerDeps, 'log' | 'clock'> & {
  readonly objects: Pick<DownloadObjects, 'find' | 'store'>;
  readonly fetchFile: FetchFile;
};

/** What this process knows of the downloads of one session, in one attempt of its stage. */
type Known = {
  readonly attempt: number;
  readonly facts: Map<string, DownloadFacts>;
  readonly ended: AbortController;
  busy: boolean;
};

type Wanted = Pick<Download, 'name' | 'url' | 'sha256' | 'maxBytes'>;

export class Downloads {
  readonly #deps: DownloadsDeps;
  readonly #changed: (key: string) => void;
  /** By the uid of a session. */
  readonly #sessions = new Map<string, Known>();
  /** Files are held in memory, so there is one at a time. */
  #queue: Promise<unknown> = Promise.resolve();

  /** @param changed called with the key of a session when something is known of one of its downloads */
  constructor(deps: DownloadsDeps, changed: (key: string) => void) {
    this.#deps = deps;
    this.#changed = changed;
  }

  /** What is known of the downloads of a session. */
  factsOf({ strategy, stored: { run } }: PassWithRun): ReadonlyMap<string, DownloadFacts> {
    const known = this.#sessions.get(strategy.metadata.uid);
    return known?.attempt === attemptOf(run) ? new Map(known.facts) : new Map();
  }

  /** Begins to fetch what a stored run waits for. Returns at once. */
  fetch(pass: PassWithRun, run: RunState): void {
    const { key, strategy, stored, pool } = pass;
    const policy = pool?.spec.actionPolicy.downloads;
    const wanted = stored.plan.actions.session?.downloads ?? [];
    if (!awaitsDownloads(run) || wanted.length === 0) return;
    const known = this.#knownOf(strategy.metadata.uid, attemptOf(run));
    if (known.busy) return;
    known.busy = true;
    this.#queue = this.#queue
      .then(async () => this.#fetchAll(ownerOf(strategy), wanted, policy, known, () => this.#changed(key)))
      .finally(() => (known.busy = false));
  }

  /** Fetches nothing more for a session. */
  forget({ uid }: { readonly uid: string }): void {
    this.#sessions.get(uid)?.ended.abort(new Error('the session has ended'));
    this.#sessions.delete(uid);
  }

  /** Resolves when nothing is being fetched. */
  get idle(): Promise<unknown> {
    return this.#queue;
  }

  /** Safe to call twice. */
  async close(): Promise<void> {
    for (const uid of [...this.#sessions.keys()]) this.forget({ uid });
    await this.#queue;
  }

  #knownOf(uid: string, attempt: number): Known {
    const known = this.#sessions.get(uid);
    if (known?.attempt === attempt) return known;
    known?.ended.abort(new Error('the session begins anew'));
    const fresh = { attempt, facts: new Map(), ended: new AbortController(), busy: false };
    this.#sessions.set(uid, fresh);
    return fresh;
  }

  async #fetchAll(
    owner: OwnerRef,
    wanted: readonly Wanted[],
    policy: DownloadPolicy | undefined,
    { facts, ended: { signal } }: Known,
    changed: () => void,
  ): Promise<void> {
    for (const each of wanted) {
      const before = facts.get(each.name);
      if (signal.aborted || (before && !isDue(before, this.#deps.clock()))) continue;
      const taken = [...facts.values()].reduce((sum, fact) => sum + bytesOf(fact), 0);
      facts.set(each.name, await this.#factsAbout(owner, each, policy, taken, signal));
      changed();
    }
  }

  async #factsAbout(
    owner: OwnerRef,
    wanted: Wanted,
    policy: DownloadPolicy | undefined,
    taken: number,
    signal: AbortSignal,
  ): Promise<DownloadFacts> {
    const { objects, log } = this.#deps;
    const about = { session: owner.name, namespace: owner.namespace, download: wanted.name };
    try {
      const found = await objects.find(owner, wanted, signal);
      if (found) return { kind: 'stored', stored: found };
      if (!policy) return { kind: 'failed', reason: 'the pool allows no downloads (actionPolicy.downloads)' };
      const fetched = await this.#get(wanted, policy, taken, signal);
      if (fetched.kind === 'failed') {
        log.warn({ ...about, reason: fetched.reason }, 'download failed');
        return this.#failure(fetched.reason, fetched.isFinal);
      }
      const { content } = fetched;
      const stored = await objects.store(owner, wanted, content, signal);
      log.info({ ...about, bytes: content.length }, 'download stored');
      return { kind: 'stored', stored };
    } catch (error) {
      log.warn({ ...about, err: error }, 'download failed');
      return this.#failure(explain(error), error instanceof ForeignObjectError);
    }
  }

  #failure(reason: string, isFinal: boolean): DownloadFacts {
    if (isFinal) return { kind: 'failed', reason };
    return { kind: 'later', reason, retryAt: this.#deps.clock() + RETRY_MILLISECONDS };
  }

  async #get(
    { url, sha256, maxBytes = Infinity }: Wanted,
    policy: DownloadPolicy,
    taken: number,
    signal: AbortSignal,
  ): Promise<Downloaded> {
    const request: DownloadRequest = {
      ...{ url, sha256, listed: policy.hosts, timeoutMs: TIMEOUT_MILLISECONDS },
      maxBytes: Math.min(maxBytes, policy.maxBytes - taken),
      refusal: (address) => againstAddress(address, policy),
    };
    return this.#deps.fetchFile(request, signal);
  }
}

function againstAddress({ protocol, href }: URL, { hosts }: DownloadPolicy): string | undefined {
  if (protocol !== 'https:') return `${protocol.slice(0, -1)} is not allowed, only https`;
  const host = hostOf(href);
  return allowsHost(hosts, host)
    ? undefined
    : `the pool does not allow the host ${host} (actionPolicy.downloads.hosts)`;
}

function isDue(facts: DownloadFacts, now: number): boolean {
  return facts.kind === 'later' && facts.retryAt <= now;
}

function bytesOf(facts: DownloadFacts): number {
  return facts.kind === 'stored' ? facts.stored.sizeBytes : 0;
}

function attemptOf({ apply }: RunState): number {
  return currentStage(apply)?.attempt ?? 1;
}
