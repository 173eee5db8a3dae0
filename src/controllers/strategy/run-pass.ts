import {
  decide,
  decideKnowing,
  decideWithPermits,
  type Decided,
  type DecideInput,
  type NeedsPermits,
} from '../../engine/decide.ts';
import { hasMore, heldBy } from '../../engine/permits/permits.ts';
import { poolCapacity } from '../../engine/permits/pool-capacity.ts';
import { isFinal, type RunState } from '../../engine/run/run-state.ts';
import { engineOf } from '../../engine/engine-of.ts';
import { allows, type Decision, type HeldPermits, type Order, type Turn } from '../../engine/turn.ts';
import type { MemberHealth } from '../../engine/view.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import { ownerOf, type Strategy } from '../../resources/stored-strategy.ts';
import type { Shown } from '../../status/stored/codec.ts';
import { findingsNow } from '../../status/shown/findings.ts';
import { violationsOf } from '../../status/order.ts';
import { pendingRequests, waitingRequests, type PendingRequests } from '../../status/requests/requests.ts';
import { earliest, type ReconcileResult } from '../runtime/reconcile-result.ts';
import type { Heard } from '../session/tenants.ts';
import { ensureSeen } from './ensure-seen.ts';
import { performEffects, type EffectDeps } from './perform-effects.ts';
import { ensureFinalizer, freeSurplus, grantPermits } from './settle-permits.ts';
import type { StrategyDeps } from './strategy-deps.ts';
import { fenceOf, type PassWithRun } from './strategy-pass.ts';

/** The longest wait of a new process for the first observation of the open hosts. */
const FIRST_OBSERVATION_MILLISECONDS = 5_000;

/** The shortest time between two looks at every host for findings. */
const FINDINGS_MILLISECONDS = 5_000;

/**
 * How long a refusal stands without asking the controllers again. They may word the same trouble differently: each pass
 * would store another message, which causes the next pass.
 */
const REFUSED_MILLISECONDS = 5_000;

export type RunPassDeps = EffectDeps &
  Pick<
    StrategyDeps,
    | 'api'
    | 'ledger'
    | 'awaitingPermits'
    | 'operatorNamespace'
    | 'runs'
    | 'tenants'
    | 'others'
    | 'downloads'
    | 'lead'
    | 'activeHost'
    | 'workflows'
  >;

/** What the projects have said, and what other sessions affect. */
type Known = Heard & { readonly elsewhere: Turn['elsewhere'] | undefined };

export type RunPassResult = ReconcileResult & {
  /** The strategy as the last write returned it. */
  readonly strategy: Strategy;
  /** Whether the run holds hosts or is under way. */
  readonly open: boolean;
};

/**
 * Advances a run as far as possible now. In this sequence a crash is harmless: grant permits, store the run, free the
 * permits of released hosts, perform effects. Effects that are not sent are decided again in the next pass. So are those
 * of a strategy or pool that has changed: this throws ConflictError then.
 */
