import type { Timing } from '../crds/spec/timing.ts';
import type { StrategySpec } from '../crds/spec/strategy-spec.ts';
import type { OutageLevel, StageName } from '../crds/vocabulary.ts';
import type { HostName } from './hosts/facts.ts';
import type { Stage, Step } from './plan.ts';
import { QUERY_TIMEOUT_SECONDS, STEP_KINDS, stepOrder, type StepKindName } from './step-kinds.ts';

/** The one stage of a build phase (starlingx-vim.md §6.1). */
export function queryStage(isUpgrade: boolean): {
  readonly name: StageName;
  readonly steps: readonly Step[];
} {
  const [name, queries] = isUpgrade
    ? (['sw-upgrade-query', ['query-alarms', 'query-upgrade']] as const)
    : (['sw-patch-query', ['query-alarms', 'query-sw-patches', 'query-sw-patch-hosts']] as const);
  return { name, steps: queries.map((query) => ({ name: query, timeoutSeconds: QUERY_TIMEOUT_SECONDS })) };
}

/** These steps of a native stage, with their timeouts. */
function timedSteps(names: readonly StepKindName[], level: OutageLevel, timing: Timing): Step[] {
  let outageOpen = false;
  return names.map((name) => {
    const { opensOutage, closesOutage, timeoutSeconds } = STEP_KINDS[name];
    if (opensOutage === level) outageOpen = true;
    const step = { name, timeoutSeconds: timeoutSeconds(timing, outageOpen) };
    if (closesOutage === level) outageOpen = false;
    return step;
  });
}

export type WorkOfStage = {
  readonly name: StageName;
  readonly hosts: readonly HostName[];
  /** The ids of the pieces of work, in the order of the spec. */
  readonly work: readonly string[];
  /** The steps that do them. */
  readonly acts: readonly StepKindName[];
  readonly level: OutageLevel;
  readonly drained: boolean;
};

/** The native stage that does this work on these hosts. */
export function workStage(
  { timing, defaultInstanceAction }: Pick<StrategySpec, 'timing' | 'defaultInstanceAction'>,
  { name, hosts, work, acts, level, drained }: WorkOfStage,
): Stage {
  const emptiedBy = defaultInstanceAction ? 'stop-instances' : 'migrate-instances-from-host';
  const emptied = drained ? emptiedBy : undefined;
  const steps = timedSteps(stepOrder(acts, { level, emptied }), level, timing);
  return { name, hosts, patches: work, level, steps, timeoutSeconds: timeoutOver(steps) };
}

/** The timeout of a stage or phase: the sum over its parts plus one second; 0 without parts (starlingx-vim.md §5). */
export function timeoutOver(parts: readonly { readonly timeoutSeconds: number }[]): number {
  return parts.length === 0 ? 0 : parts.reduce((sum, { timeoutSeconds }) => sum + timeoutSeconds, 1);
}
