/** Reads objects for the checker, by their documented fields only. */
import { isDeepStrictEqual } from 'node:util';
import { at } from './world/api-server.ts';
import { isJson, type ApiObject, type Json } from './world/objects.ts';

export type Claim = {
  readonly run: string;
  readonly level: string;
  readonly epoch: number;
  /** Whether it says that a cordon of the host is not ours. */
  readonly closedBefore: boolean;
};
export type Permit = { readonly host: string; readonly run: string; readonly level: string };
export type Outage = {
  readonly name: string;
  readonly level: string;
  readonly step: string;
  readonly result: string;
  /** Whether the strategy says that somebody uncordoned it. */
  readonly uncordoned: boolean;
  readonly patches: readonly string[];
  readonly bootIdBefore: string | undefined;
  /** The uids of its Jobs. */
  readonly jobs: readonly string[];
  /** Whether a person was asked to work on it. */
  readonly isByHand: boolean;
};
export type Step = {
  readonly id: number;
  readonly name: string;
  readonly result: string;
  /** Undefined: all hosts of the stage. */
  readonly hosts: readonly string[] | undefined;
};
export type Stage = {
  readonly id: number;
  readonly name: string;
  readonly attempt: number;
  readonly hosts: readonly string[];
  /** Those of its hosts that have left the cluster or the pool. */
  readonly left: readonly string[];
  readonly patches: readonly string[];
  readonly level: string;
  readonly inProgress: boolean;
  readonly result: string;
  readonly steps: readonly Step[];
};

export function claimOf({ metadata }: ApiObject): Claim | undefined {
  const text = metadata.annotations?.['careen.dev/claim'];
  if (text === undefined) return undefined;
  const read: unknown = JSON.parse(text);
  return {
    ...{ run: String(at(read, 'run')), level: String(at(read, 'level')), epoch: Number(at(read, 'epoch')) },
    closedBefore: at(read, 'closedToNewWorkBefore') === true,
  };
}

export function permitsOf(pool: ApiObject | undefined): readonly Permit[] {
  return listAt(pool?.status, 'permits').map((each) => ({
    host: String(at(each, 'host')),
    run: String(at(each, 'run')),
    level: String(at(each, 'level')),
  }));
}

export function outagesOf({ status }: ApiObject): readonly Outage[] {
  return listAt(status, 'progress', 'hosts').map((each) => ({
    name: String(at(each, 'name')),
    level: String(at(each, 'level')),
    step: String(at(each, 'step')),
    result: String(at(each, 'result')),
    uncordoned: at(each, 'uncordoned') === true,
    patches: listAt(each, 'patches').map(String),
    bootIdBefore: textAt(each, 'bootIdBefore'),
    jobs: listAt(each, 'jobs').map((job) => textAt(job, 'uid') ?? ''),
    isByHand: listAt(each, 'manual').length > 0,
  }));
}

/** The work that persons are asked to do now. */
export function openManualOf({ status }: ApiObject): readonly {
  readonly host: string;
  readonly action: string;
  readonly since: string;
  readonly deadline: string;
}[] {
  return listAt(status, 'progress', 'hosts').flatMap((each) =>
    listAt(each, 'manual')
      .filter((work) => at(work, 'result') === undefined)
      .map((work) => ({
        host: String(at(each, 'name')),
        action: String(at(work, 'action')),
        since: String(at(work, 'since')),
        deadline: String(at(work, 'deadline')),
      })),
  );
}

export function stagesOf({ status }: { readonly status?: unknown }, phase = 'applyPhase'): readonly Stage[] {
  return listAt(status, phase, 'stages').map((each) => ({
    id: Number(at(each, 'id')),
    name: String(at(each, 'name')),
    attempt: Number(at(each, 'attempt') ?? 1),
    hosts: listAt(each, 'hosts').map(String),
    left: listAt(each, 'left').map((leaver) => String(at(leaver, 'name'))),
    patches: listAt(each, 'patches').map(String),
    level: String(at(each, 'level')),
    inProgress: at(each, 'inProgress') === true,
    result: String(at(each, 'result')),
    steps: listAt(each, 'steps').map((step, place) => ({
      id: place,
      name: String(at(step, 'name')),
      result: String(at(step, 'result')),
      hosts: at(step, 'hosts') === undefined ? undefined : listAt(step, 'hosts').map(String),
    })),
  }));
}

