import type { Timing } from '../crds/spec/timing.ts';
import type { PlanActions, StrategySpec } from '../crds/spec/strategy-spec.ts';
import type { OutageLevel, StageName, StepName } from '../crds/vocabulary.ts';
import type { HostName } from './hosts/facts.ts';
import { stepOfWork } from './hosts/work.ts';
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
  spec: Pick<StrategySpec, 'timing' | 'defaultInstanceAction' | 'patches' | 'release'>,
  { name, hosts, work, acts, level, drained }: WorkOfStage,
): Stage {
  const { timing, defaultInstanceAction } = spec;
  const emptiedBy = defaultInstanceAction ? 'stop-instances' : 'migrate-instances-from-host';
  const emptied = drained ? emptiedBy : undefined;
  const steps = timedSteps(stepOrder(acts, { level, emptied }), level, timing);
  return withManualTime(spec, {
    ...{ name, hosts, patches: work, level, steps },
    timeoutSeconds: timeoutOver(steps),
  });
}

/** The stage with the time that persons have for the work of its steps, in addition to the time of Jobs. */
export function withManualTime(actions: Pick<PlanActions, 'patches' | 'release'>, stage: Stage): Stage {
  const seconds = (name: StepName): number => manualSeconds(actions, name, stage.patches);
  if (stage.steps.every(({ name }) => seconds(name) === 0)) return stage;
  const steps = stage.steps.map((step) => ({
    ...step,
    timeoutSeconds: step.timeoutSeconds + seconds(step.name),
  }));
  return { ...stage, steps, timeoutSeconds: timeoutOver(steps) };
}

/** How long persons have in a step for these pieces of work, one after another. */
export function manualSeconds(
  actions: Pick<PlanActions, 'patches' | 'release'>,
  step: StepName,
  ids: readonly string[],
): number {
  return actions.patches
    .filter(({ id }) => ids.includes(id) && stepOfWork(actions, id) === step)
    .reduce((sum, { action }) => sum + (action.manual?.timeoutSeconds ?? 0), 0);
}

/** The timeout of a stage or phase: the sum over its parts plus one second; 0 without parts (starlingx-vim.md §5). */
export function timeoutOver(parts: readonly { readonly timeoutSeconds: number }[]): number {
  return parts.length === 0 ? 0 : parts.reduce((sum, { timeoutSeconds }) => sum + timeoutSeconds, 1);
}
