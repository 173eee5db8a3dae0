/** The plan that the operator would make from a strategy and a fleet. Pure. */
import type { Finding } from '../../crds/observed/finding.ts';
import { API_VERSION, OPERATOR_NAMESPACE } from '../../crds/names.ts';
import { ownerKey, type OwnerName } from '../../crds/owner-ref.ts';
import type { TargetRelease } from '../../crds/spec/strategy-spec.ts';
import type { OutageLevel, StageName, StepName } from '../../crds/vocabulary.ts';
import type { Built } from '../../planner/build.ts';
import { planStrategy } from '../../planner/plan-strategy.ts';
import { BuildRefusal } from '../../planner/problems/build-refusal.ts';
import { estimatePlan, estimateStage, estimateStep, type Estimate } from '../../planner/estimate.ts';
import { findings } from '../../planner/findings/findings.ts';
import { limitOf } from '../../planner/hosts/host-limit.ts';
import { InputError, problemText } from '../../planner/problems/input-error.ts';
import { shownBy } from '../../planner/hosts/shown-release.ts';
import type { Plan, Stage } from '../../planner/plan.ts';
import { policyViolations } from '../../planner/policy/pool-policy.ts';
import type { SessionProgress } from '../../engine/session/session-state.ts';
import type { Instant } from '../../engine/view.ts';
import { CommandError } from '../command-error.ts';
import { DEFAULT_NAMESPACE, type Strategy } from '../files/strategy-file.ts';
import type { PlannedPool } from './planned-pool.ts';
import { serverPreview, type ServerPreview } from './server-preview.ts';
import { plannedSession, sessionPreview, workStages, type SessionPreview } from './session-preview.ts';

/** The output of `careen plan -o yaml` and `-o json`: docs/reference/plan-preview.md. */
export type Preview = {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: 'PlanPreview';
  readonly strategy: { readonly kind: string; readonly namespace: string; readonly name: string };
  /** Only of an upgrade. */
  readonly release?: TargetRelease;
  readonly pool: { readonly name: string; readonly hosts: number; readonly limit: number };
  readonly planDigest: string;
  readonly estimate: Estimate;
  /** How many hosts may fail to be staged; absent: none. */
  readonly maxUnstagedHosts?: number;
  /** Of a session only its first stage: the others follow from the answers of its projects. */
  readonly stages: readonly StagePreview[];
  /** Only of a session. */
  readonly session?: SessionPreview;
  readonly findings: readonly Finding[];
  /** The hosts that a run of this strategy holds now. */
  readonly holds: readonly string[];
};

export type StagePreview = {
  readonly id: number;
  readonly name: StageName;
  readonly level: OutageLevel;
  readonly hosts: readonly string[];
  readonly patches: readonly string[];
  readonly estimatedSeconds: number;
  readonly timeoutSeconds: number;
  readonly steps: readonly {
    readonly name: StepName;
    readonly estimatedSeconds: number;
    readonly timeoutSeconds: number;
  }[];
  /** Only of a stage that takes compute hosts out of service: their servers. */
  readonly servers?: readonly ServerPreview[];
};

/** A plan, with its owner, its limit and its findings. */
export type Planned = {
  /** The object that the plan is for. */
  readonly owner: OwnerName;
  readonly plan: Plan;
  /** Of a session: as it is before its first stage. */
  readonly session?: SessionProgress;
  /** When it was planned: a session begins later. */
  readonly now: Instant;
  /** `maxUnavailable` of the pool as a number. */
  readonly limit: number;
  readonly findings: readonly Finding[];
};

