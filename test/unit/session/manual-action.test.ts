/** The simplest session: one host is taken out, until a person says so. */
import { expect, it } from 'vitest';
import { SimulatedOperator } from '../../../src/cli/simulate/simulated-operator.ts';
import { hostPoolSpec } from '../../../src/crds/host-pool.ts';
import { maintenanceSessionSpec } from '../../../src/crds/spec/maintenance-session-spec.ts';
import { specOfSession } from '../../../src/crds/spec/strategy-spec.ts';
import { engineOf } from '../../../src/engine/session/engine-of.ts';
import { planSession } from '../../../src/engine/session/plan-session.ts';
import { SimulatedHostOps } from '../../../src/hostops/simulated/simulated-host-ops.ts';
import { SimulatedWorld } from '../../../src/hostops/simulated/simulated-world.ts';
import type { HostSeed } from '../../../src/planner/hosts/facts.ts';

const OWNER = { kind: 'MaintenanceSession', namespace: 'careen-hosts', name: 'worker-3', uid: 'session-1' };

it('takes a host out until a person says so, and longer than any other step may take', async () => {
  const world = new SimulatedWorld({});
  world.addHost({ name: 'worker-3' });
  world.addHost({ name: 'worker-4' });
  const ops = new SimulatedHostOps(world);
  const { roles, health } = hostPoolSpec.parse({ provider: { kubernetes: {} }, maxUnavailable: 1 });
  const scope = {
    ...{ pool: 'default', provider: { kubernetes: { nodeSelector: {} } }, before: [], roles, health },
  };
  const seeds: HostSeed[] = [];
  for await (const page of ops.inventory(scope, new AbortController().signal)) seeds.push(...page);
  const day = 86_400;
  const spec = specOfSession(
    maintenanceSessionSpec.parse({
      hosts: ['worker-3'],
      actions: [{ plugin: 'by-hand', type: 'compute', manual: { timeoutSeconds: day } }],
    }),
  );
  const planned = planSession(spec, seeds, {
    ...{ pool: 'default', view: ops.view(scope), now: world.now, onNodes: true },
  });
  if (planned.problems) throw new Error(planned.problems.join());
  const { plan, session } = planned;
  const profile = engineOf(plan);
  const run = new SimulatedOperator({ world, ops, scope, plan, limit: 1, owner: OWNER, profile, session });

  const isAsked = (): boolean => run.obstacle === 'WaitingForPerson';
  while (!isAsked() && (await run.advance()));
  expect(run.reasons.join()).toContain('careen done worker-3 worker-3 -n careen-hosts');
  expect(run.reasons.join()).toContain('maintenancesession/worker-3');
  const until = world.now + (day - 60) * 1000;
  while (world.now < until && (await run.advance()));
  expect(world.hosts.get('worker-3')?.claim?.level).toBe('away');

  run.requests = [{ id: 'q-1', verb: 'done', host: 'worker-3' }];
  while (run.run.state !== 'applied' && (await run.advance()));
  expect(run.run.session?.state).toBe('MAINTENANCE_DONE');
  expect(world.hosts.get('worker-3')).toMatchObject({ claim: undefined, closedToNewWork: false });
});
