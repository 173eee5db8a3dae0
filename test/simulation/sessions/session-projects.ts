/**
 * The projects of a simulated world, one for each namespace with pods. Each reads its notice and answers: rightly in most
 * cases, and else too late, wrongly, twice, for somebody else, or not at all.
 */
import type { ApiServer, Change } from '../world/api-server.ts';
import { at } from '../world/api-server.ts';
import { nodeOf, type Cluster } from '../world/cluster.ts';
import { keyOf, type ApiObject, type Json } from '../world/objects.ts';
import type { Random } from '../world/random.ts';
import type { Scheduler } from '../world/scheduler.ts';
import { askedIn, type Asked } from './session-view.ts';

export const PROJECT_FAULTS = [
  ...([
    'project refuses',
    'project answers late',
    'project answers wrongly',
    'project answers twice',
  ] as const),
  ...(['project is silent', 'project forges an answer', 'project never moves its own'] as const),
] as const;
export type ProjectFault = (typeof PROJECT_FAULTS)[number];

const SESSION_UID = 'careen.dev/session-uid';
const PROJECT = 'careen.dev/project';
/** A patient session waits for this long for a project that is silent at first. */
const AT_LAST_MS = 300_000;

export type ProjectsOptions = {
  readonly server: ApiServer;
  readonly cluster: Cluster;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly projects: readonly string[];
  /** By project: how many of its pods must be available. A project that gives up pods lowers its number. */
  readonly minAvailable: Record<string, number>;
  /** Whether every project agrees to everything at once. */
  readonly isCalm: boolean;
  readonly isOperator: (by: string) => boolean;
  readonly note: (kind: ProjectFault, about: string) => void;
};

export class SessionProjects {
  readonly #options: ProjectsOptions;
  /** By project: what it may do besides to agree. */
  readonly #habits: ReadonlyMap<string, readonly ProjectFault[]>;
  /** The uids of the pods that a project has given up: nothing replaces them. */
  readonly #givenUp = new Set<string>();
  /** The questions that a project has seen: `key of its notice/number`. */
  readonly #seen = new Set<string>();
  #isOver = false;

