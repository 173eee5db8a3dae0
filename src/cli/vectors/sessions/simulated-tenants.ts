/** The managers of the projects in a recorded session: each answers as the recording says that it behaves. */
import type { AskedState } from '../../../crds/vocabulary.ts';
import {
  asksForActions,
  type ProjectReply,
  type SessionEvent,
} from '../../../engine/session/session-state.ts';
import type { SimulatedWorld } from '../../../hostops/simulated/simulated-world.ts';
import { hostsWithRoom } from './simulated-cloud.ts';
import { mayTake, REPLACED } from './simulated-constraints.ts';
import { includesState, type RecordedSession, type RecordedTenant } from './recorded-session.ts';

const ANSWER_MILLISECONDS = 1000;

type Asked = Extract<SessionEvent, { type: 'project' }>;

/** What a tenant does, at the time when it does it. */
export type TenantDoes = {
  readonly answer: (reply: ProjectReply) => void;
  readonly remove: (instance: string) => void;
  readonly add: (instance: string, host: string) => void;
};

export class SimulatedTenants {
  readonly #world: SimulatedWorld;
  readonly #recorded: RecordedSession;
  readonly #does: TenantDoes;
  #answers = 0;
  #rounds = 0;

  constructor(world: SimulatedWorld, recorded: RecordedSession, does: TenantDoes) {
    this.#world = world;
    this.#recorded = recorded;
    this.#does = does;
  }

  /** The session is in another state. */
  enter(state: string): void {
    if (state === 'SCALE_IN') this.#rounds += 1;
  }

  /** A project is told something; it answers a while later, if at all. */
  tell(event: Asked): void {
    const { state, project } = event;
    const { tenants, world } = this.#recorded;
    const tenant = tenants[project];
    if (state === 'INSTANCE_ACTION_DONE' || !tenant || world.listeners?.includes(project) === false) return;
    if (includesState(tenant.silentOn, state)) return;
    this.#world.after(ANSWER_MILLISECONDS, () => {
      const refuses = includesState(tenant.refuses, state);
      if (!refuses && state === 'SCALE_IN') this.#scaleIn(event, tenant);
      this.#answers += 1;
      const ofInstance = event.instance === undefined ? {} : { instance: event.instance };
      const reply = { id: String(this.#answers), project, at: this.#world.now, ...ofInstance };
      const instanceActions = refuses ? {} : actionsOf(event, state, tenant);
      this.#does.answer({ ...reply, state: `${refuses ? 'NACK' : 'ACK'}_${state}`, instanceActions });
      const chosen = event.instance === undefined ? {} : { [event.instance]: event.migrationType };
      for (const [uid, action] of Object.entries(refuses ? {} : { ...chosen, ...instanceActions }))
        if (action === 'OWN_ACTION') this.#world.after(ANSWER_MILLISECONDS, () => this.#replace(uid));
    });
  }

  /** Removes the instances that the recorded project removed in this round; in any further one the newest. */
  #scaleIn({ project, give }: Asked, { scaleInInstances: count, givesShare }: RecordedTenant): void {
    const own = [...this.#world.pods.values()].filter((pod) => pod.project === project);
    const names = removedIn(this.#recorded, this.#rounds, project);
    const recorded = own.filter(({ name }) => names.includes(name));
    const newest = own.slice(Math.max(0, own.length - count));
    const shared = give && givesShare ? own.filter(({ uid }) => give.instances.includes(uid)) : newest;
    const removed = recorded.length > 0 ? recorded : shared;
    for (const { uid, name } of removed) {
      this.#world.removePod(uid);
      this.#does.remove(name);
    }
  }

  /** The owner of an instance makes another one in its place, on the open host with the most room, and removes it. */
  #replace(uid: string): void {
    const old = this.#world.pods.get(uid);
    if (!old) return;
    const { instancesAfter = [] } = this.#recorded;
    const known = new Set([...this.#world.pods.values()].map(({ name }) => name));
    const next = instancesAfter.find(({ id }) => !known.has(id) && !this.#isOfBegin(id));
    const [room] = hostsWithRoom(this.#world, old.host, old.size ?? 0).filter((host) =>
      mayTake(this.#recorded, this.#world, host.name, old.name),
    );
    const { project = '', size = 0 } = old;
    this.#world.removePod(uid);
    this.#does.remove(old.name);
    if (!room) return;
    const name = next?.id ?? `${old.name}${REPLACED}`;
    this.#world.addPod({ name, host: room.name, project, size });
    this.#does.add(name, room.name);
  }

  #isOfBegin(id: string): boolean {
    return this.#recorded.world.instances.some((each) => each.id === id);
  }
}

/** The instances that a recorded project removed in this round of SCALE_IN, the first being 1. */
export function removedIn({ trace }: RecordedSession, round: number, project: string): readonly string[] {
  let rounds = 0;
  const names: string[] = [];
  for (const { state, tenant } of trace) {
    if (state === 'SCALE_IN') rounds += 1;
    const isIts = rounds === round && tenant?.project === project && tenant.op === 'scale-in';
    if (isIts && tenant.instance !== undefined) names.push(tenant.instance);
  }
  return names;
}

function actionsOf(
  { instances }: Asked,
  state: AskedState,
  { moveAction, omitsInstanceActions }: RecordedTenant,
): Record<string, string> {
  if (!asksForActions(state)) return {};
  const omits = (uid: string): boolean =>
    Array.isArray(omitsInstanceActions) ? omitsInstanceActions.includes(uid) : Boolean(omitsInstanceActions);
  return Object.fromEntries(instances.filter((uid) => !omits(uid)).map((uid) => [uid, moveAction]));
}
