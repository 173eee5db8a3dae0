/** Plays a recorded session on simulated hosts, with the engine of the operator. */
import { hostPoolSpec } from '../../../crds/host-pool.ts';
import { DEFAULT_POOL } from '../../../crds/names.ts';
import { planActions, type PlanActions } from '../../../crds/spec/strategy-spec.ts';
import { buildSession } from '../../../engine/session/build-session.ts';
import { sessionEngine } from '../../../engine/session/session-engine.ts';
import {
  newSession,
  type ProjectReply,
  type SessionEvent,
  type SessionHost,
} from '../../../engine/session/session-state.ts';
import type { Workflow } from '../../../engine/session/workflow.ts';
import { workflowNamed } from '../../../engine/session/workflows.ts';
import type { Scope } from '../../../hostops/port.ts';
import type { SimulatedWorld } from '../../../hostops/simulated/simulated-world.ts';
import type { SessionTerms } from '../../../crds/spec/session-terms.ts';
import { SimulatedOperator, type Assignment } from '../../simulate/simulated-operator.ts';
import type { RecordedSession } from './recorded-session.ts';
import { cloudOf, SimulatedCloudOps } from './simulated-cloud.ts';
import { constraintsIn } from './simulated-constraints.ts';
import { SimulatedTenants } from './simulated-tenants.ts';
import type { TraceEvent } from './trace.ts';

export type PlayedSession = {
  readonly trace: readonly TraceEvent[];
  readonly endState: string;
  readonly instancesAfter: readonly { readonly id: string; readonly host: string }[];
  /** After the session was deleted. */
  readonly hostsAfterDelete: readonly { readonly host: string; readonly schedulable: boolean }[];
};

const OWNER = { kind: 'MaintenanceSession', namespace: 'default', name: 'recorded', uid: 'recorded' };
const SCOPE: Scope = {
  pool: DEFAULT_POOL,
  before: [],
  ...hostPoolSpec.pick({ provider: true, roles: true, health: true }).parse({ provider: { kubernetes: {} } }),
};
const DELETE_AFTER_MILLISECONDS = 500;

export type HowToPlay = {
  readonly makeOperator?: (assignment: Assignment) => SimulatedOperator;
  /** Called when the session has ended; true: it goes on. */
  readonly onEnd?: (operator: SimulatedOperator) => boolean;
  /** What a Fenix of 2019 has no choice about. */
  readonly silent?: SessionTerms['silent'];
};

/**
 * Plays a session until it has ended, then deletes it.
 * @throws Error when the recording has a workflow that is not among `KNOWN_WORKFLOWS`, or a start time that is none
 */
export async function playSession(recorded: RecordedSession, how: HowToPlay = {}): Promise<PlayedSession> {
  const { create } = recorded;
  const workflow = workflowNamed(create.workflow);
  if (!workflow) throw new Error(`there is no workflow ${create.workflow}`);
  const player = new Player(recorded, workflow, how);
  return player.play();
}

class Player {
  readonly #recorded: RecordedSession;
  readonly #world: SimulatedWorld;
  readonly #operator: SimulatedOperator;
  readonly #tenants: SimulatedTenants;
  readonly #trace: TraceEvent[] = [];
  readonly #open = new Map<string, boolean>();
  readonly #endedJobs = new Set<string>();
  /** After so many events the recorded session was deleted. */
  readonly #deletedAfter: number | undefined;
  readonly #onEnd: (operator: SimulatedOperator) => boolean;
  #told = 0;

