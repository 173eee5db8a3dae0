/** Pods that come back to a closed host, stay there, leave late, or appear after the drain. */
import { claimOf, outagesOf } from '../seen.ts';
import { nodeOf } from '../world/cluster.ts';
import { later, whenStepBegins, type Incident, type Scene } from './incident.ts';

/** The pods of this app tolerate everything: their Deployment brings them back to the same host. */
const STICKY = 'sticky';
const DAEMON = 'agent';
const HELD = 'held';
const DEBUG = 'debugger';

/** A Deployment that tolerates the cordon places its pods on the same host again. */
export const podComesBack: Incident = (scene) => {
  const { random, cluster, hosts, server, isOver, note } = scene;
  for (const host of hosts)
    if (random.chance(0.5))
      later(scene, random.int(10, 2_000), () => {
        if (server.get('nodes', host)) cluster.addPod(STICKY, host, { tolerant: true });
      });
  return {
    returnsTo: (pod) => {
      if (pod.metadata.labels?.['app'] !== STICKY || isOver()) return undefined;
      note(nodeOf(pod));
      return nodeOf(pod);
    },
  };
};

/** The pods of a DaemonSet of another API group. */
export const daemonPod: Incident = (scene) => {
  const { random, cluster, hosts, server, note } = scene;
  const daemonOf = random.pick(['apps.kruise.io/v1alpha1', 'apps/v1']);
  for (const host of hosts)
    later(scene, random.int(100, 5_000), () => {
      if (!server.get('nodes', host)) return;
      note(host);
      cluster.addPod(DAEMON, host, { daemonOf, tolerant: true });
    });
  return {};
};

/** A finalizer holds a pod that has ended. */
export const podHeld: Incident = (scene) => {
  const { random, cluster, hosts, server, isMild, isOver, note } = scene;
  for (const host of hosts)
    if (random.chance(0.4))
      later(scene, random.int(100, 5_000), () => {
        if (server.get('nodes', host)) cluster.addPod(HELD, host);
      });
  return {
    heldMs: (pod) => {
      if (pod.metadata.labels?.['app'] !== HELD || isOver()) return 0;
      note(pod.metadata.name);
      return random.int(3_000, isMild ? 20_000 : 90_000);
    },
  };
};

/** Somebody debugs a host that is out of service: `kubectl debug` makes a pod without an owner there. */
export const debugPod: Incident = (scene) => {
  const { random, cluster, server, scheduler, isMild, note } = scene;
  whenStepBegins(scene, ({ strategy, step }) => {
    const isAfterDrain = ['sw-patch-hosts', 'verify'].includes(step.name);
    const [outage] = outagesOf(strategy).filter(({ level }) => level === 'away');
    if (!isAfterDrain || !outage || !random.chance(0.6)) return;
    later(scene, random.int(0, 6_000), () => {
      const node = server.get('nodes', outage.name);
      if (!node || (isMild && !claimOf(node))) return;
      note(`${outage.name}, in ${step.name}`);
      const key = cluster.addPod(DEBUG, outage.name, { unmanaged: true, tolerant: true });
      scheduler.after(random.int(2_000, isMild ? 15_000 : 120_000), () => cluster.deletePod(key));
      if (isMild) whenReleased(scene, outage.name, () => cluster.deletePod(key));
    });
  });
  return {};
};

/**
 * A pod that outlives the outage fails the drain of the next run that locks the host, and rightly so: it was there
 * before that lock, and nobody can know that it will leave.
 */
function whenReleased({ server }: Scene, host: string, act: () => void): void {
  server.listen(({ resource, object, before }) => {
    if (
      resource === 'nodes' &&
      object.metadata.name === host &&
      before &&
      claimOf(before) &&
      !claimOf(object)
    )
      act();
  });
}
