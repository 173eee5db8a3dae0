/** The writes of a run after which the operator is killed: here one of each sort, in test/long one of each class. */
import type { WriteClass } from '../support/audit/write-class.ts';

/** Long enough that a leader is not deposed while the machine is busy. */
export const KILL_LEASE_SECONDS = 15;

/** The writes of an undisturbed run; each occurs at least twice, except those that occur once for a strategy. */
export const OF_EACH_RUN = [
  'strategy: building',
  'strategy: ready-to-apply',
  'strategy: keep',
  'pool: grant permits',
  'strategy: applying',
  'host: claim',
  'strategy: migrate-instances-from-host',
  'pod: evict',
  'strategy: sw-patch-hosts',
  'Job: make',
  'strategy: record a Job',
  'Job: start',
  'strategy: unlock-hosts',
  'host: release',
  'strategy: lock-hosts',
  'pool: free permits',
  'Job: remove',
  'strategy: applied',
] as const satisfies readonly WriteClass[];

/** The writes among them that act on a host, and are not the first write of a take-over below. */
export const ON_HOSTS = [
  'pod: evict',
  'Job: start',
  'host: release',
] as const satisfies readonly WriteClass[];

/** Writes that report progress, or that end a step together with the next one. */
export const AT_TIMES: readonly WriteClass[] = ['pool: show', 'strategy: report', 'strategy: verify'];

/** Writes of a new leader only, each after a write that causes it. */
export const OF_TAKEOVERS = [
  ['strategy: applying', 'pool: lead'],
  ['pool: grant permits', 'strategy: take over'],
  ['host: claim', 'host: claim again'],
  ['Job: make', 'Job: stamp'],
] as const satisfies readonly (readonly [WriteClass, WriteClass])[];

/** Writes that end the Job of a host on which nothing of it starts, in their order. */
export const OF_WITHDRAWALS = [
  'strategy: record a withdrawal',
  'Job: withdraw',
  'Job: remove',
] as const satisfies readonly WriteClass[];

/** The write that makes a Job again what it was, after somebody changed it. */
export const OF_MENDING: WriteClass = 'Job: mend';
