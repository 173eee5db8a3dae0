import { closedBecause, limitIn, overlap } from '../../engine/permits/pool-capacity.ts';
import type { ConfigMaps } from '../../planner/policy/action-policy.ts';
import { specDigest } from '../../planner/digest.ts';
import type { PlatformFacts } from '../../planner/hosts/facts.ts';
import type { HostPool } from '../../resources/careen-api.ts';
import { ownerOf } from '../../resources/stored-strategy.ts';
import { buildingStatus, queryingSince } from '../../status/shown/build-status.ts';
import { skipEvents } from '../../status/shown/event-drafts.ts';
import { findingsNow } from '../../status/shown/findings.ts';
import { violationsOf } from '../../status/order.ts';
import { rebuildNeeded, type RebuildVerdict } from '../../status/stored/rebuild.ts';
import { isApplyAsked, isRestAsked, withoutOldRequests } from '../../status/requests/requests.ts';
import { isSkipAsked, withSkips } from '../../status/requests/skips.ts';
import { ownerEvent } from '../runtime/events.ts';
import type { ReconcileResult } from '../runtime/reconcile-result.ts';
import { buildPlan, QUERY_MILLISECONDS, type PlanInput } from './build-plan.ts';
import { configMapsIn } from './config-maps.ts';
import { freePermits } from './free-permits.ts';
import { reportRequests } from './report-run.ts';
import type { StrategyDeps } from './strategy-deps.ts';
import type { StrategyPass } from './strategy-pass.ts';

type Deps = Pick<
  StrategyDeps,
  | 'api'
  | 'hosts'
  | 'ledger'
  | 'adopted'
  | 'operatorNamespace'
  | 'activeHost'
  | 'newId'
  | 'runs'
  | 'workflows'
  | 'clock'
  | 'log'
  | 'events'
>;

/** Whether the plan must be built again now, and when to check next. */
export function rebuildVerdict(
  { clock }: Pick<Deps, 'clock'>,
  { strategy, stored, attachment, lostPart }: StrategyPass,
  pool: HostPool,
): RebuildVerdict {
  const { spec, status } = strategy;
  const { mode } = spec.execution;
  const { fleet } = attachment.view();
  return rebuildNeeded({
    status,
    run: stored?.run,
    profile: stored?.plan.actions.profile,
    mode,
    applyAsked: mode !== 'Abort' && isApplyAsked(strategy),
    specDigest: specDigest(spec),
    get fleetRevision() {
      return fleetRevisionOf(pool, attachment.planRevision(spec));
    },
    now: clock(),
    maxUnavailable: limitIn(pool, fleet),
    needs: status.state === 'applied' ? attachment.needs(spec) : undefined,
    overlaps: fleet.keptByOtherPools.size > 0,
    restAsked: isRestAsked(strategy),
    skipAsked: isSkipAsked(strategy),
    isPartLost: lostPart !== undefined,
    failedBuilds: attachment.failedBuilds(spec),
  });
}

/** Builds the plan again; the next pass continues with it, or repeats a query that waits. */
export async function rebuildPlan(
  deps: Deps,
  pass: StrategyPass,
  pool: HostPool,
  signal: AbortSignal,
): Promise<ReconcileResult> {
  const { api, hosts, adopted, clock, log, events } = deps;
  const { key, attachment, strategy, epoch } = pass;
  const configMaps = await configMapsIn(deps, pass, pool, strategy.spec, signal);
  const platform = strategy.spec.release && (await hosts.platform());
  const input = {
    ...inputOf(deps, pass, pool, { configMaps, platform }),
    left: await deps.runs.stagesLeft(pass),
  };
  await freePermits(deps, pass);
  attachment.outcomes.clear();
  const building = await api.writeStatus(strategy, buildingStatus(input, clock()));
  const status = await buildPlan(input, hosts, clock, signal);
  const built = await deps.runs.savePlan(strategy.status, building, status);
  reportRequests(deps, strategy, building.status);
  for (const draft of skipEvents(strategy.status.skipped, building.status.skipped))
    events.record(ownerEvent(ownerOf(strategy), draft));
  const since = queryingSince(built.status);
  if (since !== undefined) return { requeueAt: since + QUERY_MILLISECONDS };
  adopted.set(key, { run: input.runId, epoch, suspended: false });

  const { state, message = '' } = built.status;
  attachment.buildEnded(strategy.spec, state === 'build-failed');
  const reason = state === 'build-failed' ? 'BuildFailed' : 'PlanBuilt';
  const isNews = strategy.status.state !== 'build-failed' || message !== strategy.status.message;
  if (isNews) log.info({ strategy: key, state, message }, 'plan built');
  events.record(ownerEvent(ownerOf(strategy), { reason, subject: message, note: message }));
  return { requeueAt: clock() };
}

function inputOf(
  { clock, newId, activeHost, operatorNamespace, workflows }: Deps,
  { strategy, attachment, epoch, lostPart }: StrategyPass,
  pool: HostPool,
  {
    configMaps,
    platform,
  }: { readonly configMaps: ConfigMaps | undefined; readonly platform: PlatformFacts | undefined },
): PlanInput {
  const view = attachment.view();
  const { fleet } = view;
  const time = new Date(clock()).toISOString();
  const isHost = (name: string): boolean => view.host(name)?.isMember === true;
  const poolHosts = { pool: pool.metadata.name, isHost };
  const before = withSkips(strategy, withoutOldRequests(strategy, time), poolHosts, time);
  // The new spec, not the actions of the run before: the plan is made from it.
  const violations = violationsOf(strategy.spec, { strategy, pool, operatorNamespace, configMaps });
  const { skipped } = before;
  const inspected = { owner: ownerOf(strategy), spec: strategy.spec, pool, violations, platform, skipped };
  return {
    spec: strategy.spec,
    generation: strategy.metadata.generation,
    before,
    maxUnavailable: limitIn(pool, fleet),
    activeHost,
    overlap: overlap(pool.metadata.name, fleet),
    closed: closedBecause(pool, fleet),
    violations,
    findings: (stages) => findingsNow({ ...inspected, stages }, attachment.view()),
    unreadable: strategy.unreadable,
    epoch,
    scope: attachment.scope,
    workflows,
    fleetRevision: fleetRevisionOf(pool, attachment.planRevision(strategy.spec)),
    runId: newId(),
    lostPart,
  };
}

/** Changes with the fleet, the pool and the spec of the pool, on which a plan depends. */
function fleetRevisionOf({ metadata: { uid, generation } }: HostPool, revision: string): string {
  return [revision, uid, String(generation)].join('/');
}
