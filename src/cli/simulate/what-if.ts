/** Suppositions about single hosts and steps: `--fail HOST:STEP`, `--slow HOST:STEP=SECONDS`, `--seed N`. Pure. */
import { enumerated } from '../../crds/text/enumerated.ts';
import { ASKED_STATES, type AskedState, type StepName } from '../../crds/vocabulary.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import type { Plan, Stage, Step } from '../../planner/plan.ts';
import { CommandError } from '../command-error.ts';

export type WhatIfOptions = {
  readonly fail?: readonly string[];
  readonly slow?: readonly string[];
  readonly seed?: string;
  readonly refuse?: readonly string[];
  readonly silent?: readonly string[];
};

export type WhatIf = {
  readonly fails: ReadonlySet<HostStepKey>;
  readonly seconds: ReadonlyMap<HostStepKey, number>;
  readonly seed: number | undefined;
  /** The states of a session in which projects refuse, and in which they do not answer. */
  readonly refused: ReadonlySet<AskedState>;
  readonly unanswered: ReadonlySet<AskedState>;
};

/** Names a step of a host, in every stage of the host that has it. */
export type HostStepKey = string;

export function hostStep(host: HostName, step: StepName): HostStepKey {
  return `${host}:${step}`;
}

const ALL_HOSTS = '*';
const FAIL = /^([^:=]+):([^:=]+)$/;
const SLOW = /^([^:=]+):([^:=]+)=(\d{1,6})$/;
const SEED = /^\d{1,9}$/;

/** Reads the suppositions about a plan. Throws CommandError with the wrong value and what is expected. */
export function readWhatIf(
  { fail = [], slow = [], seed, refuse = [], silent = [] }: WhatIfOptions,
  plan: Plan,
): WhatIf {
  if (seed !== undefined && !SEED.test(seed))
    throw new CommandError(`--seed ${seed}: expected a whole number from 0 to 999999999`);
  return {
    fails: new Set(fail.flatMap((value) => failures(value, plan))),
    // The last value counts when a step is given twice.
    seconds: new Map(slow.flatMap((value) => slowSteps(value, plan))),
    seed: seed === undefined ? undefined : Number(seed),
    refused: new Set(refuse.map((value) => askedState(`--refuse ${value}`, value, plan))),
    unanswered: new Set(silent.map((value) => askedState(`--silent ${value}`, value, plan))),
  };
}

function askedState(option: string, value: string, { actions }: Plan): AskedState {
  if (!actions.session) throw new CommandError(`${option}: only a MaintenanceSession asks projects`);
  const state = ASKED_STATES.find((each) => each === value);
  if (!state)
    throw new CommandError(
      `${option}: expected a state that asks projects: ${enumerated(ASKED_STATES, 'or')}`,
    );
  return state;
}

function failures(value: string, plan: Plan): HostStepKey[] {
  const option = `--fail ${value}`;
  const [, host, step] = FAIL.exec(value) ?? [];
  if (host === undefined || step === undefined)
    throw new CommandError(`${option}: expected HOST:STEP, such as worker-0:verify`);
  return meant(option, host, step, plan).map((each) => {
    if (each.step.timeoutSeconds === 0)
      throw new CommandError(`${option}: ${step} takes no time in this plan, so nothing can fail in it`);
    return hostStep(each.host, each.step.name);
  });
}

function slowSteps(value: string, plan: Plan): [HostStepKey, number][] {
  const option = `--slow ${value}`;
  const [, host, step, seconds] = SLOW.exec(value) ?? [];
  if (host === undefined || step === undefined)
    throw new CommandError(
      `${option}: expected HOST:STEP=SECONDS with a whole number of seconds, such as worker-0:verify=600`,
    );
  if (step === ('system-stabilize' satisfies StepName))
    throw new CommandError(
      `${option}: system-stabilize always takes all of its time; change spec.timing of the strategy`,
    );
  return meant(option, host, step, plan).map((each) => [
    hostStep(each.host, each.step.name),
    Number(seconds),
  ]);
}

type Meant = { readonly host: HostName; readonly step: Step };

function meant(option: string, host: string, step: string, plan: Plan): Meant[] {
  const stages = host === ALL_HOSTS ? plan.stages : plan.stages.filter(({ hosts }) => hosts.includes(host));
  if (stages.length === 0) throw new CommandError(`${option}: ${noSuchHost(host, plan)}`);
  const found = stages.flatMap((stage) => {
    const planned = stepOf(stage, step);
    const hosts = host === ALL_HOSTS ? stage.hosts : [host];
    return planned ? hosts.map((name) => ({ host: name, step: planned })) : [];
  });
  if (found.length > 0) return found;
  const known = [...new Set(stages.flatMap(({ steps }) => steps.map(({ name }) => name)))];
  throw new CommandError(`${option}: there is no step ${step} for ${host}; there is ${known.join(', ')}`);
}

/** When a name occurs twice, it means the step that takes time. */
function stepOf({ steps }: Stage, name: string): Step | undefined {
  const named = steps.filter((step) => step.name === name);
  return named.find(({ timeoutSeconds }) => timeoutSeconds > 0) ?? named[0];
}

const NAMED = 10;

function noSuchHost(host: string, { stages }: Plan): string {
  const hosts = [...new Set(stages.flatMap((stage) => stage.hosts))];
  if (hosts.length === 0) return 'the plan has no hosts: there is nothing to do';
  const more = hosts.length > NAMED ? ` and ${String(hosts.length - NAMED)} more` : '';
  return `no host ${host} is in the plan; there is ${hosts.slice(0, NAMED).join(', ')}${more}`;
}