/** The stage with this id, where it is at hand. */
export function stageOf(stages: readonly Stage[], id: number): Stage | undefined {
  return stages.find((each) => each.id === id);
}

export function answersOf({ status }: ApiObject): readonly { id: string; verb: string; answer: string }[] {
  return listAt(status, 'requests').map((each) => ({
    id: String(at(each, 'id')),
    verb: String(at(each, 'verb')),
    answer: String(at(each, 'answer')),
  }));
}

export function stateOf({ status }: ApiObject): string | undefined {
  return textAt(status, 'state');
}

/** Whether it says that all is done. */
export function isFinished(strategy: ApiObject): boolean {
  return isTrue(strategy, 'Ready') || stateOf(strategy) === 'applied';
}

/** Whether it says that hosts lack something since it was applied. */
export function isDrifted(strategy: ApiObject): boolean {
  return isTrue(strategy, 'Drifted');
}

/** Whether a plan that is never cut waits for a higher limit of its pool. */
export function isHeldByLimit({ status }: ApiObject): boolean {
  return listAt(status, 'conditions').some((each) => at(each, 'reason') === 'LimitBelowStage');
}

function isTrue({ status }: ApiObject, condition: string): boolean {
  return listAt(status, 'conditions').some(
    (each) => at(each, 'type') === condition && at(each, 'status') === 'True',
  );
}

/** Whether it is deleted, or somebody has asked for its abort. */
export function isEnding({ metadata }: ApiObject): boolean {
  return metadata.deletionTimestamp !== undefined || metadata.annotations?.['careen.dev/abort'] !== undefined;
}

/** Whether it is suspended, and the operator has seen that. */
export function isSuspended(strategy: ApiObject): boolean {
  const { status, metadata } = strategy;
  return modeOf(strategy) === 'Suspend' && at(status, 'observedGeneration') === metadata.generation;
}

/** The epoch of the last write of its run. */
export function epochOf({ status }: ApiObject): number {
  return Number(at(status, 'run', 'epoch') ?? 0);
}

/** Whether a pool selects the labels of a host. */
export function selects(pool: ApiObject | undefined, labels: Readonly<Record<string, string>>): boolean {
  const selector = at(pool?.spec, 'provider', 'kubernetes', 'nodeSelector');
  return Object.entries(isJson(selector) ? selector : {}).every(([key, value]) => labels[key] === value);
}

/** How many hosts may be away in a pool of so many; a percentage is rounded down, to at least one. */
export function limitOf(pool: ApiObject, hosts: number): number {
  const allowed = pool.spec?.['maxUnavailable'];
  if (typeof allowed === 'number') return allowed;
  return Math.max(1, Math.floor((Number.parseInt(String(allowed), 10) / 100) * hosts));
}

/** Whether two specs ask for the same plan: they differ in their orders at most. An edit that was taken back is none. */
export function plansTheSame(one: Json, other: Json): boolean {
  return isDeepStrictEqual({ ...one, execution: undefined }, { ...other, execution: undefined });
}

export function runIdOf({ status }: ApiObject): string {
  return textAt(status, 'run', 'id') ?? '';
}

export function modeOf({ spec }: ApiObject): string {
  return textAt(spec, 'execution', 'mode') ?? 'Hold';
}

function textAt(object: unknown, ...path: readonly string[]): string | undefined {
  const found = at(object, ...path);
  return typeof found === 'string' ? found : undefined;
}

function listAt(object: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = at(object, ...path);
  return Array.isArray(found) ? found : [];
}
