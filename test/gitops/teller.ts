/** Plans and runs of a kind of strategy: their statuses are the samples. */
import { buildPlan, type PlanInput } from '../../src/controllers/strategy/build-plan.ts';
import type { Finding } from '../../src/crds/observed/finding.ts';
import { hostPoolSpec } from '../../src/crds/host-pool.ts';
import { PATCH_STRATEGY } from '../../src/crds/names.ts';
import type { StrategyKindName } from '../../src/crds/strategy-kinds.ts';
import type { StrategySpec } from '../../src/crds/spec/strategy-spec.ts';
import type { StrategyStatus } from '../../src/crds/observed/strategy-status.ts';
import type { ExecutionMode, StepName } from '../../src/crds/vocabulary.ts';
import type { Order } from '../../src/engine/turn.ts';
import { SimulatedHostOps } from '../../src/hostops/simulated/simulated-host-ops.ts';
import type { NewHost } from '../../src/hostops/simulated/simulated-objects.ts';
import { SimulatedWorld } from '../../src/hostops/simulated/simulated-world.ts';
import { statusOfRun } from '../../src/status/stored/codec.ts';
import { workers } from '../unit/support/fleets.ts';
import { SimulatedRun, strategySpec, upgradeSpec, type RunOptions } from '../unit/support/simulated-run.ts';
import { TIME } from './sample.ts';

export const GENERATION = 3;
const OLD = { 'nodeInfo.kernelVersion': '6.12.40', 'nodeInfo.kubeletVersion': 'v1.36.3' };
const { roles, health } = hostPoolSpec.parse({ provider: { kubernetes: {} }, maxUnavailable: 1 });

export type Story = {
  readonly options?: Partial<RunOptions>;
  readonly order?: Order;
  readonly story?: (run: SimulatedRun) => Promise<void>;
};

type Fields = Readonly<Record<string, unknown>>;

type Given = {
  readonly violations?: readonly string[];
  readonly overlap?: string;
  readonly before?: StrategyStatus;
  readonly findings?: readonly Finding[];
  readonly mode?: ExecutionMode;
};

/** Tells what happens to a strategy of one kind on a fleet, by default on four workers. */
export class Teller {
  /** The step in which the Jobs of the strategy do their work. */
  readonly workStep: StepName;
  readonly #isUpgrade: boolean;
  readonly #overrides: Fields;
  readonly #fleet: readonly NewHost[];

  constructor(kind: StrategyKindName, overrides: Fields = {}, fleet: readonly NewHost[] = workers(4)) {
    this.#isUpgrade = kind !== PATCH_STRATEGY;
    this.#overrides = { workerApplyType: 'parallel', ...overrides };
    this.#fleet = fleet;
    this.workStep = this.#isUpgrade ? 'upgrade-hosts' : 'sw-patch-hosts';
  }

  planInput(given: Given = {}): PlanInput {
    const { violations = [], overlap, before = {}, findings = [], mode = 'Hold' } = given;
    return {
      ...{ spec: this.#spec({ execution: { mode } }), generation: GENERATION, before },
      ...{ violations, findings: () => findings, overlap },
      ...{ maxUnavailable: 2, activeHost: undefined, epoch: 1, fleetRevision: '1', runId: 'run-1' },
      scope: { pool: 'default', provider: { kubernetes: { nodeSelector: {} } }, before: [], roles, health },
    };
  }

  async built(hosts: readonly NewHost[], given: Given = {}): Promise<StrategyStatus> {
    const world = new SimulatedWorld();
    for (const host of hosts) world.addHost({ ...host, nodeInfo: host.nodeInfo ?? OLD });
    const { signal } = new AbortController();
    return buildPlan(this.planInput(given), new SimulatedHostOps(world), () => world.now, signal);
  }

  async started(options: Partial<RunOptions> = {}): Promise<SimulatedRun> {
    const spec = this.#isUpgrade ? { upgrade: this.#spec() } : { spec: this.#overrides };
    return SimulatedRun.start({ hosts: this.#fleet, ...spec, ...options });
  }

  /** The current status of a run, on top of the status that the build wrote. */
  async shown(run: SimulatedRun, changes: Partial<SimulatedRun['run']> = {}): Promise<StrategyStatus> {
    const before = await this.built(this.#fleet);
    const { reasons, order, obstacle } = run;
    const state = { ...run.run, ...changes };
    return statusOfRun(before, state, { reasons, order, obstacle }, GENERATION, TIME);
  }

  /** Plays the story of a run, and returns the status at its end. */
  async after({ options, order, story }: Story): Promise<StrategyStatus> {
    const run = await this.started(options);
    if (order) run.order = order;
    await (story ?? ((each) => each.settle()))(run);
    return this.shown(run);
  }

  #spec(more: Fields = {}): StrategySpec {
    const fields = { ...this.#overrides, ...more };
    return this.#isUpgrade ? upgradeSpec(fields) : strategySpec(fields);
  }
}
