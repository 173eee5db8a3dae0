import { MAINTENANCE_SESSION, RELEASE_FINALIZER } from '../../crds/names.ts';
import { ownerOf } from '../../resources/stored-strategy.ts';
import { leftLockedEvent } from '../../status/shown/event-drafts.ts';
import { ownerEvent } from '../runtime/events.ts';
import type { ReconcileResult } from '../runtime/reconcile-result.ts';
import { freePermits } from './free-permits.ts';
import { runPass, type RunPassDeps } from './run-pass.ts';
import type { StrategyPass } from './strategy-pass.ts';

/**
 * Finalizes a deleted strategy: awaits running steps within their timeouts,
 * releases the hosts, leaves failed hosts locked with a note, and then removes
 * the finalizer.
 */
export async function finalize(
  deps: RunPassDeps,
  pass: StrategyPass,
  signal: AbortSignal,
): Promise<ReconcileResult> {
  const { key, strategy, stored, attachment } = pass;
  const isKept = strategy.metadata.finalizers.includes(RELEASE_FINALIZER);
  // Where somebody removed our finalizer, the finalizer of another party may still give us the time to release hosts.
  if (!isKept && (stored?.run.hosts ?? []).length === 0) return {};
  const order = { mode: 'Abort', finalizing: true } as const;
  const after = stored ? await runPass(deps, { ...pass, stored }, order, signal) : { open: false, strategy };
  if (after.open) return after;
  // The next pass does not know these hosts any more.
  const view = attachment.view();
  const remain = stored?.run.hosts.filter(({ name }) => view.host(name)?.claim?.run === stored.run.id) ?? [];
  for (const host of remain)
    deps.events.record(ownerEvent(ownerOf(strategy), leftLockedEvent(host, view.words)));
  await freePermits(deps, { ...pass, strategy: after.strategy });
  // Also after a build that failed: the run before it has told projects.
  if (strategy.kind === MAINTENANCE_SESSION) {
    deps.downloads.forget(strategy.metadata);
    await deps.tenants.forget(strategy.metadata);
  }
  const finalizers = after.strategy.metadata.finalizers.filter((each) => each !== RELEASE_FINALIZER);
  if (isKept) await deps.api.writeFinalizers(after.strategy, finalizers);
  deps.log.info({ strategy: key, remain: remain.map(({ name }) => name) }, 'strategy finalized');
  return {};
}
