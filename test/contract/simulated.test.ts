import { hostPoolSpec } from '../../src/crds/host-pool.ts';
import { SimulatedHostOps } from '../../src/hostops/simulated/simulated-host-ops.ts';
import { SimulatedWorld } from '../../src/hostops/simulated/simulated-world.ts';
import { hostOfKey, subjectOfKey } from '../../src/engine/effect.ts';
import {
  EPOCH,
  EXIT_CODE,
  nodeFactsWith,
  OLD_KERNEL,
  PATCH,
  RUN,
  type ContractFixture,
} from './contract-case.ts';
import { hostOpsContract } from './host-ops-contract.ts';

const { roles, health } = hostPoolSpec.parse({ provider: { kubernetes: {} }, maxUnavailable: 1 });

hostOpsContract('The simulated adapter', async (): Promise<ContractFixture> => {
  const world = new SimulatedWorld({ [PATCH]: { atReboot: { 'nodeInfo.kernelVersion': '6.12.48' } } });
  world.addHost({ name: 'of-another-pool' });
  world.platform = { version: 'v1.36.2', deprecatedApis: [] };
  return {
    ops: new SimulatedHostOps(world),
    scope: {
      pool: 'case',
      provider: { kubernetes: { nodeSelector: { pool: 'case' } } },
      before: [],
      roles,
      health,
    },
    providerOf: (nodeSelector) => ({ kubernetes: { nodeSelector } }),
    factsWith: nodeFactsWith,
    owner: { kind: 'PatchStrategy', namespace: 'careen-hosts', name: 'contract', uid: 'strategy-1' },
    addHost: async (name, { labels = {}, failing = false, stuck = false } = {}) => {
      const nodeInfo = { 'nodeInfo.kernelVersion': OLD_KERNEL };
      const behaviour = stuck ? 'stuck' : failing ? EXIT_CODE : 'honest';
      world.addHost({ name, labels: { ...labels, pool: 'case' }, nodeInfo, behaviour });
      return name;
    },
    addPod: async (host, name, budget) => {
      world.setBudget('none-to-spare', 0);
      return world.addPod({ host, name, budget: budget === 'protected' ? 'none-to-spare' : undefined });
    },
    podExists: async ({ uid }) => world.pods.has(uid),
    setReady: async (host, ready) => world.changeHost(host, { ready }),
    taint: async (host, key) => {
      const taints = world.hosts.get(host)?.taints ?? [];
      world.changeHost(host, { taints: [...taints, { key, effect: 'NoSchedule' }] });
    },
    report: async (host, type) => {
      const conditions = world.hosts.get(host)?.conditions ?? [];
      const reported = { type, detail: 'a test wants it', since: world.now };
      world.changeHost(host, { conditions: [...conditions, reported] });
    },
    close: async (host) => world.changeHost(host, { closedToNewWork: true }),
    open: async (host) => world.changeHost(host, { closedToNewWork: false }),
    alterJob: async (name) => {
      const job = [...world.jobs.values()].find((each) => each.name === name);
      if (job) world.changeJob(job.key, { altered: 'its backoffLimit is 4' });
    },
    addConfigMap: async (name, immutable) => {
      world.configMaps.set(`careen-hosts/${name}`, { immutable });
    },
    addStrangersJob: async (key) => {
      const [host, action] = [hostOfKey(key), subjectOfKey(key)];
      world.addJob({ key, run: RUN, ownerUid: 'stranger', epoch: EPOCH, host, action, container: 'x' });
      world.changeJob(key, { state: 'running' });
      const made = world.jobs.get(key);
      return { name: made?.name ?? '', isUntouched: async () => world.jobs.get(key) === made };
    },
    editClaim: async (host) => world.changeHost(host, { claim: undefined, spoiltClaim: 'it was edited' }),
    eventually: async (what, condition) => {
      while (!condition()) {
        if (world.nextAt === undefined) throw new Error(`waited in vain for ${what}`);
        world.advanceTo(world.nextAt);
      }
    },
    cleanup: async () => undefined,
  };
});
