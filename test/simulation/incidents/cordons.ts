/** Cordons of people that meet those of a run. */
import { claimOf } from '../seen.ts';
import type { ApiObject } from '../world/objects.ts';
import { later, whenStepBegins, type Incident, type Scene } from './incident.ts';

/**
 * A person cordons a host just before its turn, withdraws that during the work, and cordons it again when the run asks
 * for it: at the end it is to be open.
 */
export const cordonWithdrawn: Incident = (scene) => {
  const { random, server, hosts, note } = scene;
  // One of the first hosts: its turn comes before the faults stop.
  const cordoned = new Set([random.pick(hosts.slice(0, 3))]);
  for (const host of cordoned) later(scene, random.int(0, 2_000), () => set(scene, host, true));
  whenStepBegins(scene, ({ stage, step }) => {
    if (step.name !== 'migrate-instances-from-host') return;
    for (const host of stage.hosts.filter((each) => cordoned.delete(each)))
      later(scene, random.int(500, 4_000), () => {
        const node = server.get('nodes', host);
        if (!node || !claimOf(node)) return;
        note(host);
        set(scene, host, false);
        later(scene, random.int(5_000, 40_000), () => set(scene, host, true));
      });
  });
  return {};
};

function set({ server }: Scene, host: string, unschedulable: boolean): void {
  if (!server.get('nodes', host)) return;
  const change = (node: ApiObject): ApiObject => ({ ...node, spec: { ...node.spec, unschedulable } });
  server.update('nodes', host, change, 'somebody');
}
