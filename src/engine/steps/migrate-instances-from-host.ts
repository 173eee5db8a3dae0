import { KEPT_ASKED, type HostProgress } from '../../crds/observed/host-progress.ts';
import { consentMissing } from '../../planner/findings/consent.ts';
import type { InstanceFacts, Instant } from '../view.ts';
import { claimLost } from './lock-hosts.ts';
import { DONE, ask, failed, keyOf, obstacleOf, reasonOf, type HostStep, type Verdict } from './verdict.ts';

const NAMED = 3;
/** How late an instance may be before others are suspected of holding it. */
const OVERDUE_MILLISECONDS = 10_000;
/** How long a controller may take to replace an instance that has left. */
const RETURN_MILLISECONDS = 10_000;
/** A pod does not leave by itself. */
const STUCK = { obstacle: 'DrainBlocked' } as const;

/**
 * Empties the host, for each of the steps that do so: how an instance leaves is for the adapter to know, by the claim. On
 * nodes it evicts every pod and waits until none is left, not even one that is shutting down. A pod that needs
 * consent fails the step before the first eviction.
 */
export function migrateInstances(step: HostStep): Verdict {
  const { claim } = step.facts ?? {};
  return drain(step, ({ createdAt }) => createdAt > Date.parse(claim?.since ?? ''));
}

/** Drains a host that was empty before. A pod that needs consent came later than the drain, so it is waited for. */
export function emptyAgain(step: HostStep): Verdict {
  return drain(step, () => true);
}

function drain(step: HostStep, isLate: (instance: InstanceFacts) => boolean): Verdict {
  const lost = claimLost(step);
  if (lost) return lost;
  const instances = step.facts?.instances;
  if (!instances) return { kind: 'blocked', reason: `waiting to see what runs on ${step.name}` };
  if (instances.length === 0) return whenNoneReturns(step);

  const expected = instances.filter((each) => !each.leaving && !isLate(each));
  const refusal = consentRefusal(step, expected);
  if (refusal !== undefined)
    return failed(`${refusal}; then retry (an edit of spec.drain plans the rest again by itself)`);
  const verdicts = instances.map((instance) => move(step, instance));
  return verdicts.find(({ kind }) => kind === 'failed') ?? together(step, instances, verdicts);
}

/** The next act for one instance that must leave. */
function move(step: HostStep, instance: InstanceFacts): Verdict {
  const { words } = step.view;
  if (instance.leaving) return awaitEnd(step, instance, instance.leaving);
  if (hasReturned(step, instance)) {
    const why = words.ignoresClosing(instance.controller ?? '');
    return { kind: 'blocked', reason: `${words.instance(instance)} ${why}`, ...STUCK };
  }
  const consent = consentRefusal(step, [instance]);
  if (consent !== undefined) return { kind: 'blocked', reason: consent, ...STUCK };
  const { stuck, waitsFor } = instance;
  if (stuck !== undefined)
    return { kind: 'blocked', reason: `${words.instance(instance)} ${stuck}`, ...STUCK };
  if (waitsFor !== undefined) return { kind: 'blocked', reason: `${words.instance(instance)} ${waitsFor}` };
  return evict(step, instance);
}

/** A pod that is overdue waits for others: for its finalizers, or for its kubelet. */
function awaitEnd(
  { view: { words }, facts, now }: HostStep,
  instance: InstanceFacts,
  { since, due, heldBy, revocable = false }: NonNullable<InstanceFacts['leaving']>,
): Verdict {
  const suspectedAt = due + OVERDUE_MILLISECONDS;
  const isOverdue = now >= suspectedAt;
  const end = { since: timestamp(since), isOverdue, heldBy, hostIsReady: facts?.ready === true };
  const reason = `${words.instance(instance)} ${words.leaving(end)}`;
  if (isOverdue) return { kind: 'blocked', reason, ...STUCK };
  return { kind: revocable ? 'blocked' : 'wait', reason, until: suspectedAt };
}

/** Asks an instance to leave once: an accepted request is not repeated, because the view will soon show it. */
function evict(step: HostStep, { uid, namespace, name, request }: InstanceFacts): Verdict {
  const instance = { uid, namespace, name };
  const subject = request === undefined ? uid : `${uid}:${request}`;
  const key = keyOf(step, 'migrate-instances-from-host', subject);
  const before = step.outcomes.get(key);
  if (before?.kind === 'accepted' || before?.kind === 'already') {
    return { kind: 'wait', reason: `${step.view.words.instance(instance)} was asked to leave` };
  }
  // The reason stays while the eviction is retried.
  const reason = before?.kind === 'blocked' ? before.reason : '';
  return ask(step, { kind: 'evict', key, host: step.name, instance }, reason);
}

