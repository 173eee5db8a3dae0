import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { buildVim } from '../../../src/planner/vim/build.ts';
import { InputError, remedyOf } from '../../../src/planner/problems/input-error.ts';
import { parseRequest } from '../../../src/planner/vim/request.ts';
import {
  aggregate,
  CONTROLLERS,
  group,
  instance,
  patchBuild,
  patchInputs,
  stageTexts,
  upgradeBuild,
  upgradeInputs,
  worker,
} from './vim-platform.ts';

const hosts = [...CONTROLLERS, worker('w0'), worker('w1')];

/** `code path value` of each problem that the planner throws for. */
function problems(build: () => unknown): string[] {
  try {
    build();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return error.problems.map(
      ({ code, path, value }) => `${code} ${path.map(String).join('.')} ${JSON.stringify(value)}`,
    );
  }
  return [];
}

describe('an inventory that contradicts itself', () => {
  it.each<[string, Parameters<typeof patchBuild>[0], Record<string, unknown>]>([
    ['duplicate-name inputs.hosts.4.name "w1"', [...hosts, { ...worker('w1'), uuid: 'other' }], {}],
    [
      'duplicate-name inputs.hosts.4.uuid "uuid-of-w1"',
      [...hosts, { ...worker('w2'), uuid: 'uuid-of-w1' }],
      {},
    ],
    [
      'duplicate-name inputs.instances.1.uuid "a"',
      hosts,
      { instances: [instance('a', 'w0'), instance('a', 'w1')] },
    ],
    [
      'unknown-host inputs.instances.1.host "w9"',
      hosts,
      { instances: [instance('a', 'w0'), instance('b', 'w9')] },
    ],
    [
      'duplicate-name inputs.instanceGroups.1.uuid "uuid-of-g"',
      hosts,
      { instanceGroups: [group('g', 'affinity'), group('g', 'affinity')] },
    ],
    [
      'duplicate-name inputs.hostGroups.1.name "g"',
      hosts,
      { hostGroups: ['g', 'g'].map((name) => ({ name, policies: [], memberNames: [] })) },
    ],
    [
      'duplicate-name inputs.hostAggregates.1.name "a"',
      hosts,
      { hostAggregates: [aggregate('a', 'w0'), aggregate('a', 'w1')] },
    ],
    [
      'duplicate-name inputs.hostAggregates.0.hostNames.1 "w0"',
      hosts,
      { hostAggregates: [aggregate('a', 'w0', 'w0')] },
    ],
    ['duplicate-name inputs.extraPatchHosts.0.name "w0"', hosts, { extraPatchHosts: [{ name: 'w0' }] }],
  ])('gives no plan, but the problem: %s', (problem, inventory, given) => {
    expect(problems(() => patchBuild(inventory, given))).toEqual([problem]);
  });

  it('is refused before anything else is checked', () => {
    const given = { instances: [instance('a', 'w9')], failQuery: 'query-alarms', patches: [] };
    expect(problems(() => patchBuild(hosts, given))).toEqual(['unknown-host inputs.instances.0.host "w9"']);
  });

  it('may have instances or groups that share names', () => {
    const given = {
      instances: [instance('a', 'w0'), { ...instance('a', 'w1'), uuid: 'other' }],
      instanceGroups: [
        group('g', 'affinity', 'a', 'gone'),
        { ...group('g', 'affinity', 'a'), uuid: 'other' },
      ],
    };
    expect(problems(() => patchBuild(hosts, given))).toEqual([]);
  });

  it('is named in one sentence of bounded length, with the remedy', () => {
    const build = () => patchBuild(hosts, { instances: [instance('a', 'w9')] });
    expect(build).toThrow(
      'inputs.instances[0].host is "w9": there is no such host; add it to the hosts, or take the instance out',
    );
    const many = Array.from({ length: 100 }, (_, i) => instance(`vm-${String(i)}`, 'w9'));
    expect(() => patchBuild(hosts, { instances: many })).toThrow(/^(inputs[^;]+; add[^;]+; ){5}and 95 more$/);
    expect(() => patchBuild(hosts, { instances: many.slice(0, 5) })).toThrow(/take the instance out$/);
  });
});

