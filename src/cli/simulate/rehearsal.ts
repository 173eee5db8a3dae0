/** Runs a plan on simulated hosts with the engine of the operator. */
import { ownerKey } from '../../crds/owner-ref.ts';
import type { PhaseStatus } from '../../crds/observed/strategy-status.ts';
import { stageOfKey, type Effect } from '../../engine/effect.ts';
import { evaluateStep, type Evaluate } from '../../engine/evaluate.ts';
import { openManual } from '../../engine/steps/manual-work.ts';
import type { RunState } from '../../engine/run/run-state.ts';
import type { Order } from '../../engine/turn.ts';
import type { Scope } from '../../hostops/port.ts';
import type { SimulatedWorld } from '../../hostops/simulated/simulated-world.ts';
import type { HostName, HostSeed } from '../../planner/hosts/facts.ts';
import type { Plan } from '../../planner/plan.ts';
import { lackingWork } from '../../planner/hosts/work.ts';
import type { Fleet } from '../files/fleet-file.ts';
import type { Planned } from '../plan/preview.ts';
import { RehearsalOps, type Treatment } from './rehearsal-ops.ts';
import { rehearsalWorld } from './rehearsal-world.ts';
import { SimulatedOperator } from './simulated-operator.ts';
import { stepSeconds, type StepSeconds } from './step-seconds.ts';
import { Timeline } from './timeline.ts';
import { hostStep, type WhatIf } from './what-if.ts';

export type Rehearsal = {
  /** The run at its end, or where it cannot continue. */
  readonly run: RunState;
  /** Its apply phase, with all stages of the plan. */
  readonly apply: PhaseStatus;
  /** The reasons why it waits then. */
  readonly reasons: readonly string[];
  readonly endedAt: number;
  readonly timeline: Timeline;
  /** The hosts of the pool that lack a patch then. */
  readonly lacking: ReadonlySet<HostName>;
};

/** Advances the run until it has ended or nothing changes any more. */
export async function rehearse(
  { plan, owner: planned, limit }: Planned,
  fleet: Fleet,
  order: Order,
  whatIf: WhatIf,
): Promise<Rehearsal> {
  const { name: pool, spec } = fleet.pool;
  const scope: Scope = { pool, provider: spec.provider, before: [], roles: spec.roles, health: spec.health };
  const secondsOf = stepSeconds(plan, whatIf);
  const world = rehearsalWorld(fleet, plan, ownerKey(planned), secondsOf, whatIf);
  const ops = new RehearsalOps(world, (effect) => treatmentOf(effect, plan, secondsOf, whatIf));
  const timeline = new Timeline();
  const evaluate = observed({ world, ops, timeline, secondsOf, whatIf });
  const owner = { ...planned, uid: ownerKey(planned) };
  const operator = new SimulatedOperator({ world, ops, scope, plan, limit, owner, evaluate });
  operator.order = order;
  const asked = new Set<string>();
  do {
    answerFor(operator, asked, secondsOf, whatIf);
  } while (isUnderWay(operator.run) && (await operator.advance()));
  return {
    run: operator.run,
    apply: operator.wholeApply,
    reasons: operator.reasons,
    endedAt: world.now,
    timeline,
    lacking: await lackingOf(ops, scope, operator),
  };
}

/** Manual work takes the time of its step, shared with the other work of the step, or has the supposed end. */
function answerFor(
  operator: SimulatedOperator,
  asked: Set<string>,
  secondsOf: StepSeconds,
  { fails }: WhatIf,
): void {
  const { run, world } = operator;
  for (const outage of run.hosts) {
    const { name: host, step, patches = [] } = outage;
    const work = openManual(outage);
    const id = `${host}/${work?.action ?? ''}`;
    if (!work || asked.has(id)) continue;
    asked.add(id);
    const failed = fails.has(hostStep(host, step));
    const seconds = secondsOf(run.apply.currentStage, host, step) / Math.max(1, patches.length);
    world.after(seconds * 1000, () =>
      operator.requests.push({ id, verb: 'done', host, action: work.action, failed }),
    );
  }
}

function isUnderWay({ state }: RunState): boolean {
  return state === 'ready-to-apply' || state === 'applying' || state === 'aborting';
}

function treatmentOf(
  effect: Effect,
  { stages }: Plan,
  secondsOf: StepSeconds,
  { fails }: Pick<WhatIf, 'fails'>,
): Treatment {
  const { host, kind, key } = effect;
  const stage = stageOfKey(key);
  const touched = stages[stage]?.level === 'touched';
  switch (kind) {
    case 'claim':
      return {
        seconds: touched ? 0 : secondsOf(stage, host, 'lock-hosts'),
        refusal: fails.has(hostStep(host, 'lock-hosts')) ? `${host} cannot be locked (supposed)` : undefined,
      };
    case 'evict': {
      const refused = fails.has(hostStep(host, 'migrate-instances-from-host'));
      const { namespace, name } = effect.instance;
      return refused
        ? {
            seconds: secondsOf(stage, host, 'migrate-instances-from-host'),
            refusal: `pod ${namespace}/${name} cannot leave ${host} (supposed)`,
          }
        : AT_ONCE;
    }
    case 'release':
      return {
        seconds: secondsOf(stage, host, touched ? 'verify' : 'unlock-hosts'),
        refusal: fails.has(hostStep(host, 'unlock-hosts'))
          ? `${host} cannot be unlocked (supposed)`
          : undefined,
      };
    default:
      return AT_ONCE;
  }
}

const AT_ONCE: Treatment = { seconds: 0, refusal: undefined };

/** Evaluates steps as the engine does. The first evaluation of a host in a step also schedules the events of the step. */
function observed({
  world,
  ops,
  timeline,
  secondsOf,
  whatIf: { fails },
}: {
  readonly world: SimulatedWorld;
  readonly ops: RehearsalOps;
  readonly timeline: Timeline;
  readonly secondsOf: StepSeconds;
  readonly whatIf: WhatIf;
}): Evaluate {
  return (step, hosts, definitions) => {
    const verdicts = evaluateStep(step, hosts, definitions);
    const [first] = hosts;
    if (!first) return verdicts;
    const fresh = hosts
      .filter(({ name }) => !timeline.knows(first.stage, step, name))
      .map(({ name }) => name);
    const failing = fresh.filter((name) => fails.has(hostStep(name, step.name)));
    const unwell = (): void => {
      for (const name of failing) world.changeHost(name, { ready: false });
    };
    if (step.name === 'query-alarms' && fresh.length > 0) {
      unwell();
      ops.observeAlarms(Math.max(...fresh.map((name) => secondsOf(first.planStage, name, step.name))));
    }
    if (step.name === 'system-stabilize' && failing.length > 0)
      world.after(step.timeoutSeconds * 500, unwell);
    timeline.note(first.stage, step, verdicts, first.now);
    return verdicts;
  };
}

async function lackingOf(
  ops: RehearsalOps,
  scope: Scope,
  { plan }: SimulatedOperator,
): Promise<ReadonlySet<HostName>> {
  const seeds: HostSeed[] = [];
  for await (const page of ops.inventory(scope, new AbortController().signal)) seeds.push(...page);
  const lacking = seeds.filter((seed) => lackingWork(plan.actions, seed).length > 0);
  return new Set(lacking.map(({ name }) => name));
}
