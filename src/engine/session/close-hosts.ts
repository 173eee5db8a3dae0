/** Closes the compute hosts of a session to new work, and opens those that it has closed. */
import { ownerText } from '../../crds/owner-ref.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import { effectKey, type Effect } from '../effect.ts';
import { skippedBecause } from '../hosts/skips.ts';
import { noteReason, RESYNC_MILLISECONDS, stamp, wakeAt, type Pass, type RunJudge } from '../pass.ts';
import { foundClosed } from '../run/prior-state.ts';
import { currentStage } from '../run/run-state.ts';
import type { Claim, HostFacts } from '../view.ts';
import { DONE } from '../steps/verdict.ts';
import { isLeftOut } from './occupancy.ts';
import { sessionOf } from './session-of.ts';
import { computeHosts, type ClosedHost } from './session-state.ts';

/**
 * Closes every compute host that is still to be maintained: it serves on, and what moves lands on a maintained host. In
 * PREPARE_MAINTENANCE only the host that is emptied. A permit is not needed for that. The intent is recorded before the first
 * effect.
 */
export const closeHosts: RunJudge = (pass, { stage }) => {
  const { session } = sessionOf(pass);
  const isPreparing = session.state === 'PREPARE_MAINTENANCE';
  const wanted = computeHosts(session).filter(
    ({ name, maintained }) => !maintained && (!isPreparing || stage.hosts?.includes(name)),
  );
  const free: HostFacts[] = [];
  const waiting: string[] = [];
  let givesWay = false;
  for (const { name } of wanted) {
    const facts = pass.turn.view.host(name);
    if (!facts || isLeftOut(pass, name)) continue;
    if (facts.claim?.run === pass.run.id) continue;
    const other = pass.turn.permits.others?.get(name);
    if (facts.claim) waiting.push(`${name} is held by ${ownerText(facts.claim.owner)}`);
    else if (other !== undefined) waiting.push(`${name} has a permit of ${other}`);
    else free.push(facts);
    if (facts.claim && goesFirst(facts.claim, pass)) givesWay = true;
  }
  if (free.length === 0 && waiting.length === 0) return DONE;
  const reason = waiting.length > 0 ? waiting.join('; ') : `closing ${String(free.length)} hosts to new work`;
  const blocked = waiting.length > 0 ? ({ obstacle: 'HostClaimed' } as const) : {};
  const effects = givesWay
    ? session.closed.flatMap((host) => opening(pass, host))
    : free.map((facts) => close(pass, facts));
  return effects.length > 0
    ? { kind: 'act', effects, reason, ...blocked }
    : { kind: 'blocked', reason, ...blocked };
};

/**
 * Whether this run gives way to the session that has closed a host. Each of two sessions may have closed hosts that the
 * other waits for: by the order of their ids one of them opens its own and waits, so that the other goes on.
 */
function goesFirst({ run, level }: Claim, pass: Pass): boolean {
  return level === 'closed' && run < pass.run.id;
}

function close(pass: Pass, facts: HostFacts): Effect {
  const { run, turn, plan } = pass;
  const { session } = sessionOf(pass);
  const known = session.closed.find(({ name }) => name === facts.name);
  const closedToNewWorkBefore = foundClosed(facts, known?.closedToNewWorkBefore);
  const since = known?.since ?? stamp(pass);
  const closed = [
    ...session.closed.filter(({ name }) => name !== facts.name),
    { name: facts.name, closedToNewWorkBefore, since },
  ];
  run.session = { ...session, closed };
  const claim = {
    ...{ run: run.id, pool: turn.pool, epoch: turn.epoch, owner: turn.owner, planDigest: plan.digest },
    ...{ stage: run.apply.currentStage, level: 'closed' as const, closedToNewWorkBefore, since },
  };
  return {
    kind: 'claim',
    key: keyFor(pass, facts.name, ''),
    host: facts.name,
    revision: facts.revision,
    claim,
  };
}

/** Opens the hosts that a session has closed, once it has failed or was aborted. Safe to repeat. */
export function openHosts(pass: Pass): void {
  const { session } = pass.run;
  for (const host of session?.closed ?? []) {
    const facts = pass.turn.view.host(host.name);
    const isOurs = facts?.claim?.run === pass.run.id;
    const isHeld = pass.run.hosts.some(({ name }) => name === host.name);
    // The mark may be that of another run, or say that the host was left locked: the release has found nothing of ours.
    const isGiven = pass.turn.outcomes.get(keyFor(pass, host.name, 'open'))?.kind === 'already';
    const isOpen = !isOurs && (isGiven || !facts?.hasMaintenanceMark);
    if (!facts || isOpen || isHeld) forget(pass, host.name);
    else pass.effects.push(release(pass, facts, host));
  }
  const left = pass.run.session?.closed ?? [];
  if (left.length === 0) return;
  noteReason(pass, `opening ${String(left.length)} hosts to new work`);
  wakeAt(pass, pass.turn.now + RESYNC_MILLISECONDS);
}

/**
 * Opens closed hosts before the end of the session. A host that a request skips stays open. A host for which another run
 * has a permit is closed again in the next round: that run got the permit before it could see the host closed, and goes
 * first, else each would wait for the other.
 */
export function openEarly(pass: Pass): void {
  const { others } = pass.turn.permits;
  for (const host of pass.run.session?.closed ?? []) {
    const other = others?.get(host.name);
    const why = skippedBecause(pass, host.name) ?? (other && `${host.name} has a permit of ${other}`);
    const effects = why === undefined ? [] : opening(pass, host);
    if (why === undefined || effects.length === 0) continue;
    pass.effects.push(...effects);
    noteReason(pass, `opening ${host.name}: ${why}`);
    wakeAt(pass, pass.turn.now + RESYNC_MILLISECONDS);
  }
}

/** Opens a closed host that is not out of service. One that is open is none of the closed ones any more. */
function opening(pass: Pass, host: ClosedHost): Effect[] {
  const facts = pass.turn.view.host(host.name);
  if (!facts) return [];
  if (facts.claim?.run !== pass.run.id) forget(pass, host.name);
  return facts.claim?.run === pass.run.id && facts.claim.level === 'closed'
    ? [release(pass, facts, host)]
    : [];
}

/** A host that was given back is none of the closed ones any more. */
export function forget({ run }: Pass, name: HostName): void {
  const { session } = run;
  if (session?.closed.some((each) => each.name === name))
    run.session = { ...session, closed: session.closed.filter((each) => each.name !== name) };
}

function release(pass: Pass, facts: HostFacts, { closedToNewWorkBefore }: ClosedHost): Effect {
  const { name, revision } = facts;
  const key = keyFor(pass, name, 'open');
  return { kind: 'release', key, host: name, revision, run: pass.run.id, closedToNewWorkBefore };
}

function keyFor({ run }: Pass, host: HostName, subject: string): string {
  const { attempt = 1 } = currentStage(run.apply) ?? {};
  return effectKey(run.id, run.apply.currentStage, 'close-hosts', host, subject, attempt);
}