/** One verdict for the host: to act, if there is anything to ask for; to wait, if anything is under way. */
function together(
  step: HostStep,
  instances: readonly InstanceFacts[],
  verdicts: readonly Verdict[],
): Verdict {
  const left = `${step.view.words.instances(instances.length)} left on ${step.name}`;
  const isWait = ({ kind }: Verdict): boolean => kind === 'wait';
  const isStuck = (verdict: Verdict): boolean => obstacleOf(verdict) !== undefined;
  const [waits, others] = [verdicts.filter(isWait), verdicts.filter((verdict) => !isWait(verdict))];
  const gravest = [...others.filter(isStuck), ...others.filter((verdict) => !isStuck(verdict)), ...waits];
  const reason = [left, ...firstOf(reasonsOf(gravest))].join('; ');
  const effects = verdicts.flatMap((verdict) => (verdict.kind === 'act' ? verdict.effects : []));
  const stuck = verdicts.some(isStuck) ? STUCK : {};
  const progress = returnIsPossible(step, instances);
  if (effects.length > 0 || progress)
    return { kind: 'act', effects, reason, ...stuck, ...(progress ? { progress } : {}) };
  const until = earliestOf(verdicts);
  const kind = waits.length > 0 ? 'wait' : 'blocked';
  return { kind, reason, ...stuck, ...(until === undefined ? {} : { until }) };
}

/** Records which pods may come back, before they are asked to leave; after their return the host is not empty. */
function returnIsPossible(
  step: HostStep,
  instances: readonly InstanceFacts[],
): Partial<HostProgress> | undefined {
  const { emptySince, asked = [] } = step.outage?.mayReturn ?? {};
  const returning = instances.filter(mayReturn);
  const first = returning.filter(
    (each) => !each.leaving && !hasReturned(step, each) && asked.every(({ uid }) => uid !== each.uid),
  );
  const kept = [...asked, ...first.map(({ uid, ...each }) => ({ uid, controller: controllerOf(each) }))];
  const isNews = returning.length > 0 && (!step.outage?.mayReturn || emptySince !== undefined);
  if (!isNews && (first.length === 0 || asked.length >= KEPT_ASKED)) return undefined;
  return { mayReturn: kept.length > 0 ? { asked: kept.slice(0, KEPT_ASKED) } : {} };
}

/** Between the end of a pod and the start of the next one the host looks empty. It counts once it has stayed so. */
function whenNoneReturns({ outage, name, now }: HostStep): Verdict {
  const mayReturn = outage?.mayReturn;
  if (!mayReturn) return DONE;
  const reason = `${name} is empty; waiting to see whether its pods come back, which it cannot keep away`;
  const { emptySince } = mayReturn;
  if (emptySince === undefined)
    return {
      ...{ kind: 'act', effects: [], reason },
      progress: { mayReturn: { ...mayReturn, emptySince: timestamp(now) } },
    };
  const until = Date.parse(emptySince) + RETURN_MILLISECONDS;
  return now >= until ? DONE : { kind: 'blocked', reason, until };
}

/**
 * Whether it came back: another pod of its controller was asked to leave this host, and is leaving or gone. A new leader
 * judges alike, since the run records the pods before it asks them.
 */
function hasReturned({ outage, facts }: HostStep, instance: InstanceFacts): boolean {
  if (!mayReturn(instance)) return false;
  const asked = outage?.mayReturn?.asked ?? [];
  const ofSame = asked.filter(({ controller }) => controller === controllerOf(instance));
  const stays = (uid: string): boolean =>
    facts?.instances?.some((each) => each.uid === uid && !each.leaving) === true;
  return ofSame.every(({ uid }) => uid !== instance.uid) && ofSame.some(({ uid }) => !stays(uid));
}

function controllerOf({
  namespace,
  controller = '',
}: Pick<InstanceFacts, 'namespace' | 'controller'>): string {
  return `${namespace}/${controller}`;
}

function mayReturn({ controller, ignoresClosing }: InstanceFacts): boolean {
  return controller !== undefined && ignoresClosing;
}

/** Why instances may not be moved; undefined when all may. */
function consentRefusal(
  { plan, name, protectedNamespaces, view: { words } }: HostStep,
  staying: readonly InstanceFacts[],
): string | undefined {
  const complaints = consentMissing(staying, { drain: plan.actions.drain, protectedNamespaces }, words);
  return complaints.length > 0
    ? `${words.says('consent-missing', name)}: ${complaints.join('; ')}`
    : undefined;
}

function reasonsOf(verdicts: readonly Verdict[]): string[] {
  return [...new Set(verdicts.map(reasonOf))].filter((reason) => reason !== '');
}

function firstOf(reasons: readonly string[]): readonly string[] {
  const more = reasons.length - NAMED;
  if (more <= 0) return reasons;
  return [...reasons.slice(0, NAMED), more === 1 ? '1 more waits' : `${String(more)} more wait`];
}

function earliestOf(verdicts: readonly Verdict[]): Instant | undefined {
  const times = verdicts.flatMap((verdict) => ('until' in verdict ? [verdict.until] : []));
  return times.length > 0 ? Math.min(...times) : undefined;
}

function timestamp(instant: Instant): string {
  return new Date(instant).toISOString();
}
