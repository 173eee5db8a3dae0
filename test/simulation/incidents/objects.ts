/** Other tools that rewrite our objects: git, backups, people who clean up. */
import { stagesOf, stateOf } from '../seen.ts';
import type { ApiObject, NewObject } from '../world/objects.ts';
import { keyOf } from '../world/objects.ts';
import { isStrategies, refOf, textOf, type StrategyRef } from '../world/strategies.ts';
import { labelsOf, OLD } from '../scenario.ts';
import { later, whenStepBegins, type Incident, type Influence, type Scene } from './incident.ts';

const CLAIM = 'careen.dev/claim';
const REQUEST = 'careen.dev/request';
const GIT = 'git';
const SOMEBODY = 'somebody';

/** Git's copy of a strategy, or that of a backup, replaces ours. Some were ordered by request, in mode Hold. */
export const gitRestores = (scene: Omit<Scene, 'cluster'>): Influence => {
  const { random, server, strategies, note } = scene;
  const ref = random.pick(strategies);
  const { resource, key } = ref;
  if (random.chance(0.6)) later(scene, random.int(3_000, 8_000), () => askInHold(scene, ref));
  let copy: ApiObject | undefined;
  for (let left = random.int(1, 3), at = 8_000; left > 0; left -= 1) {
    later(scene, at, () => {
      copy = server.get(resource, key);
    });
    at += random.int(2_000, 60_000);
    later(scene, at, () => {
      if (!copy || server.get(resource, key)?.metadata.uid !== copy.metadata.uid) return;
      const way = random.pick(WAYS);
      note(`${textOf(ref)}: ${way.name}`);
      way.act(scene, ref, copy);
    });
  }
  return {};
};

function askInHold({ server }: Pick<Scene, 'server'>, { resource, key }: StrategyRef): void {
  if (!server.get(resource, key)) return;
  const request = JSON.stringify({ id: 'from-git', verb: 'apply-all' });
  server.update(
    resource,
    key,
    ({ metadata, spec, ...rest }) => ({
      ...rest,
      metadata: { ...metadata, annotations: { ...metadata.annotations, [REQUEST]: request } },
      spec: { ...spec, execution: { mode: 'Hold' } },
    }),
    SOMEBODY,
  );
}

type Way = {
  readonly name: string;
  readonly act: (scene: Pick<Scene, 'server'>, ref: StrategyRef, copy: ApiObject) => void;
};

const change = (name: string, of: (object: ApiObject, copy: ApiObject) => ApiObject): Way => ({
  name,
  act: ({ server }, { resource, key }, copy) => {
    server.update(resource, key, (object) => of(object, copy), GIT);
  },
});

const withFinalizers = (object: ApiObject, finalizers: readonly string[]): ApiObject => ({
  ...object,
  metadata: { ...object.metadata, finalizers },
});

const WAYS: readonly Way[] = [
  change('its finalizers are removed', (object) => withFinalizers(object, [])),
  change('its status is removed', ({ status: _, ...object }) => object),
  change('its status and finalizers are removed', ({ status: _, ...object }) => withFinalizers(object, [])),
  change('its request is placed again', (object, { metadata }) => {
    const request = metadata.annotations?.[REQUEST];
    const annotations = {
      ...object.metadata.annotations,
      ...(request === undefined ? {} : { [REQUEST]: request }),
    };
    return { ...object, metadata: { ...object.metadata, annotations } };
  }),
  {
    name: 'it is made again from a copy without status',
    act: ({ server }, { resource, key }, copy) => {
      server.update(resource, key, (object) => withFinalizers(object, []), GIT);
      // One that was being deleted is gone with its last finalizer.
      if (server.get(resource, key)) server.remove(resource, key, GIT);
      server.create(resource, exported(copy), GIT);
    },
  },
];

