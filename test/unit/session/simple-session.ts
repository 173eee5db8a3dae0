/** A session over simulated hosts without instances. */
import { SimulatedOperator } from '../../../src/cli/simulate/simulated-operator.ts';
import { hostPoolSpec } from '../../../src/crds/host-pool.ts';
import { maintenanceSessionSpec } from '../../../src/crds/spec/maintenance-session-spec.ts';
import { specOfSession } from '../../../src/crds/spec/strategy-spec.ts';
import type { DecideInput, Decided, NeedsPermits, NeedsMembers } from '../../../src/engine/decide.ts';
import type { Workflow } from '../../../src/engine/session/workflow.ts';
import type { DownloadFacts } from '../../../src/engine/session/session-state.ts';
import { withPermits } from '../../../src/engine/permits/permits.ts';
import { engineOf } from '../../../src/engine/engine-of.ts';
import { planSession } from '../../../src/engine/session/plan-session.ts';
import { SimulatedHostOps } from '../../../src/hostops/simulated/simulated-host-ops.ts';
import type { NewHost } from '../../../src/hostops/simulated/simulated-objects.ts';
import { SimulatedWorld } from '../../../src/hostops/simulated/simulated-world.ts';
import type { HostName, HostSeed } from '../../../src/planner/hosts/facts.ts';

/** Knows of downloads, and of the permits of another run, what a test says. */
export class SessionOperator extends SimulatedOperator {
  readonly downloads = new Map<string, DownloadFacts>();
  /** The hosts for which another run has a permit. */
  permittedToOther: readonly HostName[] = [];

  protected override decide(input: DecideInput): Decided | NeedsPermits | NeedsMembers {
    return super.decide(this.#told(input));
  }

  protected override decideWithPermits(
    input: DecideInput,
    permits: Parameters<SimulatedOperator['decideWithPermits']>[1],
  ): Decided {
    return super.decideWithPermits(this.#told(input), permits);
  }

  #told({ turn, pool, ...input }: DecideInput): DecideInput {
    const since = new Date(turn.now).toISOString();
    const others = this.permittedToOther.map((host) => ({
      host,
      run: 'other',
      level: 'away' as const,
      since,
    }));
    const { status, capacity } = pool ?? {};
    const told = status &&
      capacity && { capacity, status: withPermits(status, [...(status.permits ?? []), ...others]) };
    return { ...input, turn: { ...turn, downloads: this.downloads }, pool: told };
  }

  /** The hosts that still have a claim. */
  get claimedAtEnd(): string[] {
    return [...this.world.hosts.values()].filter(({ claim }) => claim).map(({ name }) => name);
  }

  /** Continues until the condition holds, or nothing changes any more by itself. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition() && (await this.advance()));
  }

  /** Continues for so long. */
  async elapse(milliseconds: number): Promise<void> {
    const end = this.world.now + milliseconds;
    await this.until(() => (this.nextAt ?? Infinity) > end);
  }
}

export type SessionOptions = {
  /** The workflows that the administrator has added. */
  readonly workflows?: ReadonlyMap<string, Workflow>;
  readonly hosts?: readonly NewHost[];
};

/** Plans a session with this spec, by default of two workers, w-1 and w-2. */
export async function session(
  name: string,
  spec: Record<string, unknown>,
  { workflows, hosts = [{ name: 'w-1' }, { name: 'w-2' }] }: SessionOptions = {},
): Promise<SessionOperator> {
  const world = new SimulatedWorld({});
  for (const host of hosts) world.addHost(host);
  const ops = new SimulatedHostOps(world);
  const { roles, health } = hostPoolSpec.parse({ provider: { kubernetes: {} }, maxUnavailable: 1 });
  const provider = { kubernetes: { nodeSelector: {} } };
  const scope = { pool: 'default', provider, before: [], roles, health };
  const seeds: HostSeed[] = [];
  for await (const page of ops.inventory(scope, new AbortController().signal)) seeds.push(...page);
  const wish = specOfSession(maintenanceSessionSpec.parse(spec));
  const planned = planSession(wish, seeds, {
    ...{ pool: 'default', view: ops.view(scope), now: world.now, onNodes: true, workflows },
  });
  if (planned.problems) throw new Error(planned.problems.join());
  const { plan, session: begun } = planned;
  const owner = { kind: 'MaintenanceSession', namespace: 'careen-hosts', name, uid: 'session-1' };
  return new SessionOperator({
    ...{ world, ops, scope, plan, limit: 1, owner, profile: engineOf(plan, workflows), session: begun },
  });
}
