import { describe, expect, it } from 'vitest';
import {
  CONTROLLERS,
  host,
  IN_PLACE,
  instance,
  LOCKED,
  patchBuild,
  stepsOf,
  worker,
  type TestHost,
} from './vim-platform.ts';

const PARALLEL = { 'worker-apply-type': 'parallel' };
const STOP_START = { 'default-instance-action': 'stop-start' };
const plain = (name: string) => host(name, 'worker');
const allInOne = (name: string, more = {}) =>
  host(name, ['controller', 'worker'], {}, { openstackCompute: true, ...more });

type Given = Parameters<typeof patchBuild>[1];

/** The steps between the alarms and the lock, which free hosts of instances. */
function freeing(hosts: readonly TestHost[], given: Given, index = 0): string[] {
  const steps = stepsOf(patchBuild([...CONTROLLERS, ...hosts], given), index);
  return steps.slice(
    1,
    steps.findIndex((step) => step.startsWith('lock-hosts')),
  );
}

describe('the steps of a worker list with a reboot (starlingx-vim.md §7.5)', () => {
  it('have a fixed order, with instances host by host, and in table order on each host', () => {
    const instances = [
      instance('c', 'w1'),
      instance('a', 'w0'),
      instance('stopped', 'w0', 'locked'),
      instance('b', 'w0'),
    ];
    const given = { instances, params: { ...PARALLEL, ...STOP_START } };
    expect(stepsOf(patchBuild([...CONTROLLERS, worker('w0'), worker('w1')], given))).toEqual([
      'query-alarms',
      'stop-instances a b c',
      'lock-hosts w0 w1',
      'sw-patch-hosts w0 w1',
      'system-stabilize 15',
      'unlock-hosts w0 w1',
      'start-instances a b c',
      'wait-alarms-clear 600',
    ]);
  });

  it('lock and unlock hosts that are not locked, and reboot the others', () => {
    const steps = (...hosts: TestHost[]) =>
      stepsOf(patchBuild([...CONTROLLERS, ...hosts], { params: { ...PARALLEL, ...STOP_START } }));
    expect(steps(worker('w0'), worker('w1', {}, LOCKED))).toEqual([
      'query-alarms',
      'lock-hosts w0',
      'sw-patch-hosts w0 w1',
      'system-stabilize 15',
      'unlock-hosts w0',
      'reboot-hosts w1',
      'wait-alarms-clear 600',
    ]);
    expect(steps(worker('w1', {}, LOCKED))).toEqual([
      'query-alarms',
      'sw-patch-hosts w1',
      'system-stabilize 15',
      'reboot-hosts w1',
      'wait-alarms-clear 600',
    ]);
  });

  it('swact a controller first, unless it is the only one', () => {
    const steps = (singleController: boolean) =>
      stepsOf(patchBuild([allInOne('c2'), ...CONTROLLERS], { singleController, params: STOP_START }));
    expect(steps(false)).toEqual([
      'query-alarms',
      'swact-hosts c2',
      'lock-hosts c2',
      'sw-patch-hosts c2',
      'system-stabilize 15',
      'unlock-hosts c2',
      'wait-alarms-clear 2400',
    ]);
    expect(steps(true)).not.toContain('swact-hosts c2');
  });

  it('take both nodes of a duplex in the order of the answer, including the active one', () => {
    const build = patchBuild([allInOne('controller-0'), allInOne('controller-1')]);
    expect([stepsOf(build, 0)[1], stepsOf(build, 1)[1]]).toEqual([
      'swact-hosts controller-0',
      'swact-hosts controller-1',
    ]);
  });

  it('have names and uuids of their objects, and neither when they act on the system', () => {
    const given = { instances: [{ ...instance('a', 'w0'), uuid: 'uuid-of-a' }] };
    const steps = patchBuild([...CONTROLLERS, worker('w0')], given).stages[0]?.steps ?? [];
    expect(Object.fromEntries(steps.map(({ name, entities }) => [name, entities]))).toMatchObject({
      'query-alarms': { type: '', names: [], uuids: [] },
      'migrate-instances-from-host': { type: 'instances', names: ['a'], uuids: ['uuid-of-a'] },
      'sw-patch-hosts': { type: 'hosts', names: ['w0'], uuids: ['uuid-of-w0'] },
    });
  });
});

