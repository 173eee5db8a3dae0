/**
 * Empties a host under the constraints of the owners (fenix.md §10): each instance is asked about by itself, and moved once
 * its owner agrees, as many at a time as their groups can spare. An instance holds its place in its groups from the question
 * to the end of its recovery, because its owner gets it ready before it is moved.
 */
import { consentMissing } from '../../../planner/findings/consent.ts';
import { isAborting, type Pass, type RunJudge } from '../../pass.ts';
import { DONE, failed, obstacleOf, reasonOf, type Verdict } from '../../steps/verdict.ts';
import type { Obstacle } from '../../turn.ts';
import type { InstanceFacts, Instant } from '../../view.ts';
import { awaitMove, begin, recordEnds, requestMove, type Leave } from '../moves.ts';
import { instancesOn, isLeftOut } from '../occupancy.ts';
import { sessionOf } from '../session-of.ts';
import { heldUp, type Groups } from './affected.ts';
import { constraintOf, type Constraints } from './constraints.ts';
import {
  answerTo,
  askOwner,
  forgetEarlierQuestions,
  questionOn,
  recordRecoveries,
} from './instance-questions.ts';
import { boundLiveMove, overranBefore } from './live-bound.ts';
import { againstEveryHost, fullHosts } from './placing.ts';
import { giveTimeToOwners } from './time-of-owners.ts';

const STUCK = { obstacle: 'DrainBlocked' } as const;

export const askAndMove: RunJudge = (pass, running) => {
  const verdict = askAndMoveOn(pass, running);
  giveTimeToOwners(pass, running);
  return verdict;
};

const askAndMoveOn: RunJudge = (pass, { stage, step }) => {
  const host = stage.hosts?.[0] ?? '';
  const { constraints, view } = pass.turn;
  const instances = isLeftOut(pass, host) ? [] : instancesOn(view, host);
  if (!instances || !constraints)
    return { kind: 'blocked', reason: `waiting to see what runs on ${host}, and under which constraints` };
  recordEnds(pass);
  recordRecoveries(pass, constraints);
  forgetEarlierQuestions(pass, stage);
  if (instances.length === 0) return DONE;
  const emptying = { pass, constraints, leave: { host, step: step.name, attempt: stage.attempt ?? 1 } };
  const isBegun = ({ uid, leaving }: InstanceFacts): boolean =>
    leaving !== undefined || questionOn(pass, uid) !== undefined;
  const others = instances.filter((each) => !isBegun(each));
  const verdicts = instances.filter(isBegun).map((each) => goOn(emptying, each));
  verdicts.push(...others.flatMap((each) => hopeless(emptying, each)));
  // Nothing further begins after a failure or an abort; what is under way is awaited.
  if (verdicts.some(({ kind }) => kind === 'failed') || isAborting(pass))
    return whatEnds(
      verdicts,
      instances.some(({ leaving }) => leaving),
    );
  return together([...verdicts, ...others.map((each) => setOut(emptying, each))]);
};

type Emptying = { readonly pass: Pass; readonly constraints: Constraints; readonly leave: Leave };

function groupsIn({ pass, constraints }: Emptying): Groups & { readonly view: Pass['turn']['view'] } {
  const { view, elsewhere, now } = pass.turn;
  return { session: sessionOf(pass).session, view, constraints, elsewhere, now };
}

/** The failure of an instance that no host could take, before its owner is asked. Another member that moves may make room. */
function hopeless(emptying: Emptying, instance: InstanceFacts): Verdict[] {
  const { pass, leave } = emptying;
  const groups = groupsIn(emptying);
  if (heldUp(groups, instance.uid)) return [];
  const nowhere = againstEveryHost(groups, instance.uid, leave.host);
  return nowhere === undefined ? [] : [failed(`${pass.turn.view.words.instance(instance)} ${nowhere}`)];
}

