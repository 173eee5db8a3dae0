import type { Effect, Outcome } from '../../engine/effect.ts';
import { signalsFrom, type View } from '../../engine/view.ts';
import type { Fence, Scope } from '../../hostops/port.ts';
import { SimulatedHostOps } from '../../hostops/simulated/simulated-host-ops.ts';
import type { SimulatedWorld } from '../../hostops/simulated/simulated-world.ts';

/** The treatment of an effect: how long it waits for an answer, and the reason if the answer is a refusal. */
export type Treatment = { readonly seconds: number; readonly refusal: string | undefined };

/** The simulated adapter with answers that take time, and may be refusals. */
export class RehearsalOps extends SimulatedHostOps {
  readonly #world: SimulatedWorld;
  readonly #treat: (effect: Effect) => Treatment;
  /** The time of the first request for each effect. */
  readonly #asked = new Map<Effect['key'], number>();
  #alarmsObservedAt = -Infinity;

  constructor(world: SimulatedWorld, treat: (effect: Effect) => Treatment) {
    super(world);
    this.#world = world;
    this.#treat = treat;
  }

  /** Observes the alarms; they are known after this time. */
  observeAlarms(seconds: number): void {
    this.#world.after(seconds * 1000, () => {
      this.#alarmsObservedAt = this.#world.now;
    });
  }

  override view(scope: Scope): View {
    const view = super.view(scope);
    const alarms = view.signal('alarms')?.alarms ?? [];
    const signal = signalsFrom({ alarms: () => ({ observedAt: this.#alarmsObservedAt, alarms }) });
    return { ...view, signal };
  }

  override async perform(scope: Scope, effect: Effect, fence: Fence, signal: AbortSignal): Promise<Outcome> {
    const { seconds, refusal } = this.#treat(effect);
    const asked = this.#asked.get(effect.key) ?? this.#world.now;
    this.#asked.set(effect.key, asked);
    const retryAt = asked + seconds * 1000;
    if (this.#world.now < retryAt)
      return {
        kind: 'blocked',
        reason: `the ${effect.kind} of ${effect.host} was not answered yet`,
        retryAt,
      };
    if (refusal !== undefined) return { kind: 'refused', reason: refusal };
    return super.perform(scope, effect, fence, signal);
  }
}
