/** Writes of the operator that admission denies for now: evictions, and the creation of Jobs. */
import type { Call } from '../../../src/kube/client.ts';
import { Refusal } from '../world/api-server.ts';
import { jobEnded } from '../world/job-controller.ts';
import { later, type Incident, type Influence, type Scene } from './incident.ts';

type Denial = (about: string) => Refusal;

const WEBHOOK = 'admission webhook "db.example.com" denied the request: ';

const byWebhook = (code: number, reason: string, words: string): Denial => {
  return () => new Refusal(code, reason, WEBHOOK + words);
};

const MOVING = 'the primary of the cluster still moves';
const EVICTIONS: readonly Denial[] = [
  byWebhook(400, 'BadRequest', MOVING),
  byWebhook(403, 'Forbidden', MOVING),
  byWebhook(422, 'Invalid', MOVING),
  byWebhook(429, 'TooManyRequests', MOVING),
  byWebhook(500, 'InternalError', MOVING),
  (about) =>
    new Refusal(
      422,
      'Invalid',
      `pods "${about}" is forbidden: ValidatingAdmissionPolicy 'keep' with binding 'keep-all' denied request: not now`,
    ),
  () =>
    new Refusal(
      500,
      'InternalError',
      'Internal error occurred: failed calling webhook "db.example.com": failed to call webhook: Post "https://db.example:443/evict": context deadline exceeded',
    ),
];

const JOBS: readonly Denial[] = [
  (about) =>
    new Refusal(
      403,
      'Forbidden',
      `jobs.batch "${about}" is forbidden: exceeded quota: hosts, requested: count/jobs.batch=1, used: count/jobs.batch=4, limited: count/jobs.batch=4`,
    ),
  byWebhook(403, 'Forbidden', 'images are being scanned'),
  byWebhook(400, 'BadRequest', 'images are being scanned'),
];

/** Denies some of the evictions; the pods may be evicted after a while. */
export const evictionDenied: Incident = (scene) =>
  denied(scene, EVICTIONS, ({ method, path }) =>
    method === 'POST' && path.endsWith('/eviction') ? path.split('/').at(-2) : undefined,
  );

/** Refuses to make some of the Jobs; they may be made after a while. */
export const jobRefused: Incident = (scene) =>
  denied(scene, JOBS, ({ method, path, body }) =>
    method === 'POST' && path.endsWith('/jobs') ? nameIn(body) : undefined,
  );

/** Denies a write from its first try on, for some seconds. `aboutOf`: the name in it, if the write is of this kind. */
function denied(
  scene: Scene,
  denials: readonly Denial[],
  aboutOf: (request: Call) => string | undefined,
): Influence {
  const { random, scheduler, isMild, isOver, note } = scene;
  const denial = random.pick(denials);
  const until = new Map<string, number>();
  return {
    admit: (request) => {
      const about = aboutOf(request);
      if (about === undefined || isOver()) return request;
      if (!until.has(about)) {
        const forMs = random.chance(0.5) ? random.int(2_000, isMild ? 25_000 : 120_000) : 0;
        until.set(about, scheduler.now + forMs);
        if (forMs > 0) note(about);
      }
      if ((until.get(about) ?? 0) > scheduler.now) throw denial(about);
      return request;
    },
  };
}

function nameIn(body: unknown): string {
  return String(Reflect.get(Object(Reflect.get(Object(body), 'metadata')), 'name'));
}

/** The quota of pods is full for a while, or no container can start. */
export const jobWithoutPod: Incident = (scene) => {
  const { random, isMild, isOver, note } = scene;
  const shows = random.pick(['no pod', 'a waiting pod'] as const);
  const reason = random.pick(['ImagePullBackOff', 'CreateContainerConfigError', 'ContainerCreating']);
  return {
    startOf: ({ metadata }) => {
      if (isOver() || !random.chance(0.4)) return undefined;
      note(`${metadata.name}: ${shows === 'no pod' ? shows : reason}`);
      const isForGood = !isMild && random.chance(0.4);
      return { afterMs: isForGood ? Infinity : random.int(2_000, isMild ? 15_000 : 60_000), shows, reason };
    },
  };
};

/** A janitor deletes Jobs that have ended: at once, or after some time. */
export const janitor: Incident = (scene) => {
  const { random, server, isMild, note } = scene;
  const isPrompt = !isMild && random.chance(0.4);
  const seen = new Set<string>();
  server.listen(({ resource, type, object }) => {
    if (resource !== 'jobs' || type !== 'MODIFIED' || !jobEnded(object)) return;
    const { metadata } = object;
    if (seen.has(metadata.uid)) return;
    seen.add(metadata.uid);
    const key = `${String(metadata.namespace)}/${metadata.name}`;
    later(scene, isPrompt ? random.int(0, 1_500) : random.int(2_000, 30_000), () => {
      if (server.get('jobs', key)?.metadata.uid !== metadata.uid) return;
      note(metadata.name);
      server.remove('jobs', key, 'janitor');
    });
  });
  return {};
};

/** A policy engine changes our Jobs: at admission, or soon afterwards. */
export const policyEditsJobs: Incident = (scene) => {
  const { random, server, isOver, note } = scene;
  const atAdmission = random.chance(0.5);
  const what = random.pick(['backoffLimit', 'finalizer', 'both'] as const);
  const spec = what === 'finalizer' ? {} : { backoffLimit: 4 };
  const finalizers = what === 'backoffLimit' ? [] : ['policy.example.com/audit'];
  if (!atAdmission)
    server.listen(({ resource, type, object: { metadata } }) => {
      if (resource !== 'jobs' || type !== 'ADDED' || isOver() || !random.chance(0.8)) return;
      const key = `${String(metadata.namespace)}/${metadata.name}`;
      later(scene, random.int(0, 3_000), () => {
        const job = server.get('jobs', key);
        if (job?.metadata.uid !== metadata.uid || job.spec?.['suspend'] !== true) return;
        note(`${metadata.name}: ${what}`);
        server.update(
          'jobs',
          key,
          (each) => ({
            ...each,
            metadata: { ...each.metadata, finalizers },
            spec: { ...each.spec, ...spec },
          }),
          'policy',
        );
      });
    });
  return {
    admit: (request) => {
      const { method, path, body } = request;
      const isJob = method === 'POST' && path.endsWith('/jobs');
      if (!isJob || !atAdmission || isOver() || !random.chance(0.8)) return request;
      note(`${nameIn(body)}: ${what}, at its creation`);
      const job = Object(body) as Record<string, object>; // the operator's own manifest
      return {
        ...request,
        body: {
          ...job,
          metadata: { ...job['metadata'], finalizers },
          spec: { ...job['spec'], ...spec },
        },
      };
    },
  };
};
