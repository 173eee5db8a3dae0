/** The managers of the projects in a recorded session: each answers as the recording says that it behaves. */
import type { ProjectReply } from '../../../engine/session/session-state.ts';
import { asksForActions, type AskedState, type SessionEvent } from '../../../engine/session/session-state.ts';
import type { SimulatedWorld } from '../../../hostops/simulated/simulated-world.ts';
import { includesState, type RecordedSession, type RecordedTenant } from './recorded-session.ts';

const ANSWER_MILLISECONDS = 1000;

type Asked = Extract<SessionEvent, { type: 'project' }>;

/** What a tenant does, at the time when it does it. */
export type TenantDoes = {
  readonly answer: (reply: ProjectReply) => void;
  readonly remove: (instance: string) => void;
};

export class SimulatedTenants {
  readonly #world: SimulatedWorld;
  readonly #tenants: RecordedSession['tenants'];
  readonly #listeners: ReadonlySet<string> | undefined;
  readonly #does: TenantDoes;
  #answers = 0;

  constructor(world: SimulatedWorld, { tenants, world: { listeners } }: RecordedSession, does: TenantDoes) {
    this.#world = world;
    this.#tenants = tenants;
    this.#listeners = listeners && new Set(listeners);
    this.#does = does;
  }

  /** A project is told something; it answers a while later, if at all. */
  tell(event: Asked): void {
    const { state, project } = event;
    const tenant = this.#tenants[project];
    if (state === 'INSTANCE_ACTION_DONE' || !tenant || this.#listeners?.has(project) === false) return;
    if (includesState(tenant.silentOn, state)) return;
    this.#world.after(ANSWER_MILLISECONDS, () => {
      const refuses = includesState(tenant.refuses, state);
      if (!refuses && state === 'SCALE_IN') this.#scaleIn(project, tenant.scaleInInstances);
      this.#answers += 1;
      const reply = { id: String(this.#answers), project, at: this.#world.now };
      this.#does.answer(
        refuses
          ? { ...reply, state: `NACK_${state}` }
          : { ...reply, state: `ACK_${state}`, instanceActions: actionsOf(event, state, tenant) },
      );
    });
  }

  /** Removes the newest instances of a project. */
  #scaleIn(project: string, count: number): void {
    const own = [...this.#world.pods.values()].filter((pod) => pod.project === project);
    for (const { uid, name } of own.slice(Math.max(0, own.length - count))) {
      this.#world.removePod(uid);
      this.#does.remove(name);
    }
  }
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
