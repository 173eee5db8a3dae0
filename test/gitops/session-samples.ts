/** A status for every state that only sessions have. */
import { MovingOps } from '../../src/cli/simulate/moving-ops.ts';
import { SimulatedOperator } from '../../src/cli/simulate/simulated-operator.ts';
import { SupposedProjects } from '../../src/cli/simulate/supposed-projects.ts';
import { buildPlan } from '../../src/controllers/strategy/build-plan.ts';
import { MAINTENANCE_SESSION, UPGRADE_STRATEGY } from '../../src/crds/names.ts';
import type { StrategyStatus } from '../../src/crds/observed/strategy-status.ts';
import type { StrategySpec } from '../../src/crds/spec/strategy-spec.ts';
import { STRATEGY_KINDS } from '../../src/crds/strategy-kinds.ts';
import type { AskedState, SessionState } from '../../src/crds/vocabulary.ts';
import { currentStage } from '../../src/engine/run/run-state.ts';
import { engineOf } from '../../src/engine/engine-of.ts';
import { SimulatedWorld } from '../../src/hostops/simulated/simulated-world.ts';
import { decodeRun, statusOfRun } from '../../src/status/stored/codec.ts';
import { job } from '../unit/support/simulated-run.ts';
import { ownerNamed } from '../unit/support/owners.ts';
import { objectOf, TIME, type Samples } from './sample.ts';
import { GENERATION, Teller } from './teller.ts';

const LATER = '2030-01-01T00:00:00Z';
const NONE: ReadonlySet<AskedState> = new Set();
const PLANNED: ReadonlySet<AskedState> = new Set(['PLANNED_MAINTENANCE']);

type Given = {
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly hosts?: number;
  readonly refused?: ReadonlySet<AskedState>;
  readonly unanswered?: ReadonlySet<AskedState>;
  /** How the Job of an action ends on each host. */
  readonly exitCode?: number;
};

/** A session on workers with one instance each, and room for a second one; its projects answer at once, if at all. */
class Session {
  readonly #operator: SimulatedOperator;
  readonly #built: StrategyStatus;

  private constructor(operator: SimulatedOperator, built: StrategyStatus) {
    this.#operator = operator;
    this.#built = built;
  }

  static async start(given: Given): Promise<Session> {
    const { spec: fields = {}, hosts = 3, refused = NONE, unanswered = NONE, exitCode } = given;
    const actions = [{ plugin: 'maintain', type: 'host', job }];
    const spec: StrategySpec = STRATEGY_KINDS.MaintenanceSession.readSpec.parse({ actions, ...fields });
    const world = new SimulatedWorld();
    for (let at = 1; at <= hosts; at++) {
      const host = `w-${String(at)}`;
      world.addHost({ name: host, capacity: 2, ...(exitCode === undefined ? {} : { behaviour: exitCode }) });
      world.addPod({ name: `web-${String(at)}`, host, project: 'team-a', size: 1 });
    }
    const input = { ...new Teller(UPGRADE_STRATEGY).planInput(), spec };
    const { scope } = input;
    const none = { seconds: 0, refusal: undefined };
    const of = Array.from({ length: hosts }, (_, at) => ({
      ...{ name: `w-${String(at + 1)}`, type: 'compute' as const, maintained: false },
    }));
    const ops = new MovingOps(world, () => none, { hosts: of });
    ops.observeAlarms(0);
    const { signal } = new AbortController();
    const built = await buildPlan(input, ops, () => world.now, signal);
    const decoded = decodeRun(built);
    const session = decoded?.run.session;
    if (!decoded || !session) throw new Error(`no session was built: ${String(built.message)}`);
    const { plan } = decoded;
    const projects = new SupposedProjects(session, { refused, unanswered });
    const operator: SimulatedOperator = new SimulatedOperator({
      ...{ world, ops, scope, plan, session, profile: engineOf(plan), limit: 2 },
      owner: { ...ownerNamed('sample', MAINTENANCE_SESSION) },
      stored: () => projects.hear(operator),
    });
    return new Session(operator, built);
  }

  get state(): SessionState | undefined {
    return this.#operator.run.session?.state;
  }

  get asks(): boolean {
    return this.#operator.run.session?.projects.some(({ answer }) => !answer) === true;
  }

  get step(): string | undefined {
    const stage = currentStage(this.#operator.run.apply);
    return stage?.inProgress ? stage.steps[stage.currentStep]?.name : undefined;
  }

  /** Goes on until the condition holds; by default until the session has ended and holds no host any more. */
  async until(isReached?: (session: Session) => boolean): Promise<this> {
    while (!isReached?.(this) && (await this.#operator.advance()));
    if (isReached && !isReached(this)) throw new Error(`the session ended in ${String(this.state)}`);
    return this;
  }

  get status(): StrategyStatus {
    const { run, reasons, order, obstacle } = this.#operator;
    return statusOfRun(this.#built, run, { reasons, order, obstacle }, GENERATION, TIME);
  }
}

async function after(given: Given, isReached?: (session: Session) => boolean): Promise<StrategyStatus> {
  const session = await Session.start(given);
  return (await session.until(isReached)).status;
}

const in_ =
  (state: SessionState, step?: string) =>
  (session: Session): boolean =>
    session.state === state && (step === undefined || session.step === step);

/** The samples by the names of their states in docs/guides/gitops.md. */
export async function sessionSamples(): Promise<Samples> {
  const statuses: Record<string, StrategyStatus> = {
    'asks its projects': await after({ unanswered: new Set(['MAINTENANCE']) }, ({ asks }) => asks),
    'waits for its start': await after(
      { spec: { maintenanceAt: LATER } },
      in_('PREPARE_MAINTENANCE', 'await-start'),
    ),
    'asks its projects to scale in': await after(
      { hosts: 1, unanswered: new Set(['SCALE_IN']) },
      (session) => session.asks && session.state === 'SCALE_IN',
    ),
    'moves the instances of a host': await after({}, in_('PREPARE_MAINTENANCE', 'move-instances')),
    'works on a host': await after({}, in_('START_MAINTENANCE', 'run-actions')),
    'a project refused': await after({ refused: PLANNED }),
    'a project did not answer': await after({ unanswered: PLANNED }),
    'an action failed, its host stays locked': await after({ exitCode: 1 }),
    'all hosts are maintained': await after({}),
  };
  const object = objectOf(MAINTENANCE_SESSION, GENERATION);
  return new Map(Object.entries(statuses).map(([name, status]) => [name, object(status)] as const));
}
