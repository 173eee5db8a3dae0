/** Any platform of the VIM that can be planned for, and the hosts that its plan takes together. */
import fc from 'fast-check';
import type { VimBuild } from '../../../src/planner/vim/build.ts';
import { aggregate, group, host, hostsOf, instance, LOCKED, type TestHost } from './vim-platform.ts';

const ROLES = [['controller'], ['controller', 'worker'], ['storage'], ['swift'], ['worker']] as const;
const POLICIES = ['anti-affinity', 'anti-affinity-best-effort', 'affinity'];
const picks = fc.array(fc.nat(1000), { maxLength: 6 });
/** Lists of up to so many, often nearly as many: the default of fast-check draws at most ten. */
const upTo = (maxLength: number) => ({ maxLength, size: 'max' }) as const;

/** A valid platform; numbers refer to hosts and instances, modulo their count. */
export const anyPlatform = fc.record({
  profile: fc.constantFrom('vim-2017', 'vim-2020', 'vim-2024'),
  hosts: fc.array(
    fc.record({
      role: fc.nat(7),
      current: fc.boolean(),
      reboot: fc.boolean(),
      locked: fc.boolean(),
      compute: fc.boolean(),
    }),
    upTo(40),
  ),
  instances: fc.array(fc.nat(1000), upTo(60)),
  groups: fc.array(fc.record({ policy: fc.constantFrom(...POLICIES), members: picks }), upTo(6)),
  aggregates: fc.array(fc.array(fc.nat(1000), upTo(20)), upTo(4)),
  replication: fc.array(picks, upTo(4)),
  parallel: fc.boolean(),
  action: fc.constantFrom('migrate', 'stop-start'),
  most: fc.integer({ min: 2, max: 9 }),
});
export type Drawn = typeof anyPlatform extends fc.Arbitrary<infer T> ? T : never;

export function platform(drawn: Drawn) {
  const hosts = [...drawn.hosts, ...TWO_OF_EACH].map(({ role, current, reboot, locked, compute }, i) => {
    const personality = ROLES[role] ?? (['worker'] as const);
    const state = locked && personality.length === 1 && personality[0] === 'worker' ? LOCKED : {};
    const patch = { patchCurrent: current, requiresReboot: reboot };
    return host(`h${String(i)}`, personality, patch, { openstackCompute: compute, ...state });
  });
  const names = (numbers: readonly number[], among: readonly TestHost[] = hosts) => [
    ...new Set(numbers.flatMap((n) => among[n % among.length]?.name ?? [])),
  ];
  const storage = hosts.filter(({ personality }) => personality.includes('storage'));
  const instances = drawn.instances.map((n, i) => instance(`vm${String(i)}`, `h${String(n % hosts.length)}`));
  const members = (numbers: readonly number[]) =>
    numbers.flatMap((n) => instances[n % Math.max(1, instances.length)]?.uuid ?? []);
  const type = drawn.parallel ? 'parallel' : 'serial';
  return {
    hosts,
    given: {
      profile: drawn.profile,
      activeController: 'h0',
      instances,
      instanceGroups: drawn.groups.map(({ policy, members: of }, i) =>
        group(`g${String(i)}`, policy, ...members(of)),
      ),
      hostAggregates: drawn.aggregates.map((of, i) => aggregate(`a${String(i)}`, ...names(of))),
      hostGroups: drawn.replication.map((of, i) => ({
        name: `r${String(i)}`,
        policies: ['storage-replication'],
        memberNames: names(of, storage),
      })),
      params: {
        'worker-apply-type': type,
        'storage-apply-type': type,
        'default-instance-action': drawn.action,
        'max-parallel-worker-hosts': drawn.most,
      },
    },
  };
}

/** The inventory that the checks of a role ask for. */
const TWO_OF_EACH = [0, 0, 2, 2, 3, 3].map((role) => ({
  role,
  current: true,
  reboot: true,
  locked: false,
  compute: false,
}));

export type Taken = { readonly name: string; readonly hosts: readonly TestHost[]; readonly locks: boolean };

export function taken({ stages }: VimBuild, hosts: readonly TestHost[]): Taken[] {
  const byName = new Map(hosts.map((each) => [each.name, each]));
  return stages.map((stage) => ({
    name: stage.name,
    hosts: hostsOf(stage).flatMap((name) => byName.get(name) ?? []),
    locks: stage.steps.some(({ name }) => /^(lock|reboot)-hosts$/.test(name)),
  }));
}

export const isWorkerStage = ({ name }: Taken): boolean => name === 'sw-patch-worker-hosts';
export const isController = ({ personality }: TestHost): boolean => personality.includes('controller');