export async function runPass(
  deps: RunPassDeps,
  read: PassWithRun,
  order: Order,
  signal: AbortSignal,
): Promise<RunPassResult> {
  const { attachment, stored, key } = read;
  const holdsHosts = stored.run.hosts.length > 0 || stored.run.session !== undefined;
  const seen = { ...read, strategy: await ensureSeen(deps, read.strategy) };
  const pass = holdsHosts ? { ...seen, strategy: await ensureFinalizer(deps, seen) } : seen;
  attachment.observingSince ??= deps.clock();
  const unseen = unobservedHosts(pass);
  const observedBy = attachment.observingSince + FIRST_OBSERVATION_MILLISECONDS;
  if (unseen.length > 0 && deps.clock() < observedBy) {
    attachment.want(new Set(unseen), true);
    return { requeueAt: observedBy, strategy: pass.strategy, open: true };
  }
  const pending = pendingRequests(pass.strategy);
  const heard = await deps.tenants.hear(pass);
  const elsewhere = heard.constraints && (await deps.others.besides(pass));
  const input = (): DecideInput => inputOf(deps, pass, order, pending, { ...heard, elsewhere });

  let { strategy } = pass;
  let held = heldBy(pass.pool?.status.permits ?? [], stored.run.id);
  const { members, ...first } = await decideOrAsk(deps, pass, input, signal);
  let { decided } = first;
  if ('grant' in decided) {
    const granted = await grantPermits(deps, pass, decided.grant, members);
    strategy = granted.strategy;
    held = granted.settled.held;
    decided = decideWithPermits(input(), granted.settled);
  }
  const { decision, surplus } = decided;
  const answers = [...pending.refused, ...decision.answers];
  const { state: next } = decision.run;
  const isAtRest = next === 'applied' && strategy.spec.release !== undefined;
  const looked = next === 'ready-to-apply' || isAtRest ? await findingsIn(deps, pass, isAtRest) : {};
  const shown: Shown = {
    ...{ reasons: decision.reasons, obstacle: decision.obstacle, order, openRemedy: decision.openRemedy },
    ...{ answers, waiting: waitingRequests(pending, answers, strategy.spec), placed: pending.placed },
    ...(decision.run.state === 'applied' ? { lacking: attachment.needs(strategy.spec).lacking } : {}),
    findings: looked.findings,
    planDigest: decision.plan.digest,
  };
  if (pass.pool && restsOnPool(pass, decision, order, held))
    await deps.api.confirmPool(pass.pool, pass.begunAt);
  const current = { ...pass, strategy };
  const rests = { rests: elsewhere, next: decision.run };
  const written = await deps.others.store(current, rests, () => deps.runs.save(current, decision.run, shown));
  const after = { ...pass, strategy: written.strategy };
  deps.tenants.settle(after, decision);
  if (surplus) await freeSurplus(deps, after, surplus);
  if (decision.handsOver) deps.lead?.handOver();

  const { hosts: wanted, level } = decision.wants.permits;
  if (wanted.every((host) => allows(held.get(host), level))) deps.awaitingPermits.delete(key);

  const holds = isOpen(decision.run);
  const watched = decision.wants.watch.union(new Set(holds ? elsewhere?.hosts : []));
  attachment.want(watched, holds, decision.run.session !== undefined);
  const fence = fenceOf(pass, stored.run.id);
  const performed = await performEffects(deps, after, decision.effects, fence, signal);
  deps.downloads.fetch(after, decision.run);
  const told = await deps.tenants.tell(after, heard, decision);
  const known = new Set(heard.run.session?.events.map(({ id }) => id));
  const hasNews = decision.run.session?.events.some(({ id }) => !known.has(id)) === true;
  return {
    ...earliest(
      ...[written, performed, told, { requeueAt: decision.wakeAt }, { requeueAt: looked.requeueAt }],
      { requeueAt: hasNews ? deps.clock() : heard.wakeAt },
    ),
    strategy: written.strategy,
    open: holds,
  };
}

/** Whether a run holds hosts, has closed some, or is under way. */
function isOpen({ hosts, state, session }: RunState): boolean {
  return (
    hosts.length > 0 || state === 'applying' || state === 'aborting' || (session?.closed.length ?? 0) > 0
  );
}

/**
 * Decides, and asks the controllers before where the decision depends on what they say. Only a refusal may rest on what
 * they said a moment ago, never a grant.
 */
async function decideOrAsk(
  { hosts, clock }: Pick<StrategyDeps, 'hosts' | 'clock'>,
  { attachment }: PassWithRun,
  input: () => DecideInput,
  signal: AbortSignal,
): Promise<{ readonly decided: Decided | NeedsPermits; readonly members?: MemberHealth }> {
  const decided = decide(input());
  if (!('ask' in decided)) return { decided };
  const { asked } = attachment;
  const age = asked ? clock() - asked.at : Infinity;
  if (asked && age >= 0 && age < REFUSED_MILLISECONDS) {
    const again = decideKnowing(input(), asked.members);
    if ('decision' in again) return { decided: again };
  }
  const members = await hosts.memberHealth(attachment.scope, decided.ask, signal);
  attachment.asked = { at: clock(), members };
  return { decided: decideKnowing(input(), members), members };
}

/**
 * Whether a decision rests on the pool as it was read, and no write of the pool in this pass shows that it is current: it
 * begins outages with permits of an earlier pass, evicts instances that a namespace of the pool might protect, or ends a
 * suspension.
 */
