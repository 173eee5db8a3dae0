/** What the spec of a session fixes for its whole run, in the form that planner, engine and status share. */
import { z } from 'zod';
import { MOVE_ACTIONS } from '../vocabulary.ts';

export const ACTION_TYPES = ['pre', 'host', 'compute', 'controller', 'post'] as const;
/** What silence of a project means. `fail` ends the session, `proceed` takes it for consent, `wait` waits on. */
export const SILENCE_POLICIES = ['fail', 'proceed', 'wait'] as const;

/** `pre`, `post`: once; `host`: on each host; `compute`, `controller`: on each host of that type. */
const action = z.object({
  /** The piece of work that runs it. */
  id: z.string(),
  plugin: z.string(),
  type: z.enum(ACTION_TYPES),
});
export type SessionAction = Readonly<z.infer<typeof action>>;

export const sessionTerms = z.object({
  /** The name of its workflow. */
  workflow: z.string(),
  /** RFC 3339: nothing is asked of an instance and no host is closed before it. Absent: it begins when it may run. */
  startAt: z.string().optional(),
  /** How long a project has to answer; for SCALE_IN and MAINTENANCE_COMPLETE the second. */
  replySeconds: z.number(),
  scaleInReplySeconds: z.number(),
  silent: z.enum(SILENCE_POLICIES),
  /** Handed to the projects unchanged. */
  metadata: z.record(z.string(), z.string()),
  actions: z.array(action),
  /** How instances can be moved; absent: in every way. */
  moves: z.array(z.enum(MOVE_ACTIONS)).optional(),
  /** What leaves an open host may come back to it: PREPARE_MAINTENANCE closes its host first. */
  closesFirst: z.literal(true).optional(),
  /** There are hosts outside of the session: they may take in what leaves its hosts, whatever room those have. */
  othersTakeIn: z.literal(true).optional(),
  /** Absent without any. */
  downloads: z
    .array(
      z.object({ name: z.string(), url: z.string(), sha256: z.string(), maxBytes: z.number().optional() }),
    )
    .optional(),
});
export type SessionTerms = Readonly<z.infer<typeof sessionTerms>>;
