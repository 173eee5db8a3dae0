import type { PlanActions } from '../crds/patch-strategy-spec.ts';
import type { OutageLevel, StageName, StepName } from '../crds/vocabulary.ts';
import type { HostName } from './facts.ts';

/** The hosts or instances of a step, named twice in the same order; neither for a step that acts on the system. */
export type Entities = {
  readonly type: 'hosts' | 'instances' | '';
  readonly names: readonly string[];
  readonly uuids: readonly string[];
};

export type Step = {
  readonly name: StepName;
  readonly timeoutSeconds: number;
  /** What it acts on, where that is not simply the hosts of its stage. */
  readonly entities?: Entities;
  readonly undo?: Undo;
};

/** The step with which an abort takes back what another one did, on the same hosts or instances. */
export type Undo = { readonly name: StepName; readonly timeoutSeconds: number };

/** Hosts that take the same steps together. */
export type Stage = {
  readonly name: StageName;
  readonly hosts: readonly HostName[];
  /** Ids of the patches that hosts of the stage lack, in list order. */
  readonly patches: readonly string[];
  readonly level: OutageLevel;
  readonly steps: readonly Step[];
  /** Sum of the steps' timeouts, and one (starlingx-vim.md §5). */
  readonly timeoutSeconds: number;
};

/** What was decided at build; never changed afterwards. */
export type Plan = {
  readonly digest: string;
  readonly stages: readonly Stage[];
  /** How the hosts are worked on. */
  readonly actions: Readonly<PlanActions>;
};
