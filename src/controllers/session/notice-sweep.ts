/**
 * Removes notices whose session is gone: the request that made one may have arrived after the session had removed its
 * notices. While each notice has a session, a sweep makes no request.
 */
import { explain } from '../../kube/errors.ts';
import type { Log } from '../../kube/log.ts';
import type { Notices, StoredNotice } from '../../resources/notices.ts';
import { eachOf } from '../../kube/each-of.ts';

const WRITES_AT_ONCE = 2;
/** The others are removed in the next sweeps. */
const MOST_REMOVED = 100;

export type NoticeSweepOptions = {
  readonly notices: Pick<Notices, 'all' | 'remove'>;
  /** Reads the uids of all sessions from the API server. */
  readonly sessionsNow: () => Promise<ReadonlySet<string>>;
  readonly log: Log;
};

export class NoticeSweep {
  readonly #options: NoticeSweepOptions;
  /** The uids of the sessions that their watch shows, by key. */
  readonly #shown = new Map<string, string>();
  #isRunning = false;

  constructor(options: NoticeSweepOptions) {
    this.#options = options;
  }

  /** A watch shows the session with this key. @param uid undefined: it is gone */
  shows(key: string, uid: string | undefined): void {
    if (uid === undefined) this.#shown.delete(key);
    else this.#shown.set(key, uid);
  }

  /** Removes what it can. What fails is tried again in the next sweep. */
  async sweep(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    const { notices, log } = this.#options;
    try {
      const strays = await this.#strays();
      await eachOf(strays.slice(0, MOST_REMOVED), WRITES_AT_ONCE, async (notice) => {
        await notices.remove(notice);
        log.info(
          { notice: `${notice.namespace}/${notice.name}` },
          'notice of a session that is gone removed',
        );
      });
    } catch (error) {
      log.warn({ error: explain(error) }, 'cannot remove the notices of sessions that are gone');
    } finally {
      this.#isRunning = false;
    }
  }

  /** A watch may lag behind the one of notices, so the API server is asked before a notice counts as one of no session. */
  async #strays(): Promise<readonly StoredNotice[]> {
    const shown = new Set(this.#shown.values());
    const found = this.#options.notices.all.filter(({ session }) => session !== '' && !shown.has(session));
    if (found.length === 0) return [];
    const sessions = await this.#options.sessionsNow();
    return found.filter(({ session }) => !sessions.has(session));
  }
}