function exported({ apiVersion, kind, metadata, spec }: ApiObject): NewObject {
  const { name, namespace, labels, annotations } = metadata;
  const kept = {
    ...(namespace === undefined ? {} : { namespace }),
    ...(labels ? { labels } : {}),
    ...(annotations ? { annotations } : {}),
  };
  return { apiVersion, kind, metadata: { name, ...kept }, ...(spec ? { spec } : {}) };
}

/** Somebody removes a claim by hand. */
export const claimRemoved: Incident = (scene) => {
  const { random, server, note } = scene;
  let left = random.int(1, 2);
  whenStepBegins(scene, ({ stage, step }) => {
    if (left === 0 || stage.hosts.length === 0 || !random.chance(0.5)) return;
    const host = random.pick(stage.hosts);
    later(scene, random.int(0, 8_000), () => {
      const node = server.get('nodes', host);
      if (node?.metadata.annotations?.[CLAIM] === undefined) return;
      left -= 1;
      note(`${host}, in ${step.name}`);
      server.update(
        'nodes',
        host,
        (each) => {
          const { [CLAIM]: _, ...annotations } = each.metadata.annotations ?? {};
          return { ...each, metadata: { ...each.metadata, annotations } };
        },
        SOMEBODY,
      );
    });
  });
  return {};
};

/** A tool removes the owner of a Job. */
export const ownerRemoved: Incident = (scene) => {
  const { random, server, isOver, note } = scene;
  server.listen(({ resource, type, object: { metadata } }) => {
    if (resource !== 'jobs' || type !== 'ADDED' || isOver() || !random.chance(0.6)) return;
    const key = keyOf(metadata);
    later(scene, random.int(0, 10_000), () => {
      const job = server.get('jobs', key);
      if (job?.metadata.uid !== metadata.uid || !job.metadata.ownerReferences) return;
      note(metadata.name);
      server.update(
        'jobs',
        key,
        (each) => {
          const { ownerReferences: _, ...rest } = each.metadata;
          return { ...each, metadata: rest };
        },
        SOMEBODY,
      );
    });
  });
  return {};
};

/** Somebody deletes PlanStages while a strategy is carried out. Only plans in parts have some. */
export const planStageDeleted: Incident = (scene) => {
  const { random, server, note } = scene;
  let left = random.int(1, 3);
  whenStepBegins(scene, () => {
    if (left === 0 || !random.chance(0.3)) return;
    left -= 1;
    later(scene, random.int(0, 5_000), () => {
      const all = server.list('planstages');
      if (all.length === 0) return;
      const { metadata } = random.pick(all);
      note(metadata.name);
      server.remove('planstages', keyOf(metadata), SOMEBODY);
    });
  });
  return {};
};

/** A host joins after a run has ended, and somebody asks for the plan again. */
export const appliedAgain: Incident = (scene) => {
  const { random, server, cluster, isOver, expectPatched, note } = scene;
  let left = 1;
  server.listen(({ resource, type, object, before }) => {
    if (!isStrategies(resource) || type !== 'MODIFIED' || isOver() || left === 0) return;
    const isApplied = stateOf(object) === 'applied' && before !== undefined && stateOf(before) !== 'applied';
    if (!isApplied || stagesOf(object).length === 0) return;
    left -= 1;
    const ref = refOf(object);
    const { key } = ref;
    const host = 'joined-later';
    later(scene, random.int(1_000, 10_000), () => cluster.addNode(host, labelsOf(host), OLD));
    later(scene, random.int(11_000, 30_000), () => {
      if (!server.get(resource, key)) return;
      note(`${textOf(ref)}: apply-all`);
      expectPatched(ref, host);
      const request = JSON.stringify({ id: `again-${String(random.int(1, 1_000_000))}`, verb: 'apply-all' });
      server.update(
        resource,
        key,
        ({ metadata, ...rest }) => ({
          ...rest,
          metadata: { ...metadata, annotations: { ...metadata.annotations, [REQUEST]: request } },
        }),
        SOMEBODY,
      );
    });
  });
  return {};
};