function restsOnPool(
  { stored: { run, plan }, pool }: PassWithRun,
  { run: next, effects }: Decision,
  { mode }: Order,
  held: HeldPermits,
): boolean {
  const known = new Set(run.hosts.map(({ name }) => name));
  const wasGranted = hasMore(held, heldBy(pool?.status.permits ?? [], run.id));
  const begins = !wasGranted && next.hosts.some(({ name }) => !known.has(name));
  const evicts = plan.actions.drain.evictUnmanagedPods && effects.some(({ kind }) => kind === 'evict');
  return begins || evicts || (mode === 'Suspend' && next.state !== run.state);
}

/**
 * The open hosts on which the instances have not been observed yet. A new process waits for them before it decides: a
 * step that ended while no leader observed it would otherwise time out.
 */
function unobservedHosts({ attachment, stored }: PassWithRun): readonly HostName[] {
  const open = stored.run.hosts.filter(({ result }) => !isFinal(result)).map(({ name }) => name);
  const view = attachment.view();
  const isUnseen = (name: HostName): boolean => {
    const host = view.host(name);
    return host !== undefined && host.instances === undefined;
  };
  return open.some(isUnseen) ? open : [];
}

/**
 * What will block the plan or hurt it while it waits for its begin, or what hurts after its end; and when to look again, if
 * that was not now.
 */
async function findingsIn(
  deps: Pick<StrategyDeps, 'operatorNamespace' | 'clock' | 'runs' | 'hosts'>,
  pass: PassWithRun,
  isAtRest: boolean,
): Promise<Pick<Shown, 'findings'> & ReconcileResult> {
  const { operatorNamespace, clock, hosts } = deps;
  const { strategy, stored, pool, attachment, configMaps } = pass;
  if (!pool || pool.unreadable !== undefined) return {};
  const now = clock();
  const skips = stored.run.skipped.map(({ name }) => name);
  const of = [
    stored.plan.digest,
    pool.metadata.uid,
    String(pool.metadata.generation),
    String(isAtRest),
    ...skips,
  ].join('/');
  const { found } = attachment;
  const requeueAt = (found?.at ?? -Infinity) + FINDINGS_MILLISECONDS;
  if (found?.of === of && now < requeueAt) return { findings: found.findings, requeueAt };
  const violations = violationsOf(stored.plan.actions, { strategy, pool, operatorNamespace, configMaps });
  const stages = isAtRest ? [] : await deps.runs.plannedStages(pass);
  const { skipped } = stored.run;
  const { spec } = strategy;
  const platform = spec.release && !isAtRest ? await hosts.platform() : undefined;
  const inspected = { owner: ownerOf(strategy), spec, pool, violations, stages, platform, skipped };
  const findings = findingsNow(inspected, attachment.view());
  attachment.found = { of, at: now, findings };
  return { findings };
}

/** The input at this moment: time and hosts change while permits are granted. */
function inputOf(
  {
    clock,
    downloads,
    workflows,
    lead,
    activeHost,
  }: Pick<StrategyDeps, 'clock' | 'downloads' | 'workflows' | 'lead' | 'activeHost'>,
  pass: PassWithRun,
  order: Order,
  { requests }: PendingRequests,
  { run, replies, extensions, listeners, constraints, elsewhere }: Known,
): DecideInput {
  const { attachment, strategy, stored, pool, epoch, readAt } = pass;
  const view = attachment.view();
  return {
    plan: stored.plan,
    run,
    profile: engineOf(stored.plan, workflows),
    turn: {
      owner: ownerOf(strategy),
      order,
      limits: pool && {
        readAt,
        maxOutageSeconds: pool.spec.maxOutageSeconds,
        protectedNamespaces: pool.spec.drainPolicy.protectedNamespaces,
        extendSeconds: pool.spec.tenants.extendSeconds,
      },
      ...{ requests, replies, extensions },
      ...(listeners ? { listeners } : {}),
      ...(constraints ? { constraints } : {}),
      ...(elsewhere ? { elsewhere } : {}),
      downloads: downloads.factsOf(pass),
      pool: attachment.scope.pool,
      epoch,
      view,
      outcomes: attachment.outcomes.all,
      ...(lead && activeHost !== undefined ? { leader: { host: activeHost, since: lead.since() } } : {}),
      now: clock(),
    },
    pool: pool && { status: pool.status, capacity: poolCapacity(pool, view.fleet) },
  };
}