/** Plans as the operator does: the same inputs give the same digest. Throws CommandError when no plan can be made. */
export function planFor(
  { kind, namespace = DEFAULT_NAMESPACE, name, spec: given }: Strategy,
  planned: PlannedPool,
  now: Instant,
): Planned {
  const { pool, platform, hosts, words, placement, apartOf, serversOf } = planned;
  const spec = shownBy(pool.spec.provider, given);
  const limit = limitOf(pool.spec.maxUnavailable, hosts.length);
  const seeds = hosts.map(({ name: host, roles, facts, closedByOthers, isDown }) => ({
    ...{ name: host, roles, facts, closedByOthers, isDown },
    ...{ apart: apartOf?.(host), servers: serversOf?.(host) },
  }));
  const limits = { maxUnavailable: limit, activeHost: pool.activeHost };
  const owner: OwnerName = { kind, namespace, name };
  const session = spec.session ? plannedSession(spec, { owner, planned, seeds, now }) : undefined;
  const { plan, hosts: about } = session ?? builtOrRefusal(spec, seeds, limits);
  return {
    ...{ owner, plan, now, limit },
    ...(session ? { session: session.session } : {}),
    findings: findings({
      owner: ownerKey(owner),
      ...{ words, placement },
      spec,
      pool: {
        ...pool.spec,
        ...pool.spec.drainPolicy,
        name: pool.name,
        keptByOtherPools: pool.keptByOtherPools,
      },
      ...{ limit, hosts, platform },
      stages: plan.stages,
      about,
      violations: policyViolations(spec, namespace, { ...pool.spec, name: pool.name }, OPERATOR_NAMESPACE),
    }),
  };
}

/** A plan with all stages of which hosts, steps and times are known: of a session also those that work on its hosts. */
export function foreseenPlan({ plan, session, now }: Planned): Plan {
  return session ? { ...plan, stages: [...plan.stages, ...workStages(plan, session, now)] } : plan;
}

function builtOrRefusal(...inputs: Parameters<typeof planStrategy>): Built {
  try {
    return planStrategy(...inputs);
  } catch (error) {
    if (error instanceof BuildRefusal) throw new CommandError(error.message, { cause: error });
    if (!(error instanceof InputError)) throw error;
    throw new CommandError(error.problems.map(problemText).join('\n'), { cause: error });
  }
}

/** The preview of a plan for a strategy. */
export function previewOf(
  strategy: Strategy,
  { pool, hosts, operations }: PlannedPool,
  { owner, plan, session, now, limit, findings: found }: Planned,
): Preview {
  const { maxUnstagedHosts, session: terms } = plan.actions;
  const isStaged = plan.stages.some(({ name }) => name === 'sw-upgrade-stage-hosts');
  return {
    apiVersion: API_VERSION,
    kind: 'PlanPreview',
    strategy: {
      kind: strategy.kind,
      namespace: strategy.namespace ?? DEFAULT_NAMESPACE,
      name: strategy.name,
    },
    ...(strategy.spec.release ? { release: strategy.spec.release } : {}),
    pool: { name: pool.name, hosts: hosts.length, limit },
    planDigest: plan.digest,
    estimate: estimatePlan(session ? workStages(plan, session, now) : plan.stages),
    ...(isStaged && maxUnstagedHosts !== undefined ? { maxUnstagedHosts } : {}),
    stages: plan.stages.map((stage, id) => ({
      ...stagePreview(stage, id),
      ...(operations && stage.level === 'away'
        ? { servers: operations(stage.hosts).map(serverPreview) }
        : {}),
    })),
    ...(session && terms ? { session: sessionPreview(terms, session, workStages(plan, session, now)) } : {}),
    findings: found,
    holds: hosts.flatMap(({ name, claimedBy }) => (claimedBy?.owner === ownerKey(owner) ? [name] : [])),
  };
}

function stagePreview(stage: Stage, id: number): StagePreview {
  const { name, level, hosts, patches, timeoutSeconds } = stage;
  const steps = stage.steps.map((step) => ({
    name: step.name,
    estimatedSeconds: estimateStep(step, stage),
    timeoutSeconds: step.timeoutSeconds,
  }));
  return { id, name, level, hosts, patches, estimatedSeconds: estimateStage(stage), timeoutSeconds, steps };
}
