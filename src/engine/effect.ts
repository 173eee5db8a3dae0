import type { JobAction } from '../crds/host-action.ts';
import type { HostName } from '../planner/facts.ts';
import type { Claim, EffectKey, InstanceFacts, Instant } from './view.ts';

type Common = { readonly key: EffectKey; readonly host: HostName };

/**
 * Something asked of the world. Each is safe to repeat, and each says what it
 * was decided upon (a revision, a uid), so that it is refused when that is stale.
 */
export type Effect = Common &
  (
    | { readonly kind: 'claim'; readonly revision: string; readonly claim: Claim }
    /** Closes a host again that somebody opened while we work on it. */
    | { readonly kind: 'recordon'; readonly revision: string; readonly run: string }
    /**
     * Puts the host back as its claim found it. `closedToNewWorkBefore` is what the run has written down about that: it alone
     * counts where the claim was lost, and where it is false the host is opened, whatever the claim says.
     */
    | {
        readonly kind: 'release';
        readonly revision: string;
        readonly run: string;
        readonly closedToNewWorkBefore?: boolean | undefined;
      }
    /** Turns the claim into a note that the host was left locked, and why; the host stays closed. */
    | {
        readonly kind: 'leave-locked';
        readonly revision: string;
        readonly run: string;
        readonly reason: string;
      }
    | { readonly kind: 'evict'; readonly instance: Pick<InstanceFacts, 'uid' | 'namespace' | 'name'> }
    /** Makes the Job suspended: it does nothing yet. */
    | { readonly kind: 'create-job'; readonly action: string; readonly job: JobAction }
    /** Lets a suspended Job run, no longer than its step may take. */
    | {
        readonly kind: 'start-job';
        readonly name: string;
        readonly uid: string;
        readonly revision: string;
        readonly timeoutSeconds: number;
      }
    /** Removes a Job that was never started and that no run asks for. */
    | {
        readonly kind: 'delete-job';
        readonly name: string;
        readonly uid: string;
        readonly revision: string;
      }
  );

/**
 * How an effect was received. Accepted is not done: what became of it shows in
 * the next view. Outcomes are lost in a restart, so nothing rests on them alone.
 */
export type Outcome =
  | { readonly kind: 'accepted' | 'already' | 'stale' }
  /** A budget or an overloaded server says: not now. */
  | { readonly kind: 'blocked'; readonly reason: string; readonly retryAt?: Instant }
  /** It will never be accepted as it stands. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** It may have happened: look, do not repeat blindly. */
  | { readonly kind: 'unknown'; readonly reason: string };

export const EFFECT_KINDS = [
  'claim',
  'recordon',
  'release',
  'leave-locked',
  'evict',
  'create-job',
  'start-job',
  'delete-job',
] as const satisfies readonly Effect['kind'][];

export const OUTCOME_KINDS = [
  'accepted',
  'already',
  'stale',
  'blocked',
  'refused',
  'unknown',
] as const satisfies readonly Outcome['kind'][];

/** Names an effect; `subject` is the pod's uid, the patch's id, or nothing. */
export function effectKey(
  run: string,
  stage: number,
  step: string,
  host: HostName,
  subject: string,
  attempt: number,
): EffectKey {
  return [run, String(stage), step, host, subject, String(attempt)].join('/');
}