/** Asks the owner of an instance, once its constraint and its groups allow to move it. */
function setOut(emptying: Emptying, instance: InstanceFacts): Verdict {
  const { pass, constraints, leave } = emptying;
  const name = pass.turn.view.words.instance(instance);
  const constraint = constraintOf(constraints, instance.uid);
  if (typeof constraint === 'string') return { kind: 'blocked', reason: `${name} ${constraint}`, ...STUCK };
  const consent = withoutConsent(emptying, instance);
  if (consent !== undefined) return { kind: 'blocked', reason: consent, ...STUCK };
  const groups = groupsIn(emptying);
  const held = heldUp(groups, instance.uid);
  if (held) return { kind: 'blocked', ...held, reason: `${name} ${held.reason}` };
  askOwner(pass, { instance, host: leave.host, constraint }, constraints.actions);
  return goOn(emptying, instance);
}

/** The next act for an instance whose owner was asked, or that leaves. */
function goOn(emptying: Emptying, instance: InstanceFacts): Verdict {
  const { pass, constraints, leave } = emptying;
  const question = questionOn(pass, instance.uid);
  const name = pass.turn.view.words.instance(instance);
  if (instance.leaving)
    return boundLiveMove(pass, leave, instance, constraints) ?? awaitMove(pass, instance, instance.leaving);
  const overran = overranBefore(pass, instance);
  if (overran !== undefined) return failed(overran);
  const action = question ? answerTo(pass, question, name) : undefined;
  if (action === undefined) return { kind: 'blocked', reason: `${name} is not asked about` };
  if (typeof action !== 'string') return action;
  if (action === 'OWN_ACTION') {
    begin(pass, leave, instance, action);
    return { kind: 'blocked', reason: `${name} is to be replaced by its owner` };
  }
  const groups = groupsIn(emptying);
  const held = heldUp(groups, instance.uid);
  if (held) return { kind: 'blocked', ...held, reason: `${name} ${held.reason}` };
  return requestMove(pass, leave, instance, action, fullHosts(groups, instance.uid));
}

/**
 * What the move of an instance would lose, which nothing consents to. Its own constraint is the consent of its owner; not
 * even that one moves what the pool protects.
 */
function withoutConsent({ pass, constraints }: Emptying, instance: InstanceFacts): string | undefined {
  const { drain } = pass.plan.actions;
  const isOwn = constraints.instances.get(instance.uid)?.isStated === true;
  const consent = {
    drain: isOwn ? { ...drain, evictUnmanagedPods: true, evictPodsWithLocalData: true } : drain,
    protectedNamespaces: pass.turn.limits?.protectedNamespaces ?? [],
  };
  const { words } = pass.turn.view;
  const [missing] = consentMissing([instance], consent, words);
  return missing;
}

/** The verdict where nothing further begins: what is under way is awaited, and called off where it takes too long. */
function whatEnds(verdicts: readonly Verdict[], anyLeaves: boolean): Verdict {
  const calledOff = verdicts.flatMap((each) =>
    each.kind === 'act' ? each.effects.filter(({ kind }) => kind === 'call-off') : [],
  );
  const common = commonOf(verdicts);
  if (calledOff.length > 0) return { kind: 'act', effects: calledOff, reason: common.reason };
  if (anyLeaves || verdicts.some(({ kind }) => kind === 'wait')) return { kind: 'wait', ...common };
  return verdicts.find(({ kind }) => kind === 'failed') ?? { kind: 'blocked', ...common };
}

function together(verdicts: readonly Verdict[]): Verdict {
  const effects = verdicts.flatMap((each) => (each.kind === 'act' ? each.effects : []));
  const { until, ...common } = commonOf(verdicts);
  if (effects.length > 0) return { kind: 'act', effects, ...common };
  const isUnderWay = verdicts.some(({ kind }) => kind === 'wait');
  return { kind: isUnderWay ? 'wait' : 'blocked', ...common, ...(until === undefined ? {} : { until }) };
}

/** What the verdicts of several instances say together. */
function commonOf(verdicts: readonly Verdict[]): {
  readonly reason: string;
  readonly until?: Instant;
  readonly obstacle?: Obstacle;
} {
  const reason = [...new Set(verdicts.map(reasonOf))].join('; ');
  const until = earliest(verdicts);
  const obstacle = verdicts.map(obstacleOf).find((each) => each !== undefined);
  return { reason, ...(until === undefined ? {} : { until }), ...(obstacle ? { obstacle } : {}) };
}

function earliest(verdicts: readonly Verdict[]): Instant | undefined {
  const all = verdicts.flatMap((each) => ('until' in each ? [each.until] : []));
  return all.length > 0 ? Math.min(...all) : undefined;
}
