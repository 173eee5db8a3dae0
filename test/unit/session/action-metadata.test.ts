import { expect, it } from 'vitest';
import { maintenanceSessionSpec } from '../../../src/crds/spec/maintenance-session-spec.ts';
import { specOfSession } from '../../../src/crds/spec/strategy-spec.ts';

const container = { name: 'apply', image: 'x', env: [{ name: 'MODE', value: 'full' }] };

function containersWith(metadata?: Readonly<Record<string, string>>): unknown {
  const job = {
    template: { spec: { containers: [container], initContainers: [{ name: 'i', image: 'y' }] } },
  };
  const actions = [{ plugin: 'firmware', type: 'host', job, ...(metadata ? { metadata } : {}) }];
  const [work] = specOfSession(maintenanceSessionSpec.parse({ actions })).patches;
  return work?.action.job?.template.spec;
}

it('tells the metadata of an action to each container of its Job, after its own variables and as it is', () => {
  const told = { name: 'CAREEN_ACTION_METADATA', value: '{"level":"2","note":"$$(TOKEN)"}' };
  expect(containersWith({ level: '2', note: '$(TOKEN)' })).toEqual({
    containers: [{ ...container, env: [...container.env, told] }],
    initContainers: [{ name: 'i', image: 'y', env: [told] }],
  });
});

it('adds nothing without metadata', () => {
  expect(containersWith()).toEqual({ containers: [container], initContainers: [{ name: 'i', image: 'y' }] });
});