describe('without a reboot', () => {
  it.each(['vim-2020', 'vim-2024'])(
    'no instance moves or stops, and no host is swacted or locked, in %s',
    (profile) => {
      const node = host('c9', ['controller', 'worker'], IN_PLACE, { openstackCompute: true });
      const locked = worker('w1', IN_PLACE, LOCKED);
      const given = { profile, instances: [instance('a', 'c9')], params: STOP_START };
      const build = patchBuild([...CONTROLLERS, node, locked], given);
      for (const [index, name] of ['c9', 'w1'].entries())
        expect(stepsOf(build, index)).toEqual([
          'query-alarms',
          `sw-patch-hosts ${name}`,
          'system-stabilize 30',
        ]);
    },
  );
});

describe('migration in vim-2020', () => {
  const profile = 'vim-2020';
  const instances = [instance('a', 'w0'), instance('b', 'w1')];
  const parallel = { profile, instances, params: PARALLEL };

  it('is planned when an instance is not locked', () => {
    expect(freeing([worker('w0')], { profile, instances: instances.slice(0, 1) })).toEqual([
      'migrate-instances a',
    ]);
    expect(freeing([plain('w0')], { profile, instances: instances.slice(0, 1) })).toEqual([
      'migrate-instances a',
    ]);
    expect(freeing([worker('w0')], { profile })).toEqual([]);
    expect(freeing([worker('w0')], { profile, instances: [instance('a', 'w0', 'locked')] })).toEqual([]);
  });

  it('disables services in parallel on all hosts, if the first has the compute service', () => {
    expect(freeing([worker('w0'), plain('w1')], parallel)).toEqual([
      'disable-host-services w0 w1',
      'migrate-instances a b',
    ]);
    expect(freeing([plain('w0'), worker('w1')], parallel)).toEqual(['migrate-instances a b']);
    expect(freeing([worker('w0'), worker('w1')], { ...parallel, openstackInstalled: false })).toEqual([
      'migrate-instances a b',
    ]);
  });

  it('ends with 60 seconds of stability, whatever the hosts are', () => {
    for (const node of [worker('w0'), allInOne('c9')])
      expect(stepsOf(patchBuild([...CONTROLLERS, node], { profile })).at(-1)).toBe('system-stabilize 60');
  });
});

describe('migration in vim-2024', () => {
  const instances = [instance('a', 'w0'), instance('b', 'w1'), instance('stopped', 'w1', 'locked')];
  const parallel = { instances, params: PARALLEL };

  it('is planned when a host has the compute service, with or without instances', () => {
    expect(freeing([worker('w0')], {})).toEqual(['migrate-instances-from-host']);
    expect(freeing([worker('w0')], { instances: instances.slice(0, 1) })).toEqual([
      'migrate-instances-from-host a',
    ]);
    expect(freeing([plain('w0')], { instances: instances.slice(0, 1) })).toEqual([]);
    expect(freeing([worker('w0')], { openstackInstalled: false, instances: instances.slice(0, 1) })).toEqual(
      [],
    );
  });

  it('disables services in parallel on those hosts, and lists the instances of all', () => {
    expect(freeing([worker('w0'), plain('w1')], parallel)).toEqual([
      'disable-host-services w0',
      'migrate-instances-from-host a b',
    ]);
    expect(freeing([plain('w0'), worker('w1')], parallel)).toEqual([
      'disable-host-services w1',
      'migrate-instances-from-host a b',
    ]);
  });

  it('takes locked hosts with the label as well', () => {
    expect(freeing([worker('w0'), worker('w1', {}, LOCKED)], { params: PARALLEL })).toEqual([
      'disable-host-services w0 w1',
      'migrate-instances-from-host',
    ]);
  });

  it.each([
    ['any controller', [allInOne('c9')], 'wait-alarms-clear 2400'],
    ['a compute label on any host', [plain('w0'), worker('w1')], 'wait-alarms-clear 600'],
    [
      'a control label on any host',
      [plain('w0'), host('w1', 'worker', {}, { openstackControl: true })],
      'wait-alarms-clear 600',
    ],
    ['no label', [plain('w0'), plain('w1')], 'system-stabilize 60'],
  ])('ends with the wait that its hosts need: %s', (_, hosts, end) => {
    const given = { params: PARALLEL, openstackInstalled: false };
    expect(stepsOf(patchBuild([...CONTROLLERS, ...hosts], given)).at(-1)).toBe(end);
  });
});

describe('stopping instances', () => {
  it.each(['vim-2020', 'vim-2024'])('needs running instances, and no compute service, in %s', (profile) => {
    const given = { profile, openstackInstalled: false, params: { ...PARALLEL, ...STOP_START } };
    const instances = [instance('a', 'w0')];
    expect(freeing([worker('w0')], { ...given, instances })).toEqual(['stop-instances a']);
    expect(freeing([worker('w0')], { ...given, instances: [instance('a', 'w0', 'locked')] })).toEqual([]);
    expect(freeing([worker('w0')], given)).toEqual([]);
  });
});
