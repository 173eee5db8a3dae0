import { RELEASE_FINALIZER } from '../crds/names.ts';
import { freePermits } from './free-permits.ts';
import type { PassContext } from './pass-context.ts';
import { runPass } from './run-pass.ts';
import { runOf } from './strategy-status.ts';

/**
 * Lets a deleted strategy go: what is under way is awaited within its timeouts,
 * hosts are given back, those that failed are left locked with a note, and then
 * the finalizer is removed.
 */
export async function letGo(context: PassContext): Promise<void> {
  const { deps, key, strategy, attachment } = context;
  if (!strategy.metadata.finalizers.includes(RELEASE_FINALIZER)) return;
  const left = runOf(strategy.status)?.hosts ?? [];
  const after = await runPass(context, { mode: 'Abort', lettingGo: true });
  if (after.open) return;
  await freePermits(context);
  const { finalizers } = after.strategy.metadata;
  await deps.api.writeFinalizers(
    after.strategy,
    finalizers.filter((each) => each !== RELEASE_FINALIZER),
  );
  const view = attachment.view();
  const locked = left.map(({ name }) => name).filter((name) => view.host(name)?.closed === true);
  deps.log.info({ strategy: key, locked }, 'strategy let go');
}
