/** What the spec of a session fixes for its whole run. */
export type SessionTerms = {
  /** RFC 3339: nothing is asked of an instance and no host is closed before it. */
  readonly startAt: string;
  /** How long a project has to answer; for SCALE_IN and MAINTENANCE_COMPLETE the second. */
  readonly replySeconds: number;
  readonly scaleInReplySeconds: number;
  /** When a project does not answer: `fail` ends the session, `proceed` takes silence for consent, `wait` waits on. */
  readonly silent: 'fail' | 'proceed' | 'wait';
  /** The actions of the session, by the type that says where they run. Each is a piece of work of the plan. */
  readonly actions: readonly SessionAction[];
};

/** `pre`, `post`: once; `host`: on each host; `compute`, `controller`: on each host of that type. */
export type SessionAction = {
  /** The piece of work that runs it. */
  readonly id: string;
  readonly plugin: string;
  readonly type: 'pre' | 'host' | 'compute' | 'controller' | 'post';
};
