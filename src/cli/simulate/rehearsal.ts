/** Runs a plan on simulated hosts with the engine of the operator. */
import { ownerKey } from '../../crds/owner-ref.ts';
import type { PhaseStatus } from '../../crds/observed/strategy-status.ts';
import type { StepName } from '../../crds/vocabulary.ts';
import { stageOfKey, type Effect } from '../../engine/effect.ts';
import { evaluateStep, type Evaluate } from '../../engine/evaluate.ts';
import { WAITS } from '../../engine/steps/wait-clear.ts';
import { openManual } from '../../engine/steps/manual-work.ts';
import type { RunState } from '../../engine/run/run-state.ts';
import { engineOf } from '../../engine/engine-of.ts';
import type { Constraints } from '../../engine/session/constraints/constraints.ts';
import { WITHOUT_DEMANDS } from '../../engine/session/constraints/node-constraints.ts';
import { computeHosts, type SessionProgress } from '../../engine/session/session-state.ts';
import type { Order } from '../../engine/turn.ts';
import type { Scope } from '../../hostops/port.ts';
import type { SimulatedWorld } from '../../hostops/simulated/simulated-world.ts';
import type { HostName, HostSeed } from '../../planner/hosts/facts.ts';
import { plannedStage, type Plan, type Stage } from '../../planner/plan.ts';
import { lackingWork } from '../../planner/hosts/work.ts';
import type { Fleet } from '../files/fleet-file.ts';
import { foreseenPlan, type Planned } from '../plan/preview.ts';
import { MovingOps } from './moving-ops.ts';
import { RehearsalOps, type Treatment } from './rehearsal-ops.ts';
import { rehearsalWorld } from './rehearsal-world.ts';
import { SimulatedOperator } from './simulated-operator.ts';
import { stepSeconds, type StepSeconds } from './step-seconds.ts';
import { SupposedProjects, type EnteredState } from './supposed-projects.ts';
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
  /** The hosts of the pool that lack a patch then; of a session, those that are not maintained. */
  readonly lacking: ReadonlySet<HostName>;
  /** The states of a session. */
  readonly states?: readonly EnteredState[];
};

/** Advances the run until it has ended or nothing changes any more. */
export async function rehearse(
  planned: Planned,
  fleet: Fleet,
  order: Order,
  whatIf: WhatIf,
): Promise<Rehearsal> {
  const { plan, owner: named, limit, session } = planned;
  const { name: pool, spec } = fleet.pool;
  const scope: Scope = { pool, provider: spec.provider, before: [], roles: spec.roles, health: spec.health };
  const foreseen = foreseenPlan(planned);
  const world = rehearsalWorld(
    fleet,
    foreseen,
    ownerKey(named),
    stepSeconds((id) => foreseen.stages[id], whatIf),
    whatIf,
  );
  // The stages of a session are appended while it runs.
  const stageOf = (id: number): Stage | undefined =>
    session ? plannedStage(operator.plan, id) : plan.stages[id];
  const secondsOf = stepSeconds(stageOf, whatIf);
  const treat = (effect: Effect): Treatment => treatmentOf(effect, stageOf, secondsOf, whatIf);
  const ops = session ? new MovingOps(world, treat, session) : new RehearsalOps(world, treat);
  const timeline = new Timeline();
  const evaluate = observed({ world, ops, timeline, secondsOf, whatIf });
  const owner = { ...named, uid: ownerKey(named) };
  const common = { world, ops, scope, limit, owner, evaluate };
  const projects = session && new SupposedProjects(session, whatIf);
  const constraints = (): Constraints => WITHOUT_DEMANDS;
  const operator: SimulatedOperator = new SimulatedOperator({
    ...common,
    ...{ plan: session ? inTimeOf(world, planned) : plan, profile: engineOf(plan) },
    ...(projects ? { session, constraints, stored: () => projects.hear(operator) } : {}),
  });
  operator.order = order;
  const beganAt = world.now;
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
    lacking: operator.run.session
      ? unmaintained(operator.run.session)
      : await lackingOf(ops, scope, operator),
    ...(projects ? { states: projects.statesSince(beganAt) } : {}),
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

/** The world has a clock of its own: a session begins as long after its plan as it is to begin after now. */
function inTimeOf(world: SimulatedWorld, { plan, now }: Planned): Plan {
  const { session } = plan.actions;
  if (session?.startAt === undefined) return plan;
  const startAt = new Date(world.now + Date.parse(session.startAt) - now).toISOString();
  return { ...plan, actions: { ...plan.actions, session: { ...session, startAt } } };
}

function unmaintained(session: SessionProgress): ReadonlySet<HostName> {
  return new Set(
    computeHosts(session)
      .filter(({ maintained }) => !maintained)
      .map(({ name }) => name),
  );
}

function isUnderWay({ state }: RunState): boolean {
  return state === 'ready-to-apply' || state === 'applying' || state === 'aborting';
}

function treatmentOf(
  effect: Effect,
  stageOf: (id: number) => Stage | undefined,
  secondsOf: StepSeconds,
  { fails }: Pick<WhatIf, 'fails'>,
): Treatment {
  const { host, kind, key } = effect;
  const stage = stageOfKey(key);
  const touched = stageOf(stage)?.level === 'touched';
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

/** The steps that look at the alarms once, after so many seconds. */
const LEAST_SECONDS: Readonly<Partial<Record<StepName, number>>> = {
  'wait-alarms-clear': WAITS.alarmsClearSeconds,
  'wait-data-sync': WAITS.dataSyncSeconds,
};

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
    const least = LEAST_SECONDS[step.name];
    if (least !== undefined && fresh.length > 0) {
      unwell();
      const wished = fresh.map((name) => secondsOf(first.planStage, name, step.name));
      ops.observeAlarms(Math.max(least, ...wished));
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
