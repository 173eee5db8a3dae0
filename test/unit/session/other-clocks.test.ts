/** Sessions whose leader changes: the clock of the next one differs by a minute or more. */
import { expect, it } from 'vitest';
import { SimulatedOperator } from '../../../src/cli/simulate/simulated-operator.ts';
import { playSession, type HowToPlay } from '../../../src/cli/vectors/sessions/play-session.ts';
import { recordedSession } from '../../../src/cli/vectors/sessions/recorded-session.ts';
import type { DecideInput, Decided, NeedsMembers, NeedsPermits } from '../../../src/engine/decide.ts';
import type { PermitFacts } from '../../../src/engine/turn.ts';
import type { RunState } from '../../../src/engine/run/run-state.ts';
import type { SessionEvent } from '../../../src/engine/session/session-state.ts';

const BEHIND_MILLISECONDS = 60_000;

/** Notes what is told. Its clock is behind once the condition holds. */
class SlowOperator extends SimulatedOperator {
  isBehind: (run: RunState) => boolean = () => false;
  readonly events: SessionEvent[] = [];
  #isLate = false;

  override async pass(): Promise<boolean> {
    this.#isLate ||= this.isBehind(this.run);
    return super.pass();
  }

  protected override decide(input: DecideInput): Decided | NeedsPermits | NeedsMembers {
    const found = super.decide(this.#bySlowClock(input));
    return 'decision' in found ? this.#byWorldClock(found) : found;
  }

  protected override decideWithPermits(input: DecideInput, permits: PermitFacts): Decided {
    return this.#byWorldClock(super.decideWithPermits(this.#bySlowClock(input), permits));
  }

  get #behind(): number {
    return this.#isLate ? BEHIND_MILLISECONDS : 0;
  }

  #bySlowClock({ turn, ...input }: DecideInput): DecideInput {
    return { ...input, turn: { ...turn, now: turn.now - this.#behind } };
  }

  #byWorldClock({ decision, ...decided }: Decided): Decided {
    this.#note(decision.run);
    const { wakeAt = Infinity } = decision;
    return { ...decided, decision: { ...decision, wakeAt: wakeAt + this.#behind } };
  }

  #note({ session }: RunState): void {
    const known = new Set(this.events.map(({ id }) => id));
    this.events.push(...(session?.events ?? []).filter(({ id }) => !known.has(id)));
  }

  /** So often a project was asked this. */
  asked(state: string): number {
    return this.events.filter((event) => event.type === 'project' && event.state === state).length;
  }
}

async function play(
  scenario: { readonly workflow?: string; readonly world?: object; readonly tenant?: object },
  { isBehind, onEnd }: Pick<SlowOperator, 'isBehind'> & Pick<HowToPlay, 'onEnd'>,
): Promise<{ readonly operator: SlowOperator; readonly endState: string }> {
  const hosts = ['compute-0', 'compute-1'];
  const { workflow = 'default', world = {}, tenant = {} } = scenario;
  const instances = ['i1', 'i2'].map((id) => ({ id, host: 'compute-1', project: 'A', size: 1, ...world }));
  const recorded = recordedSession.parse({
    id: 'clocks',
    world: {
      ...{ capacityPerHost: 4, computeHosts: hosts, instances },
      groups: { g: { maxImpactedMembers: 1 } },
    },
    create: { maintenance_at: '{now+2}', hosts, workflow },
    tenants: { A: tenant },
    ...{ trace: [], endState: '' },
  });
  let operator: SlowOperator | undefined;
  const { endState } = await playSession(recorded, {
    // The answers have the time of the world.
    silent: 'wait',
    makeOperator: (assignment) => (operator = Object.assign(new SlowOperator(assignment), { isBehind })),
    ...(onEnd ? { onEnd } : {}),
  });
  if (!operator) throw new Error('there was no operator');
  return { operator, endState };
}

it('asks the owner of an instance once, although by its clock the step has not begun yet', async () => {
  const constraint = { groupRef: 'g', migrationType: 'MIGRATE', leadTimeSeconds: 20 };
  const { operator, endState } = await play(
    { workflow: 'vnf', world: { constraint } },
    { isBehind: ({ session }) => (session?.moves.length ?? 0) > 0 },
  );
  expect(endState).toBe('MAINTENANCE_DONE');
  expect(operator.asked('PLANNED_MAINTENANCE')).toBe(2);
});

it('asks a project again after a retry, although by its clock that was before the last question', async () => {
  let hasFailed = false;
  const tenant = { refuses: 'PLANNED_MAINTENANCE' };
  const { operator, endState } = await play(
    { tenant },
    {
      isBehind: () => hasFailed,
      onEnd: ({ requests, run }) => {
        if (run.session?.state !== 'MAINTENANCE_FAILED' || hasFailed) return false;
        hasFailed = true;
        requests.push({ id: 'again', verb: 'retry' });
        return true;
      },
    },
  );
  expect(operator.asked('PLANNED_MAINTENANCE')).toBe(2);
  expect(endState).toBe('MAINTENANCE_FAILED');
});
