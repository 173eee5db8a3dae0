import type { EffectKey } from '../../engine/view.ts';

/** What a Job is to us, however its labels and annotations are changed later. */
export type JobIdentity = {
  readonly uid: string;
  /** The effect that it was made for. */
  readonly key: EffectKey;
  readonly ownerKind: string;
  readonly ownerUid: string;
  /** A policy insists on a time to live: its result is kept in memory, so it may have one. */
  readonly mayHaveTtl?: boolean;
};