  constructor(options: ProjectsOptions) {
    this.#options = options;
    const { random, projects, server } = options;
    const habit = (): ProjectFault[] => PROJECT_FAULTS.filter(() => random.chance(0.3));
    this.#habits = new Map(projects.map((project) => [project, options.isCalm ? [] : habit()]));
    server.listen((change) => this.#changed(change));
  }

  /** From now on every project agrees to everything, also to what it is asked already. */
  settle(): void {
    const { server } = this.#options;
    this.#isOver = true;
    for (const notice of server.list('maintenancenotices')) {
      const asked = askedIn(notice);
      const { uid, namespace = '' } = notice.metadata;
      if (
        asked &&
        at(notice.status, 'answer') === 'awaited' &&
        this.#seen.has(`${uid}/${String(asked.number)}`)
      )
        this.#hear(keyOf(notice.metadata), namespace, asked);
    }
  }

  isGivenUp({ metadata: { uid } }: ApiObject): boolean {
    return this.#givenUp.has(uid);
  }

  #changed({ resource, type, object, by }: Change): void {
    if (resource !== 'maintenancenotices' || type === 'DELETED' || !this.#options.isOperator(by)) return;
    const asked = askedIn(object);
    if (!asked || at(object.status, 'answer') !== 'awaited') return;
    const { namespace = '' } = object.metadata;
    const key = keyOf(object.metadata);
    const seen = `${object.metadata.uid}/${String(asked.number)}`;
    if (this.#seen.has(seen) || !this.#habits.has(namespace)) return;
    this.#seen.add(seen);
    this.#hear(key, namespace, asked);
  }

  #hear(key: string, project: string, asked: Asked): void {
    const { random, scheduler } = this.#options;
    const habits = this.#habits.get(project) ?? [];
    const habit = !this.#isOver && habits.length > 0 && random.chance(0.3) ? random.pick(habits) : undefined;
    const soonMs = random.int(500, 12_000);
    const about = `${project}, question ${String(asked.number)} (${asked.asks})`;
    const after = (milliseconds: number, answer: Json): void => {
      scheduler.after(milliseconds, () => this.#reply(key, project, answer));
    };
    const right = this.#right(project, asked);
    if (asked.asks === 'SCALE_IN') scheduler.after(soonMs / 2, () => this.#scaleIn(project));
    if (habit) this.#options.note(habit, about);
    switch (habit) {
      case undefined:
        after(soonMs, right);
        break;
      case 'project refuses':
        after(soonMs, { question: asked.number, answer: 'NACK' });
        break;
      case 'project answers late':
        after(Math.max(soonMs, asked.replyBy - scheduler.now + random.int(1_000, 30_000)), right);
        break;
      case 'project answers wrongly':
        after(soonMs, this.#wrong(asked));
        if (random.chance(0.6)) after(soonMs + random.int(2_000, 20_000), right);
        break;
      case 'project answers twice':
        after(soonMs, right);
        after(soonMs + random.int(0, 10_000), { question: asked.number, answer: 'NACK' });
        break;
      case 'project is silent':
        // A session may wait for it, whatever its time.
        after(AT_LAST_MS, right);
        break;
      case 'project forges an answer':
        scheduler.after(soonMs, () => this.#forge(project));
        after(soonMs + random.int(0, 5_000), right);
        break;
      case 'project never moves its own':
        after(
          soonMs,
          withActions(asked, () => 'OWN_ACTION'),
        );
        break;
    }
  }

  /** A valid answer. Where a project moves instances itself, it begins soon after it has said so. */
  #right(project: string, asked: Asked): Json {
    const { random, scheduler } = this.#options;
    if (asked.allowedActions.length === 0) return { question: asked.number, answer: 'ACK' };
    const moves = asked.allowedActions.filter((action) => action !== 'OWN_ACTION');
    if (random.chance(0.5))
      return {
        question: asked.number,
        answer: 'ACK',
        instanceActions: { '*': random.pick(moves) },
      };
    const answer = withActions(asked, () => random.pick(asked.allowedActions));
    for (const uid of asked.instances)
      if (at(answer, 'instanceActions', uid) === 'OWN_ACTION')
        scheduler.after(random.int(15_000, 60_000), () => this.#replace(project, uid));
    return answer;
  }

  /** An answer that changes nothing. */
  #wrong(asked: Asked): Json {
    const { random, server } = this.#options;
    const { number, allowedActions } = asked;
    const other = number === 0 || random.chance(0.5) ? number + 7 : number - 1;
    if (allowedActions.length === 0 || random.chance(0.4))
      return { question: other, answer: random.pick(['ACK', 'NACK']) };
    const foreign = server.list('pods').filter(({ metadata: { uid } }) => !asked.instances.includes(uid));
    if (foreign.length === 0 || random.chance(0.4)) return { question: number, answer: 'ACK' };
    return {
      ...{ question: number, answer: 'ACK' },
      instanceActions: { '*': 'MIGRATE', [random.pick(foreign).metadata.uid]: 'MIGRATE' },
    };
  }

  #reply(key: string, project: string, reply: Json): void {
    const { server } = this.#options;
    if (!server.get('maintenancenotices', key)) return;
    server.update('maintenancenotices', key, (notice) => ({ ...notice, spec: { reply } }), project);
  }

  /** Makes a notice in its own namespace that says that it is the one of another project, which agrees. */
  #forge(project: string): void {
    const { server, random } = this.#options;
    const others = server
      .list('maintenancenotices')
      .filter(({ metadata: { namespace } }) => namespace !== project);
    if (others.length === 0) return;
    const { metadata, apiVersion, kind, status } = random.pick(others);
    const name = random.chance(0.5) ? metadata.name : `of-${metadata.name}`;
    if (server.get('maintenancenotices', keyOf({ namespace: project, name }))) return;
    const labels = {
      [SESSION_UID]: metadata.labels?.[SESSION_UID] ?? '',
      [PROJECT]: metadata.labels?.[PROJECT] ?? '',
    };
    const reply = {
      ...{ question: Number(at(status, 'question', 'number') ?? 0), answer: random.pick(['ACK', 'NACK']) },
      instanceActions: { '*': 'MIGRATE' },
    };
    server.create(
      'maintenancenotices',
      { apiVersion, kind, metadata: { name, namespace: project, labels }, spec: { reply } },
      project,
    );
  }

  /** Gives up some pods. */
  #scaleIn(project: string): void {
    const { server, cluster, random, minAvailable } = this.#options;
    for (const { metadata } of server.list('pods')) {
      const isMine = metadata.namespace === project && metadata.deletionTimestamp === undefined;
      if (!isMine || !random.chance(0.3)) continue;
      this.#givenUp.add(metadata.uid);
      minAvailable[project] = Math.max(0, (minAvailable[project] ?? 0) - 1);
      cluster.deletePod(keyOf(metadata));
    }
  }

  /** Replaces a pod of its own by one elsewhere. */
  #replace(project: string, uid: string): void {
    const { server, cluster } = this.#options;
    const pod = server.list('pods').find(({ metadata }) => metadata.uid === uid);
    if (pod?.metadata.namespace === project && server.get('nodes', nodeOf(pod)))
      cluster.deletePod(keyOf(pod.metadata));
  }
}

function withActions({ number, instances }: Asked, action: () => string): Json {
  const instanceActions = Object.fromEntries(instances.map((uid) => [uid, action()] as const));
  return { question: number, answer: 'ACK', instanceActions };
}
