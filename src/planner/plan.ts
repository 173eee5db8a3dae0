import type { PlanActions } from '../crds/spec/strategy-spec.ts';
import type { OutageLevel, StageName, StepName } from '../crds/vocabulary.ts';
import { counted } from '../crds/text/counted.ts';
import type { HostName } from './hosts/facts.ts';

/** The hosts or instances of a step: names and uuids in the same order. Both are empty for a step on the system. */
export type Entities = {
  readonly type: 'hosts' | 'instances' | '';
  readonly names: readonly string[];
  readonly uuids: readonly string[];
};

export type Step = {
  readonly name: StepName;
  readonly timeoutSeconds: number;
  /** Its hosts or instances, as the VIM lists them. */
  readonly entities?: Entities;
  /** Its hosts, where they are not all hosts of its stage. */
  readonly hosts?: readonly HostName[] | undefined;
  /** For how many instances it was planned; a plan does not depend on which these are. */
  readonly instances?: number | undefined;
  readonly undo?: Undo | undefined;
};

/** The step that undoes another one in an abort, on the same hosts or instances. */
export type Undo = { readonly name: StepName; readonly timeoutSeconds: number };

/** A step without what only documents of the VIM have, and what became of it. */
export function plannedStep({ name, timeoutSeconds, hosts, instances, undo }: Step): PlannedStep {
  return {
    ...{ name, timeoutSeconds },
    ...(hosts ? { hosts: [...hosts] } : {}),
    ...(instances === undefined ? {} : { instances }),
    ...(undo ? { undo: { ...undo } } : {}),
  };
}

/** As a status holds it. */
export type PlannedStep = Pick<Step, 'name' | 'timeoutSeconds' | 'instances'> & {
  hosts?: HostName[];
  undo?: { name: StepName; timeoutSeconds: number };
};

/** Hosts that take the same steps together. */
export type Stage = {
  readonly name: StageName;
  readonly hosts: readonly HostName[];
  /** Ids of the patches that any host of the stage lacks, in the order of the spec. */
  readonly patches: readonly string[];
  readonly level: OutageLevel;
  readonly steps: readonly Step[];
  /** Sum of the steps' timeouts, and one (starlingx-vim.md §5). */
  readonly timeoutSeconds: number;
};

/** The result of a build; it never changes afterwards. A session appends stages to its plan while it runs. */
export type Plan = {
  readonly digest: string;
  /** Of a large plan that is carried out, only the stages around the open one. */
  readonly stages: readonly Stage[];
  /** The id of the first of these stages; absent: 0. */
  readonly firstStage?: number;
  /** The patches, and how they are applied to the hosts. */
  readonly actions: Readonly<PlanActions>;
  /**
   * The controllers of the pool at the build, three or more, where the plan works on one of them; in a run that has begun
   * also those of its plan before.
   */
  readonly controllers?: readonly HostName[] | undefined;
};

/** The stage with this id; undefined when these stages do not include it. */
export function plannedStage({ stages, firstStage = 0 }: Plan, id: number): Stage | undefined {
  return stages[id - firstStage];
}

/**
 * Stages that prepare or end an upgrade on hosts that other stages upgrade, or that have the release; those of a session
 * that only empty a host.
 */
const BESIDE: ReadonlySet<StageName> = new Set([
  'sw-upgrade-stage-hosts',
  'sw-upgrade-start',
  'sw-upgrade-complete',
  'prepare-maintenance',
  'planned-maintenance',
]);

/** Whether the hosts of a stage count among those of its plan: no host counts twice. */
export function countsHosts({ name }: Pick<Stage, 'name'>): boolean {
  return !BESIDE.has(name);
}

/** The size of a plan: `3 hosts in 2 stages`. */
export function planSize(hosts: number, stages: number): string {
  const inStages = `in ${counted(stages, 'stage')}`;
  return hosts === 0 && stages > 0
    ? `no hosts, only hooks ${inStages}`
    : `${counted(hosts, 'host')} ${inStages}`;
}

/** How many hosts a plan with these stages brings where its strategy wants them. */
export function hostCount(
  stages: readonly { readonly name: StageName; readonly hosts: readonly unknown[] }[],
): number {
  return stages.filter(countsHosts).reduce((sum, { hosts }) => sum + hosts.length, 0);
}
