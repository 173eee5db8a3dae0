import type { Instant } from '../../engine/view.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import type { ReconcilerDeps } from '../runtime/reconciler-deps.ts';
import type { Downloads } from '../session/downloads.ts';
import type { OwnWorkflows } from '../session/load-workflows.ts';
import type { OtherSessions } from '../session/other-sessions.ts';
import type { Tenants } from '../session/tenants.ts';
import type { RunStore } from './run-store.ts';
import type { StrategyIndex } from './strategy-index.ts';

/** The lead of this process over all others. */
export type Lead = {
  /** When it began. */
  readonly since: () => Instant;
  /** Gives it up: another process leads, or this one again when there is no other. */
  readonly handOver: () => void;
};

/** The dependencies of the passes over strategies. Each of their files takes only those it uses. */
export type StrategyDeps = ReconcilerDeps & {
  /** By the key of a strategy: the run that this process has adopted or begun, the epoch at that time, and whether it was suspended. */
  readonly adopted: Map<
    string,
    { readonly run: string; readonly epoch: number; readonly suspended: boolean }
  >;
  /** The keys of the strategies that lack permits, or may lack them. Freed permits concern only them. */
  readonly awaitingPermits: Set<string>;
  /** What is known of each strategy, for the watches. */
  readonly index: Pick<StrategyIndex, 'note'>;
  /** By the key of a strategy in a namespace that no pool allows: of which generation its status says so. */
  readonly refused: Map<string, string>;
  /** The operator's own namespace: no strategy may run its Jobs there. */
  readonly operatorNamespace: string;
  /** The host of this process, the leader; undefined when it runs on none of the hosts. */
  readonly activeHost: HostName | undefined;
  /** Undefined where this process does not give its lead up. */
  readonly lead?: Lead | undefined;
  readonly newId: () => string;
  /** Where runs are stored. */
  readonly runs: RunStore;
  /** Those whose instances run on the hosts of sessions. */
  readonly tenants: Pick<Tenants, 'hasNews' | 'hear' | 'settle' | 'tell' | 'forget'>;
  /** What they affect of the groups that sessions share. */
  readonly others: Pick<OtherSessions, 'besides' | 'store'>;
  /** The workflows that the administrator has added. */
  readonly workflows?: OwnWorkflows | undefined;
  /** The files that sessions give to their actions. */
  readonly downloads: Pick<Downloads, 'factsOf' | 'fetch' | 'forget'>;
};