describe('an error of the input', () => {
  const text = (value: unknown, path: readonly PropertyKey[] = ['a']): string =>
    new InputError([{ code: 'malformed', path, value, remedy: 'leave it out' }]).message;

  it('shows the given value, unless it is long', () => {
    expect(text('x'.repeat(78))).toBe(`a is "${'x'.repeat(78)}": leave it out`);
    expect(text('x'.repeat(79))).toBe(`a is "${'x'.repeat(79)}…: leave it out`);
    expect(text(undefined)).toBe('a is missing: leave it out');
  });

  it('writes a path in the usual form, and has its own name', () => {
    expect(text(1, ['hosts', 3, 'name'])).toBe('hosts[3].name is 1: leave it out');
    expect(text(1, [0, 'name'])).toBe('[0].name is 1: leave it out');
    expect(new InputError([]).name).toBe('InputError');
  });

  it('lists the choices of the schema, unless the schema has a message of its own', () => {
    const remedies = (schema: z.ZodType, value: unknown) =>
      schema.safeParse(value).error?.issues.map(remedyOf);
    const choices = [z.number(), z.literal('all')] as const;
    expect(remedies(z.union(choices), 'some')).toEqual(['expected number, or expected "all"']);
    expect(remedies(z.union(choices, 'give a number'), 'some')).toEqual(['give a number']);
    expect(remedies(z.int().min(2), 1)).toEqual(['expected number to be >=2']);
    expect(remedies(z.string(), 1)).toEqual(['expected string']);
  });
});

describe('a member of an aggregate that is no host', () => {
  it('is a finding: the VIM still plans, and counts it', () => {
    const build = patchBuild(hosts, {
      hostAggregates: [aggregate('a', 'w0'), aggregate('b', 'w1', 'ghost')],
    });
    expect(stageTexts(build)).toHaveLength(2);
    expect(build.findings).toMatchObject([
      { code: 'unknown-host', path: ['inputs', 'hostAggregates', 1, 'hostNames', 1], value: 'ghost' },
    ]);
  });
});

describe('a create request out of bounds', () => {
  const MAXIMUM = 'max-parallel-worker-hosts';
  const limited = (most: unknown) => ({ params: { [MAXIMUM]: most } });

  it.each([0, 1, 101, -2, 2.5, '1', '101', 'many', null, true])('is refused: at most %j workers', (most) => {
    const path = `inputs.params.${MAXIMUM} `;
    const [problem, ...more] = problems(() => patchBuild(hosts, limited(most)));
    expect([problem?.includes(path), more]).toEqual([true, []]);
    expect(() => patchBuild(hosts, limited(most))).toThrow('give a whole number from 2 to 100');
  });

  it('allows sw-patch 2 to 100 and sw-upgrade 2 to 10 workers, also as text', () => {
    const patch = [2, 100, '2', '100'].map((most) => problems(() => patchBuild(hosts, limited(most))));
    const upgrade = [2, 10, '10', 11].map(
      (most) => problems(() => upgradeBuild(hosts, limited(most))).length,
    );
    expect([patch.flat(), upgrade]).toEqual([[], [0, 0, 0, 1]]);
    expect(problems(() => patchBuild(hosts, limited(101)))).toEqual([
      `out-of-range inputs.params.${MAXIMUM} 101`,
    ]);
  });

  it('names every field that is missing, unknown or not one of its choices', () => {
    const params = { 'worker-apply-type': 'fast', 'storage-apply-type': undefined, speed: 1 };
    expect(
      problems(() => patchBuild(hosts, { params })).map((each) => each.split(' ').slice(0, 2).join(' ')),
    ).toEqual([
      'malformed inputs.params.storage-apply-type',
      'malformed inputs.params.worker-apply-type',
      'malformed inputs.params.speed',
    ]);
    expect(() => patchBuild(hosts, { params })).toThrow(
      'inputs.params.storage-apply-type is missing: expected one of "serial"|"parallel"|"ignore"; ',
    );
    expect(() => upgradeBuild(hosts, { params: { 'controller-apply-type': 'serial' } })).toThrow(
      'inputs.params.controller-apply-type is "serial": there is no such field; known here: storage-apply-type, worker-apply-type, ',
    );
  });
});

describe('an unknown name', () => {
  it('is refused as a profile, and so is a profile without this kind of strategy', () => {
    expect(problems(() => patchBuild(hosts, { profile: 'vim-1999' }))).toEqual([
      'unknown-profile profile "vim-1999"',
    ]);
    expect(() => upgradeBuild(hosts, { profile: 'vim-2024' })).toThrow(
      'profile is "vim-2024": no profile of this name has sw-upgrade; use vim-2017, vim-2020',
    );
  });

  it('is refused as a kind of strategy, other than sw-patch and sw-upgrade', () => {
    expect(problems(() => parseRequest('fw-update', patchInputs(hosts)))).toEqual([
      'unknown-kind kind "fw-update"',
    ]);
  });

  it('is refused when an upgrade is to be completed without controller-1', () => {
    const inputs = upgradeInputs([worker('w0')], { params: { 'complete-upgrade': true } });
    expect(problems(() => buildVim('vim-2020', parseRequest('sw-upgrade', inputs)))).toEqual([
      'unknown-host inputs.params.complete-upgrade true',
    ]);
  });
});
