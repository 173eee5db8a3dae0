/** How messages speak of a strategy: it patches hosts, upgrades them, or brings them back. Pure. */
import type { Reason } from '../observed/conditions.ts';
import type { TargetRelease } from '../spec/strategy-spec.ts';

export type StrategyWords = {
  /** What is done to hosts, as in `to patch`. */
  readonly act: string;
  /** The same of hosts that have it behind them: `patched`. */
  readonly done: string;
  /** What is done to hosts that stay in service: `patched in place`. */
  readonly inPlace: string;
  /** Why a host is worked on: `lacks a patch`; of several: `lack a patch`. */
  readonly lacks: string;
  readonly lack: string;
  /** The reason of the condition `Drifted` while hosts are so. */
  readonly drift: Reason;
  /** The field of the spec that says what hosts are to have. */
  readonly field: string;
  /** The fields of the spec that hold the Jobs. */
  readonly jobs: string;
  /** A piece of work, as in `2 patches`. */
  readonly piece: string;
  readonly pieces: string;
  /** What can be done after an abort about the hosts that were done; absent where nothing can. */
  readonly wayBack?: string;
};

const PATCHES: StrategyWords = {
  ...{ act: 'patch', done: 'patched', inPlace: 'patched in place' },
  ...{ lacks: 'lacks a patch', lack: 'lack a patch', drift: 'HostsLackPatches' },
  ...{ field: 'spec.patches', jobs: 'spec.patches and spec.reboot', piece: 'patch', pieces: 'patches' },
};

const MAINTENANCE: StrategyWords = {
  ...{ act: 'maintain', done: 'maintained', inPlace: 'worked on in place' },
  ...{ lacks: 'is to be maintained', lack: 'are to be maintained', drift: 'HostsLackPatches' },
  ...{ field: 'spec.hosts', jobs: 'spec.actions', piece: 'action', pieces: 'actions' },
};

/** @param of the spec, or the actions of a plan; `session`: whether it is that of a session */
export function strategyWords({
  release,
  session,
}: {
  readonly release?: TargetRelease | undefined;
  readonly session?: unknown;
}): StrategyWords {
  if (session !== undefined) return MAINTENANCE;
  if (!release) return PATCHES;
  const { version, rollback = false, waysBack = [] } = release;
  const common = {
    field: rollback ? 'spec.rollback' : 'spec.release',
    inPlace: 'worked on in place',
    jobs: 'spec.hosts, spec.reboot and the hooks',
    ...{ piece: 'part', pieces: 'parts' },
  };
  return rollback
    ? {
        ...common,
        ...{ act: 'bring back', done: `brought back from ${version}` },
        ...{ lacks: `has ${version}`, lack: `have ${version}`, drift: 'HostsHaveRelease' },
      }
    : {
        ...common,
        ...{ act: 'upgrade', done: `upgraded to ${version}` },
        ...{ lacks: `lacks ${version}`, lack: `lack ${version}`, drift: 'HostsLackRelease' },
        ...(waysBack.length > 0
          ? { wayBack: `hosts that have ${version} keep it; spec.rollback: true plans their way back` }
          : {}),
      };
}
