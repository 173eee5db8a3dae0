import type { JobAction } from '../crds/spec/host-action.ts';
import type { HostName } from '../planner/hosts/facts.ts';
import type { Claim, EffectKey, InstanceFacts, Instant } from './view.ts';

type Common = { readonly key: EffectKey; readonly host: HostName };

/**
 * A write that the engine asks for. Each is safe to repeat. Each names the revision or uid that its decision was based
 * on, so it is refused when that is stale.
 */
export type Effect = Common &
  (
    | { readonly kind: 'claim'; readonly revision: string; readonly claim: Claim }
    /** Cordons a host again that somebody uncordoned during our work. */
    | { readonly kind: 'recordon'; readonly revision: string; readonly run: string }
    /**
     * Restores the host to its state before the claim. `closedToNewWorkBefore` is the run's own record of that state.
     * It decides alone; without it, the claim decides on a host that has our mark, and any other host stays as it is.
     */
    | {
        readonly kind: 'release';
        readonly revision: string;
        readonly run: string;
        readonly closedToNewWorkBefore?: boolean | undefined;
        /** Since when instances on the host were stopped for this run, RFC 3339: those are started again. */
        readonly stoppedSince?: string | undefined;
      }
    /** Replaces the claim with a note that the host was left locked, and why. The host stays closed. */
    | {
        readonly kind: 'leave-locked';
        readonly revision: string;
        readonly run: string;
        readonly reason: string;
      }
    /**
     * `by`: how the owner of the instance wants it moved; absent: as the platform does it. `notTo`: hosts that must not take
     * it, where the adapter chooses.
     */
    | {
        readonly kind: 'evict';
        readonly instance: Pick<InstanceFacts, 'uid' | 'namespace' | 'name'>;
        readonly by?: 'MIGRATE' | 'LIVE_MIGRATE';
        readonly notTo?: readonly HostName[];
      }
    /** Calls off a move that has not ended: the instance stays on its host. */
    | {
        readonly kind: 'call-off';
        readonly instance: Pick<InstanceFacts, 'uid' | 'namespace' | 'name'>;
      }
    /** Creates the Job suspended, so that no pod of it runs. */
    | { readonly kind: 'create-job'; readonly action: string; readonly job: JobAction }
    /** Starts a suspended Job, with the remaining time of its step as its deadline. `revision`: its `startRevision`. */
    | {
        readonly kind: 'start-job';
        readonly name: string;
        readonly uid: string;
        readonly revision: string;
        readonly timeoutSeconds: number;
      }
    /**
     * Makes a Job that somebody changed again what it was. `effect` is the key that it was made for. `already`: it does
     * not exist any more.
     */
    | {
        readonly kind: 'mend-job';
        readonly name: string;
        readonly uid: string;
        readonly effect: EffectKey;
        readonly action: string;
        readonly timeoutSeconds: number;
      }
    /** Suspends a started Job of which no container has started, so that none starts later. */
    | {
        readonly kind: 'withdraw-job';
        readonly name: string;
        readonly uid: string;
        readonly revision: string;
      }
    /** Deletes a Job that no run needs: it never started, or its success is known. */
    | {
        readonly kind: 'delete-job';
        readonly name: string;
        readonly uid: string;
        readonly revision: string;
      }
  );

/**
 * The answer to an effect. Accepted does not mean done: the next view shows the result. A restart loses outcomes, so
 * no decision may depend on them alone.
 */
export type Outcome =
  | { readonly kind: 'already' | 'stale' }
  /** `note`: what a person must see to, although it is accepted. */
  | { readonly kind: 'accepted'; readonly note?: string | undefined }
  /** It is refused for now: by a budget, by admission, or by an overloaded server. */
  | { readonly kind: 'blocked'; readonly reason: string; readonly retryAt?: Instant }
  /** It will never be accepted in this form. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** It may have taken effect: observe first, do not repeat it blindly. */
  | { readonly kind: 'unknown'; readonly reason: string };

export const EFFECT_KINDS = [
  'claim',
  'recordon',
  'release',
  'leave-locked',
  'evict',
  'call-off',
  'create-job',
  'start-job',
  'mend-job',
  'withdraw-job',
  'delete-job',
] as const satisfies readonly Effect['kind'][];

/** Whether an effect changes a Job, and not the host itself. */
export function isAboutJob({ kind }: Pick<Effect, 'kind'>): boolean {
  return kind.endsWith('-job');
}

export const OUTCOME_KINDS = [
  'accepted',
  'already',
  'stale',
  'blocked',
  'refused',
  'unknown',
] as const satisfies readonly Outcome['kind'][];

/** The key of an effect; `subject` is the pod's uid, the patch's id, or empty. */
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

/** The run of an effect. */
export function runOfKey(key: EffectKey): string {
  return key.split('/')[0] ?? '';
}

/** The stage of the plan that an effect belongs to. */
export function stageOfKey(key: EffectKey): number {
  return Number(key.split('/')[1]);
}

/** The host of an effect. */
export function hostOfKey(key: EffectKey): HostName {
  return key.split('/')[3] ?? '';
}

/** What an effect on a host is about: the action of a Job. */
export function subjectOfKey(key: EffectKey): string {
  return key.split('/')[4] ?? '';
}
