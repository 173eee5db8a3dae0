/** Sets the standing order of a strategy. */
import { z } from 'zod';
import type { ExecutionMode } from '../../crds/vocabulary.ts';
import type { Connection } from '../cluster/connection.ts';
import { wordsOf, type Located } from '../cluster/strategies.ts';
import { writeGuarded } from './place.ts';

export type Mode = Extract<ExecutionMode, 'Hold' | 'Suspend'>;

/** Writes the mode unless it is set. Resolves with the strategy as it was before. Throws CommandError. */
export async function setMode(connection: Connection, located: Located, mode: Mode): Promise<Located> {
  if (located.strategy.spec.execution.mode === mode) return located;
  return writeGuarded(connection, located, 'careen-mode', () => ({ spec: { execution: { mode } } }));
}

/** What the person should know after that, one sentence a line. Pure. */
export function modeLines(before: Located, mode: Mode): string[] {
  const { spec, status } = before.strategy;
  const was = spec.execution.mode;
  const words = `${wordsOf(before)} in namespace ${before.strategy.metadata.namespace}`;
  const first =
    was === mode
      ? `${words}: execution.mode is ${mode} already`
      : `${words}: execution.mode was ${was}, is now ${mode}`;
  const owners = otherWritersOfMode(before.stored);
  const authority = status.run?.authority;
  const isOpen = status.state === 'applying' || status.state === 'ready-to-apply';
  return [
    first,
    mode === 'Hold' ? EFFECT_OF_HOLD : EFFECT_OF_SUSPEND,
    ...(mode === 'Hold' && isOpen && authority
      ? [
          `a request has allowed the run to go on through stage ${String(authority.throughStage)}, in any mode: ` +
            'to stop it there, too, use suspend or abort',
        ]
      : []),
    ...(owners.length > 0
      ? [
          `${owners.join(', ')} writes spec.execution.mode, too: if that is a GitOps tool, it will put its own value ` +
            'back; make the same change in git',
        ]
      : []),
  ];
}

const EFFECT_OF_HOLD = 'a stage under way ends as planned; no further one begins';
const EFFECT_OF_SUSPEND =
  'no new effect begins, hosts stay as they are, and deadlines are paused: maxOutageSeconds of the pool bounds that';

const managed = z.object({
  metadata: z.object({
    managedFields: z
      .array(
        z.object({
          manager: z.string().default(''),
          fieldsV1: z.looseObject({
            'f:spec': z
              .looseObject({ 'f:execution': z.looseObject({ 'f:mode': z.unknown() }).partial().optional() })
              .optional(),
          }),
        }),
      )
      .default([]),
  }),
});

/** People by kubectl, and we, write a field once; everybody else may write it again. */
function otherWritersOfMode(stored: unknown): string[] {
  const entries = managed.safeParse(stored).data?.metadata.managedFields ?? [];
  const writers = entries
    .filter(({ fieldsV1 }) => 'f:mode' in (fieldsV1['f:spec']?.['f:execution'] ?? {}))
    .map(({ manager }) => manager)
    .filter((manager) => !/^(kubectl|careen)/.test(manager));
  return [...new Set(writers)];
}
