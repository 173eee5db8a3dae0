import { RELEASE_FINALIZER } from '../../crds/names.ts';
import { freePermits } from './free-permits.ts';
import type { PassContext } from './pass-context.ts';
import { runPass } from './run-pass.ts';
import { runOf } from '../../status/codec.ts';
import { strategyEvent } from '../runtime/events.ts';

/**
 * Lets a deleted strategy go: what is under way is awaited within its timeouts,
 * hosts are given back, those that failed are left locked with a note, and then
 * the finalizer is removed.
 */
export async function finalize(context: PassContext): Promise<void> {
  const { deps, key, strategy, attachment } = context;
  if (!strategy.metadata.finalizers.includes(RELEASE_FINALIZER)) return;
  const { hosts: left = [], id: runId } = runOf(strategy.status) ?? {};
  const after = await runPass(context, { mode: 'Abort', finalizing: true });
  if (after.open) return;
  await freePermits(context);
  const { finalizers } = after.strategy.metadata;
  await deps.api.writeFinalizers(
    after.strategy,
    finalizers.filter((each) => each !== RELEASE_FINALIZER),
  );
  const view = attachment.view();
  const remain = left.filter(({ name }) => view.host(name)?.claim?.run === runId);
  for (const { name, reason = '' } of remain) {
    const note = `${name} stays locked, it could not be given back (${reason}); kubectl uncordon ${name} when it is fit to work`;
    deps.events.record(strategyEvent(strategy, { reason: 'HostLeftLocked', host: name, note }));
  }
  deps.log.info({ strategy: key, remain: remain.map(({ name }) => name) }, 'strategy let go');
}
