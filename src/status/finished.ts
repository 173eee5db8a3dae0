/** Whether a strategy has finished, or does nothing for now. */
import { KEEP_ANNOTATION } from '../crds/names.ts';
import type { StrategyState } from '../crds/vocabulary.ts';
import type { RunState } from '../engine/run/run-state.ts';
import type { Instant } from '../engine/view.ts';
import { specDigest } from '../planner/digest.ts';
import { runOf } from './stored/codec.ts';
import { hasPatchedNobody } from './stored/rebuild.ts';
import { pendingRequests, type Requested } from './requests/requests.ts';

/** The parts of a stored strategy that tell whether it has finished. */
export type MaybeFinished = Requested & {
  readonly metadata: Owned & { readonly generation: number; readonly deletionTimestamp?: unknown };
  readonly unreadable?: string;
  readonly suspendedBy?: string;
};

type Owned = {
  readonly annotations: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly ownerReferences?: readonly { readonly controller?: boolean | undefined }[] | undefined;
};

/** A failed run is not over: somebody retries or aborts it. */
const ENDED: ReadonlySet<StrategyState> = new Set(['applied', 'aborted', 'abort-failed', 'abort-timeout']);

/**
 * When the run of a strategy ended that does nothing more by itself; undefined for any other one. A strategy that has
 * patched nobody goes on: it patches the hosts that come to lack its patches.
 */
export function endOf(strategy: MaybeFinished): Instant | undefined {
  const run = endedRun(strategy);
  return !run || (run.state === 'applied' && hasPatchedNobody(run)) ? undefined : timeOfEnd(run);
}

/** The run of a strategy that has ended and holds no host: nothing is to be done until the spec, a request or the fleet changes. */
export function endedRun(strategy: MaybeFinished): RunState | undefined {
  const { metadata, spec, status, unreadable, suspendedBy } = strategy;
  const run = runOf(status);
  if (!run || !ENDED.has(run.state) || run.hosts.length > 0) return undefined;
  if (unreadable !== undefined || suspendedBy !== undefined || metadata.deletionTimestamp !== undefined)
    return undefined;
  const isSeen = status.observedGeneration === metadata.generation;
  if (!isSeen || status.run?.specDigest !== specDigest(spec)) return undefined;
  const { requests, refused } = pendingRequests(strategy);
  return requests.length + refused.length > 0 ? undefined : run;
}

function timeOfEnd({ currentPhase, apply, abort }: RunState): Instant | undefined {
  const end = (currentPhase === 'abort' ? abort : apply)?.endTime;
  return end === undefined ? undefined : Date.parse(end);
}

/** The marks of programs that would make a removed object again, or report it as missing: prefixes of their keys. */
const MANAGERS = [
  'argocd.argoproj.io/',
  'kustomize.toolkit.fluxcd.io/',
  'helm.toolkit.fluxcd.io/',
  'meta.helm.sh/',
  'app.kubernetes.io/managed-by',
  'app.kubernetes.io/instance',
];

/** Whether a finished strategy is not ours to remove: somebody wants to keep it, or another program manages it. */
export function isKept({ annotations, labels = {}, ownerReferences = [] }: Owned): boolean {
  if ((annotations[KEEP_ANNOTATION] ?? 'false') !== 'false') return true;
  const keys = [...Object.keys(annotations), ...Object.keys(labels)];
  return (
    keys.some((key) => MANAGERS.some((mark) => key.startsWith(mark))) ||
    ownerReferences.some(({ controller }) => controller === true)
  );
}
