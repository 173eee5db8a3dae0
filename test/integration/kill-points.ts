/** After which writes of a run the operator is killed: here one of each sort, in test/long one of each class. */
import type { WriteClass } from '../support/audit/write-class.ts';

/** Long enough that a leader is not deposed while the machine is busy. */
export const KILL_LEASE_SECONDS = 15;

/** Those of a run that nothing disturbs; of each there are at least two, but for what happens once to a strategy. */
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
  'strategy: applied',
] as const satisfies readonly WriteClass[];

/** Those of them that act upon a host and after which no takeover, below, begins. */
export const ON_HOSTS = [
  'pod: evict',
  'Job: start',
  'host: release',
] as const satisfies readonly WriteClass[];

/** Those that tell how it is going, or end a step of which the end of the next may be known, too. */
export const AT_TIMES: readonly WriteClass[] = ['pool: show', 'strategy: tell', 'strategy: verify'];

/** Those that only a leader makes that has just begun, each with one after which there is cause for it. */
export const OF_TAKEOVERS = [
  ['strategy: applying', 'pool: lead'],
  ['pool: grant permits', 'strategy: take over'],
  ['host: claim', 'host: claim again'],
  ['Job: make', 'Job: stamp'],
] as const satisfies readonly (readonly [WriteClass, WriteClass])[];
