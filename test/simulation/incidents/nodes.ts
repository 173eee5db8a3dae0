/** Nodes that join, leave, are made again, flap, or are not there yet. */
import { labelsOf, NEW, OLD } from '../scenario.ts';
import { later, lasting, whenStepBegins, type Incident } from './incident.ts';

/** A node that joins takes so long until it is Ready for the first time. */
export const nodeJoins: Incident = (scene) => {
  const { random, cluster, isMild, note } = scene;
  for (let left = random.int(1, 2); left > 0; left -= 1) {
    const name = `late-${String(left)}`;
    later(scene, random.int(2_000, 90_000), () => {
      note(name);
      const join = (): void => cluster.joinNode(name, labelsOf(name), random.pick([OLD, OLD, NEW]));
      lasting(scene, random.int(4_000, isMild ? 14_000 : 60_000), join, () => cluster.joined(name));
    });
  }
  return {};
};

/** The autoscaler removes a planned host for good, in any step. */
export const plannedHostLeaves: Incident = (scene) => removal(scene, () => undefined);

/** A planned host is deleted and made again under its name. */
export const hostMadeAgain: Incident = (scene) => {
  const { random, cluster } = scene;
  return removal(scene, (host) =>
    scene.scheduler.after(random.int(1_000, 40_000), () => {
      if (!scene.server.get('nodes', host)) cluster.addNode(host, labelsOf(host), random.pick([OLD, NEW]));
    }),
  );
};

function removal(scene: Parameters<Incident>[0], removed: (host: string) => void): ReturnType<Incident> {
  const { random, cluster, server, note } = scene;
  let left = random.int(1, 2);
  whenStepBegins(scene, ({ stage, step }) => {
    if (left === 0 || stage.hosts.length === 0 || !random.chance(0.2)) return;
    left -= 1;
    const host = random.pick(stage.hosts);
    later(scene, random.int(0, 8_000), () => {
      if (!server.get('nodes', host)) return;
      note(`${host}, in ${step.name}`);
      cluster.removeNode(host);
      removed(host);
    });
  });
  return {};
}

/** A host is NotReady for some seconds while the run looks whether it is well. */
export const hostFlaps: Incident = (scene) => {
  const { random, cluster, note } = scene;
  let serial = 0;
  whenStepBegins(scene, ({ stage, step }) => {
    if (!['verify', 'system-stabilize'].includes(step.name) || stage.hosts.length === 0) return;
    if (!random.chance(0.4)) return;
    const host = random.pick(stage.hosts);
    serial += 1;
    const reason = `flap-${String(serial)}`;
    later(scene, random.int(0, 2_500), () => {
      note(`${host}, in ${step.name}`);
      const set = (isDown: boolean): void => cluster.setDown(host, reason, isDown);
      lasting(
        scene,
        random.int(1_000, 5_000),
        () => set(true),
        () => set(false),
      );
    });
  });
  return {};
};

/** A host comes back from its reboot Ready, and its network agent is not up yet. */
export const taintAfterReboot: Incident = (scene) => {
  const { random, cluster, isMild, isOver, note } = scene;
  const key = random.pick([
    'node.cilium.io/agent-not-ready',
    'ebs.csi.aws.com/agent-not-ready',
    'example.com/starting',
  ]);
  return {
    comesBack: (host) => {
      if (isOver() || !random.chance(0.6)) return;
      note(host);
      lasting(
        scene,
        random.int(3_000, isMild ? 20_000 : 90_000),
        () => cluster.setTaint(host, key, true),
        () => cluster.setTaint(host, key, false),
      );
    },
  };
};

const DEADLOCK = {
  type: 'KernelDeadlock',
  reason: 'DockerHung',
  message: 'task docker:7 blocked for more than 300 seconds',
};
const READ_ONLY = {
  type: 'ReadonlyFilesystem',
  reason: 'FilesystemIsReadOnly',
  message: 'Remounting filesystem read-only',
};

/** A problem of a host turns True with its reboot, for a while or until somebody mends it. */
export const problemAfterReboot: Incident = (scene) => {
  const { random, cluster, isOver, note } = scene;
  const problem = random.pick([DEADLOCK, READ_ONLY]);
  return {
    comesBack: (host) => {
      if (isOver() || !random.chance(0.9)) return;
      note(host);
      lasting(
        scene,
        random.chance(0.5) ? random.int(3_000, 30_000) : 300_000,
        () => cluster.setProblem(host, problem, true),
        () => cluster.setProblem(host, problem, false),
      );
    },
  };
};
