import { expect, it } from 'vitest';
import { maintenanceSessionSpec } from '../../../src/crds/spec/maintenance-session-spec.ts';
import { specOfSession } from '../../../src/crds/spec/strategy-spec.ts';
import { planSession } from '../../../src/engine/session/plan-session.ts';
import type { HostSeed } from '../../../src/planner/hosts/facts.ts';

const worker: HostSeed = { name: 'w-1', roles: ['worker'], facts: {} };

/** What is wrong with a session of this workflow. */
function problemsOf(workflow: string, onNodes: boolean): readonly string[] {
  const scene = { pool: 'compute', view: { host: () => undefined }, now: 0, onNodes };
  return (
    planSession(specOfSession(maintenanceSessionSpec.parse({ workflow })), [worker], scene).problems ?? []
  );
}

it('refuses the workflow of disruption budgets where the hosts run no pods', () => {
  expect(problemsOf('kubernetes', false)).toEqual([
    'spec.workflow is kubernetes, which follows the disruption budgets of pods; the hosts of HostPool compute are ' +
      'compute hosts of an OpenStack: use vnf, which follows the constraints of their owners, or default',
  ]);
  expect(problemsOf('vnf', false)).toEqual([]);
  expect(problemsOf('kubernetes', true)).toEqual([]);
});
