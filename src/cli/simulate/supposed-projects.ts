import type { AskedState, SessionState } from '../../crds/vocabulary.ts';
import {
  asksForActions,
  percentDone,
  type SessionEvent,
  type SessionProgress,
} from '../../engine/session/session-state.ts';
import type { SimulatedWorld } from '../../hostops/simulated/simulated-world.ts';
import type { SimulatedOperator } from './simulated-operator.ts';
import type { WhatIf } from './what-if.ts';

/** A state of a session, and when it entered it. */
export type EnteredState = {
  readonly state: SessionState;
  readonly atSeconds: number;
  /** The percentage of hosts that were maintained then. */
  readonly percentDone: number;
};

type Entered = Omit<EnteredState, 'atSeconds'> & { readonly at: number };
type Asked = Extract<SessionEvent, { type: 'project' }>;

/** The projects of a session: each answers at once, agrees unless it is to refuse, and scales in by one instance. */
export class SupposedProjects {
  readonly #whatIf: Pick<WhatIf, 'refused' | 'unanswered'>;
  readonly #states: Entered[] = [];
  readonly #begin: SessionProgress;
  #answers = 0;

  constructor(session: SessionProgress, whatIf: Pick<WhatIf, 'refused' | 'unanswered'>) {
    this.#begin = session;
    this.#whatIf = whatIf;
  }

  /** Takes what the operator has to tell, and answers. */
  hear(operator: SimulatedOperator): void {
    const { run, world } = operator;
    const { session } = run;
    if (!session || session.events.length === 0) return;
    for (const event of session.events) {
      if (event.type === 'session')
        this.#states.push({ state: event.state, percentDone: event.percentDone, at: world.now });
      if (event.type === 'project') this.#answer(event, operator);
    }
    operator.run = { ...run, session: { ...session, events: [] } };
  }

  /** @param beganAt Unix time in milliseconds */
  statesSince(beganAt: number): readonly EnteredState[] {
    if (this.#states.length === 0)
      return [{ state: this.#begin.state, atSeconds: 0, percentDone: percentDone(this.#begin) }];
    return this.#states.map(({ at, ...entered }) => ({ ...entered, atSeconds: (at - beganAt) / 1000 }));
  }

  #answer({ project, state, instances }: Asked, { world, replies }: SimulatedOperator): void {
    if (state === 'INSTANCE_ACTION_DONE' || this.#whatIf.unanswered.has(state)) return;
    const isRefused = this.#whatIf.refused.has(state);
    if (state === 'SCALE_IN' && !isRefused) scaleIn(world, project);
    this.#answers += 1;
    const reply = { id: String(this.#answers), project, at: world.now };
    const instanceActions = isRefused ? {} : actionsFor(state, instances);
    replies.push({ ...reply, state: `${isRefused ? 'NACK' : 'ACK'}_${state}`, instanceActions });
  }
}

function actionsFor(state: AskedState, instances: readonly string[]): Record<string, string> {
  return asksForActions(state) ? Object.fromEntries(instances.map((uid) => [uid, 'MIGRATE'])) : {};
}

function scaleIn(world: SimulatedWorld, project: string): void {
  const own = [...world.pods.values()].find((pod) => pod.project === project);
  if (own) world.removePod(own.uid);
}