  constructor(recorded: RecordedSession, workflow: Workflow, how: HowToPlay) {
    const { makeOperator = (assignment) => new SimulatedOperator(assignment), silent = 'fail' } = how;
    this.#onEnd = how.onEnd ?? (() => false);
    this.#recorded = recorded;
    this.#world = cloudOf(recorded, idOfAction);
    this.#deletedAfter = eventsBeforeDelete(recorded.trace);
    const terms = { ...termsOf(recorded, this.#world.now), silent };
    const ops = new SimulatedCloudOps(this.#world, recorded, (event) => this.#trace.push(event));
    const heeds = recorded.create.workflow !== 'default';
    this.#operator = makeOperator({
      stored: () => this.#deliver(),
      ...{ world: this.#world, ops, scope: SCOPE, limit: recorded.world.computeHosts.length, owner: OWNER },
      plan: buildSession(terms, actionsOf(terms), {
        hosts: hostsOf(recorded).map(({ name }) => name),
        now: this.#world.now,
      }),
      profile: sessionEngine(workflow),
      session: newSession(hostsOf(recorded)),
      ...(heeds ? { constraints: () => constraintsIn(recorded, this.#world) } : {}),
    });
    const { listeners } = recorded.world;
    if (listeners) this.#operator.listeners = new Set(listeners);
    this.#tenants = new SimulatedTenants(this.#world, recorded, {
      answer: (reply) => this.#take(reply),
      remove: (instance) => this.#trace.push({ kind: 'removed', instance, at: this.#world.now }),
      add: (instance, host) => this.#trace.push({ kind: 'added', instance, host }),
    });
    for (const { name, closedToNewWork } of this.#world.hosts.values())
      this.#open.set(name, !closedToNewWork);
    this.#world.listen(() => this.#observe());
  }

  async play(): Promise<PlayedSession> {
    while (await this.#advance());
    const endState = this.#operator.run.session?.state ?? '';
    this.#delete();
    while (await this.#advance());
    return {
      trace: this.#trace,
      endState,
      instancesAfter: [...this.#world.pods.values()].map(({ name, host }) => ({ id: name, host })),
      hostsAfterDelete: [...this.#world.hosts.values()].map((host) => ({
        host: host.name,
        schedulable: !host.closedToNewWork,
      })),
    };
  }

  async #advance(): Promise<boolean> {
    if (this.#isOver() && !this.#onEnd(this.#operator)) return false;
    return this.#operator.advance();
  }

  /** Whether the session has ended, and has given back what it could. */
  #isOver(): boolean {
    const { state, session, hosts } = this.#operator.run;
    if (state === 'ready-to-apply' || state === 'applying' || state === 'aborting') return false;
    return session?.closed.length === 0 && hosts.every(({ result }) => result === 'failed');
  }

  /** Delivers what the run has to tell. */
  #deliver(): void {
    const { run } = this.#operator;
    const { session } = run;
    if (!session || session.events.length === 0) return;
    for (const event of session.events) this.#tell(event);
    this.#operator.run = { ...run, session: { ...session, events: [] } };
  }

  #tell(event: SessionEvent): void {
    this.#trace.push(traceEventOf(event, this.#nameOf));
    this.#told += 1;
    if (this.#told === this.#deletedAfter) this.#world.after(DELETE_AFTER_MILLISECONDS, () => this.#delete());
    if (event.type === 'project') this.#tenants.tell(event);
    if (event.type === 'session') this.#tenants.enter(event.state);
  }

  #take(reply: ProjectReply): void {
    const actions = Object.values(reply.instanceActions ?? {});
    const { project, state, instance } = reply;
    const ofInstance = instance === undefined ? {} : { instance: this.#nameOf(instance) };
    this.#trace.push({ kind: 'answered', project, state, actions, ...ofInstance });
    this.#operator.replies.push(reply);
  }

  #delete(): void {
    this.#operator.order = { mode: 'Abort', finalizing: true };
    this.#trace.push({ kind: 'deleted' });
  }

  readonly #nameOf = (uid: string): string => this.#world.pods.get(uid)?.name ?? uid;

  /** Notes the hosts that were closed or opened, and the plug-ins that have ended. */
  #observe(): void {
    for (const { name, closedToNewWork } of this.#world.hosts.values()) {
      if (this.#open.get(name) === !closedToNewWork) continue;
      this.#open.set(name, !closedToNewWork);
      this.#trace.push({ kind: 'host', host: name, schedulable: !closedToNewWork });
    }
    for (const { uid, action, host, state } of this.#world.jobs.values()) {
      if ((state !== 'succeeded' && state !== 'failed') || this.#endedJobs.has(uid)) continue;
      this.#endedJobs.add(uid);
      const end = state === 'succeeded' ? 'DONE' : 'FAILED';
      const { plugin } = this.#recorded.create.actions.find((_, index) => idOfAction(index) === action) ?? {};
      this.#trace.push({ kind: 'plug-in', plugin: plugin ?? action, host, state: end });
    }
  }
}

function traceEventOf(event: SessionEvent, nameOf: (uid: string) => string): TraceEvent {
  switch (event.type) {
    case 'session':
      return { kind: 'state', state: event.state };
    case 'host':
      return { kind: 'told-of-host', host: event.host, state: event.state };
    case 'project': {
      const { project, state, allowedActions, instances, instance } = event;
      const ofInstance = instance === undefined ? {} : { instance: nameOf(instance) };
      if (state !== 'INSTANCE_ACTION_DONE')
        return { kind: 'asked', project, state, allowedActions, ...ofInstance };
      return { kind: 'instance-done', project, instance: nameOf(instances[0] ?? '') };
    }
  }
}

/** How many states and notifications the recording has before the session was deleted in its middle. */
function eventsBeforeDelete(trace: RecordedSession['trace']): number | undefined {
  const isEvent = ({ state, notification }: RecordedSession['trace'][number]): boolean =>
    state !== undefined || notification !== undefined;
  const deletion = trace.findIndex(({ http }) => http?.method === 'DELETE');
  if (deletion < 0 || !trace.slice(deletion).some(isEvent)) return undefined;
  return trace.slice(0, deletion).filter(isEvent).length;
}

/** The hosts of the session: those of its request, or all (fenix.md §7). */
function hostsOf({ create, world: { computeHosts, controllerHosts } }: RecordedSession): SessionHost[] {
  const names = create.hosts.length > 0 ? create.hosts : [...controllerHosts, ...computeHosts];
  return names.map((name) => {
    const known = controllerHosts.includes(name) ? 'controller' : 'other';
    return { name, type: computeHosts.includes(name) ? 'compute' : known, maintained: false };
  });
}

function termsOf({ create, replyTimesSeconds }: RecordedSession, now: number): Omit<SessionTerms, 'silent'> {
  return {
    workflow: create.workflow,
    startAt: new Date(startOf(create.maintenance_at, now)).toISOString(),
    replySeconds: replyTimesSeconds.project_maintenance_reply,
    scaleInReplySeconds: replyTimesSeconds.project_scale_in_reply,
    metadata: {},
    actions: create.actions.map(({ plugin, type }, index) => ({ id: idOfAction(index), plugin, type })),
  };
}

/** The name of a plug-in may be none of a piece of work. */
function idOfAction(index: number): string {
  return `action-${String(index)}`;
}

/** `{now+N}`, or a time in UTC. */
function startOf(text: string, now: number): number {
  const relative = /^\{now([+-]\d+)\}$/.exec(text)?.[1];
  const time =
    relative === undefined ? Date.parse(`${text.replace(' ', 'T')}Z`) : now + Number(relative) * 1000;
  if (Number.isNaN(time))
    throw new Error(`maintenance_at is ${text}; it must be {now+N} or YYYY-MM-DD HH:MM:SS`);
  return time;
}

/** A plug-in is a Job. */
function actionsOf({ actions }: SessionTerms): PlanActions {
  const containers = [{ name: 'plug-in', image: 'plug-in' }];
  return planActions.parse({
    ...{ drain: {}, timing: {}, onForeignUncordon: 'pause' },
    patches: actions.map(({ id }) => ({
      ...{ id, kind: 'action', current: [] },
      action: { job: { template: { spec: { containers } } } },
    })),
  });
}
