import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sessionDifference } from '../../src/cli/vectors/sessions/compare-sessions.ts';
import type { PlayedSession } from '../../src/cli/vectors/sessions/play-session.ts';
import {
  recordedSession,
  sessionsFile,
  type RecordedSession,
} from '../../src/cli/vectors/sessions/recorded-session.ts';
import { apply, remove } from '../support/controlplane/apply.ts';
import { untilObject } from '../support/controlplane/until-object.ts';
import { createNodes } from '../support/hosts/simulated-nodes.ts';
import { poolManifest, sessionManifest } from '../support/operator/strategies.ts';
import { closed, Cluster, Fleet } from './cluster.ts';
import { RecordedProject } from './recorded-project.ts';
import { SessionRecorder } from './session-recorder.ts';

const RECORDINGS = new URL('../vectors/fenix/sessions.json', import.meta.url);
const REPLY_SECONDS = 30;
const OVER = new Set(['MAINTENANCE_DONE', 'MAINTENANCE_FAILED']);

let cluster: Cluster;
let recordings: ReadonlyMap<string, RecordedSession>;
beforeAll(async () => {
  const { sessions } = sessionsFile.parse(JSON.parse(await readFile(RECORDINGS, 'utf8')));
  recordings = new Map(sessions.map((each) => recordedSession.parse(each)).map((each) => [each.id, each]));
  cluster = await Cluster.start();
});
afterAll(async () => cluster.stop());

/** Plays a recorded session: its hosts are nodes with so many CPUs, its instances pods, and its projects namespaces. */
async function play(recorded: RecordedSession): Promise<PlayedSession> {
  const { id, world, create } = recorded;
  const hostOf = (host: string): string => `${id}-${host}`;
  const nameOf = (host: string): string => host.slice(id.length + 1);
  const hosts = world.computeHosts.map(hostOf);
  const { admin } = cluster;
  await createNodes(
    admin,
    hosts.map((name) => ({ name, labels: { pool: id }, cpus: world.capacityPerHost })),
  );
  await apply(admin, poolManifest(id, hosts.length));
  const fleet = new Fleet(cluster, id, hosts, sessionManifest(id));
  const names = [...new Set(world.instances.map(({ project }) => project))];
  const projects = names.map((project, index) => {
    const namespace = `${id}-${String(index)}`;
    return new RecordedProject({ cluster, recorded, project, namespace, pool: id });
  });
  await Promise.all(projects.map((project) => project.start(hostOf)));
  const recorder = await SessionRecorder.start({
    ...{ admin, session: fleet.strategy, hosts, nameOf },
    projects: new Map(projects.map(({ namespace }, index) => [namespace, names[index] ?? ''])),
    wasRemoved: (instance) => projects.some((project) => project.hasRemoved(instance)),
  });
  let isOver = false;
  const answering = projects.map((project) => project.answer(() => isOver));
  await fleet.apply({
    ...{ hosts: create.hosts.map(hostOf), actions: [], execution: { mode: 'Run' } },
    replies: { replySeconds: REPLY_SECONDS, scaleInReplySeconds: REPLY_SECONDS },
  });
  try {
    const { session } = await fleet.until('the end', (status) => OVER.has(status.session?.state ?? ''), 40);
    isOver = true;
    await Promise.all(answering);
    const instancesAfter = (await Promise.all(projects.map((project) => project.instances()))).flat();
    await remove(admin, fleet.strategy);
    await untilObject('its end', admin, fleet.strategy, (object) => object === undefined);
    return {
      ...{ trace: recorder.trace, endState: session?.state ?? '', instancesAfter },
      hostsAfterDelete: closed(await fleet.nodes()).map((host) => ({
        host: nameOf(host),
        schedulable: false,
      })),
    };
  } finally {
    recorder.stop();
  }
}

/** A pod is not moved live, so that is not offered on nodes. */
function onNodes(recorded: RecordedSession): RecordedSession {
  const trace = recorded.trace.map((entry) => {
    const { notification } = entry;
    const offered = notification?.payload.allowed_actions;
    if (!notification || !offered) return entry;
    const allowed_actions = offered.filter((action) => action !== 'LIVE_MIGRATE');
    return {
      ...entry,
      notification: { ...notification, payload: { ...notification.payload, allowed_actions } },
    };
  });
  return { ...recorded, trace };
}

describe('a session of Fenix that was recorded', () => {
  it.each(['empty-host-available', 'scale-in-frees-a-host', 'nack-planned'])(
    'goes the same way on nodes: %s',
    async (id) => {
      const found = recordings.get(id);
      if (!found) throw new Error(`there is no recording ${id}`);
      const recorded = onNodes(found);
      const played = await play(recorded);
      expect(sessionDifference(recorded, played), JSON.stringify(played.trace, undefined, 1)).toBeUndefined();
      expect(played.hostsAfterDelete).toEqual([]);
    },
  );
});
