/** The engine of sessions: the native one, with rounds that a workflow appends. */
import type { StageStatus } from '../../crds/observed/strategy-status.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import { withManualTime } from '../../planner/stage-steps.ts';
import type { Draft, EngineProfile, NextStages, Pass } from '../pass.ts';
import { CAREEN_ENGINE } from '../profiles/careen.ts';
import { isGood } from '../run/results.ts';
import type { RunState } from '../run/run-state.ts';
import { stagesFrom } from '../run/stage-folds.ts';
import { forget, openEarly, openHosts } from './close-hosts.ts';
import { freeRoom, occupancy, type Occupied } from './occupancy.ts';
import { SESSION_STEPS } from './run-steps.ts';
import { sessionOf } from './session-of.ts';
import { inState, told, type InstanceQuestion, type SessionProgress } from './session-state.ts';
import type { Workflow } from './workflow.ts';

/** The engine that carries out the sessions of a workflow. */
export function sessionEngine(workflow: Workflow): EngineProfile {
  return {
    ...CAREEN_ENGINE,
    runSteps: SESSION_STEPS,
    completionPercentage: (phase) => (isGood(phase.result) ? 100 : 0),
    next: (pass) => nextStages(pass, workflow),
    goesOnAfter: isUnemptied,
    onRestart: continueSession,
    finishPass: recordSession,
  };
}

/**
 * A host that was not emptied in PREPARE_MAINTENANCE fails nothing: projects are asked to scale in (fenix.md §3). Nor does
 * one that is not empty any more before it is taken out of service: its projects are asked in PLANNED_MAINTENANCE.
 */
function isUnemptied(pass: Pass, { name, steps, currentStep }: StageStatus): boolean {
  const { name: step = '' } = steps[currentStep] ?? {};
  if (name === 'start-maintenance') return step === 'await-empty' && currentStep === 0;
  if (name !== 'prepare-maintenance') return false;
  return step === 'move-instances' || (step === 'ask-and-move-instances' && !isRefused(pass));
}

/** Whether an owner has refused, or its silence fails the session: so it does in every other state. */
function isRefused(pass: Pass): boolean {
  const { session, terms } = sessionOf(pass);
  const { now, listeners } = pass.turn;
  const isMissing = ({ project, replyBy }: InstanceQuestion): boolean =>
    terms.silent === 'fail' && (now > Date.parse(replyBy) || listeners?.has(project) === false);
  return session.questions.some((each) => (each.answer ? each.answer.kind === 'NACK' : isMissing(each)));
}

/** A failed session goes on in the state before its failure (fenix.md §12). */
function continueSession({ run }: Pass): void {
  const { session } = run;
  if (session?.state === 'MAINTENANCE_FAILED')
    run.session = inState(session, session.previousState ?? 'MAINTENANCE');
}

function nextStages(pass: Pass, workflow: Workflow): NextStages {
  const { run, plan, turn } = pass;
  const { terms } = sessionOf(pass);
  noteMaintained(pass, 0);
  const { session } = sessionOf(pass);
  const hosts = occupancy(session, pass);
  if (!hosts) return { kind: 'wait', reason: 'waiting to see what runs on the hosts of the session' };
  const { timing } = plan.actions;
  const { constraints, now } = turn;
  const next = workflow({ terms, timing, now, session, hosts, constraints, apply: run.apply });
  if (next.kind !== 'round') return next;
  const counted = next.state === 'SCALE_IN' ? { ...session, scaleIn: fruitless(session, hosts) } : session;
  run.session = inState(counted, next.state);
  return { kind: 'stages', stages: next.stages.map((stage) => withManualTime(plan.actions, stage)) };
}

function fruitless(
  { scaleIn }: SessionProgress,
  hosts: readonly Occupied[],
): NonNullable<SessionProgress['scaleIn']> {
  const room = freeRoom(hosts);
  return scaleIn && scaleIn.room >= room ? { room, rounds: scaleIn.rounds + 1 } : { room, rounds: 1 };
}

/** Records which hosts are maintained: their stage has ended well. Stages before this one are known. */
function noteMaintained(pass: Pass, from: number): void {
  const { session } = sessionOf(pass);
  const stages = stagesFrom(pass.run.apply, from);
  const done = new Set(stages.filter(isHostStage).filter(endedWell).flatMap(namesOf));
  if (session.hosts.every(({ name, maintained }) => maintained || !done.has(name))) return;
  const hosts = session.hosts.map((host) => (done.has(host.name) ? { ...host, maintained: true } : host));
  pass.run.session = { ...session, hosts };
  for (const name of done) forget(pass, name);
}

function isHostStage({ name, level }: StageStatus): boolean {
  return name === 'start-maintenance' && level === 'away';
}

function endedWell({ result }: StageStatus): boolean {
  return isGood(result);
}

/** Its hosts, without those that left before they were worked on. */
function namesOf({ hosts = [], left = [] }: StageStatus): readonly HostName[] {
  return hosts.filter((host) => !left.some(({ name }) => name === host));
}

/** Ends a pass: tells of hosts that begin and end to be worked on, and of the end of the session; opens its hosts then. */
function recordSession(pass: Pass, before: RunState): void {
  if (!pass.run.session) return;
  tellOfHosts(pass, before);
  noteMaintained(pass, before.apply.currentStage);
  const { state } = pass.run;
  const end = END_STATES[state];
  if (end !== undefined && pass.run.session.state !== end) pass.run.session = inState(pass.run.session, end);
  // Also at a good end: a host that had left the pool was not worked on.
  if (end !== undefined) openHosts(pass);
  else openEarly(pass);
}

const END_STATES: Partial<Record<Draft['state'], 'MAINTENANCE_DONE' | 'MAINTENANCE_FAILED'>> = {
  applied: 'MAINTENANCE_DONE',
  'apply-failed': 'MAINTENANCE_FAILED',
  'apply-timeout': 'MAINTENANCE_FAILED',
  aborting: 'MAINTENANCE_FAILED',
  aborted: 'MAINTENANCE_FAILED',
  'abort-failed': 'MAINTENANCE_FAILED',
  'abort-timeout': 'MAINTENANCE_FAILED',
};

const TOLD_AT = { 'run-actions': 'IN_MAINTENANCE', 'unlock-hosts': 'MAINTENANCE_COMPLETE' } as const;

/** The steps that have begun in this pass (fenix.md §4.2). */
function tellOfHosts(pass: Pass, before: RunState): void {
  const from = before.apply.currentStage;
  for (const stage of stagesFrom(pass.run.apply, from).filter(isHostStage)) {
    const earlier = stagesFrom(before.apply, stage.id)[0];
    for (const { id, name, startTime } of stage.steps) {
      const state = name === 'run-actions' || name === 'unlock-hosts' ? TOLD_AT[name] : undefined;
      if (state === undefined || startTime === undefined || earlier?.steps[id]?.startTime !== undefined)
        continue;
      for (const host of namesOf(stage)) {
        const { session } = sessionOf(pass);
        pass.run.session = told(session, { type: 'host', host, state });
      }
    }
  }
}
