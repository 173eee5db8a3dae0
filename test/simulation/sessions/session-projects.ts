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
import { CONSTRAINT_FAULTS } from './tenant-constraints.ts';

/** What a project may do besides to agree. */
const HABITS = [
  ...([
    'project refuses',
    'project answers late',
    'project answers wrongly',
    'project answers twice',
  ] as const),
  ...(['project is silent', 'project forges an answer', 'project never moves its own'] as const),
] as const;
const MORE_TIME = ['project asks for more time', 'project asks for too much time'] as const;
export const PROJECT_FAULTS = [...HABITS, ...MORE_TIME, ...CONSTRAINT_FAULTS] as const;
export type ProjectFault = (typeof PROJECT_FAULTS)[number];

const SESSION_UID = 'careen.dev/session-uid';
const PROJECT = 'careen.dev/project';
/** A patient session waits for this long for a project that is silent at first. */
const AT_LAST_MS = 300_000;
/** In a seed in which projects ask for more time: how often. */
const ASKS_FOR_TIME = 0.4;

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
  /** Where projects ask for more time: how much they may have, and what draws that. */
  readonly moreTime: { readonly seconds: number; readonly random: Random } | undefined;
  /** Where projects have constraints: how that of a pod says that it is moved. */
  readonly constraints: { readonly actionOf: (uid: string) => unknown; readonly random: Random } | undefined;
  readonly note: (kind: ProjectFault, about: string) => void;
};

export class SessionProjects {
  readonly #options: ProjectsOptions;
  /** By project: what it may do besides to agree. */
  readonly #habits: ReadonlyMap<string, readonly (typeof HABITS)[number][]>;
  /** The uids of the pods that a project has given up: nothing replaces them. */
  readonly #givenUp = new Set<string>();
  /** The questions that a project has seen: `key of its notice/number`. */
  readonly #seen = new Set<string>();
  #isOver = false;

  constructor(options: ProjectsOptions) {
    this.#options = options;
    const { random, projects, server } = options;
    const habit = (): (typeof HABITS)[number][] => HABITS.filter(() => random.chance(0.3));
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
      scheduler.after(milliseconds, () => {
        // About single instances it answers what it is asked by then.
        if (answer === right && this.#options.constraints && this.#isOutdated(key, asked)) return;
        this.#reply(key, project, answer);
      });
    };
    const right = this.#right(project, asked);
    if (asked.asks === 'SCALE_IN') scheduler.after(soonMs / 2, () => this.#scaleIn(project));
    if (habit) this.#options.note(habit, about);
    switch (habit) {
      case undefined:
        after(this.#asksForTime(key, project, asked) ?? soonMs, right);
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

  #isOutdated(key: string, { number }: Asked): boolean {
    const notice = this.#options.server.get('maintenancenotices', key);
    return notice !== undefined && askedIn(notice)?.number !== number;
  }

  /**
   * In some seeds a project asks for more time, early or in the last moment; or for too much, or too late. Returns when
   * it answers then; undefined: as without.
   */
  #asksForTime(key: string, project: string, { number, asks, replyBy }: Asked): number | undefined {
    const { moreTime, scheduler, note } = this.#options;
    if (this.#isOver || !moreTime?.random.chance(ASKS_FOR_TIME)) return undefined;
    const { seconds: most, random } = moreTime;
    const left = Math.max(0, replyBy - scheduler.now);
    const isRight = most > 0 && random.chance(0.7);
    const kind = isRight ? 'project asks for more time' : 'project asks for too much time';
    const seconds =
      isRight || random.chance(0.3) ? random.int(1, Math.max(1, most)) : most + random.int(1, 90);
    const isLate = !isRight && random.chance(0.3);
    const early = random.int(300, 3_000);
    const soon = random.chance(0.6) ? early : Math.max(early, left - random.int(2_000, 6_000));
    const wishMs = isLate ? left + random.int(1_000, 20_000) : soon;
    note(kind, `${project}, question ${String(number)} (${asks}): ${String(seconds)} s`);
    scheduler.after(wishMs, () =>
      this.#say(key, project, (spec) => ({ ...spec, extension: { question: number, seconds } })),
    );
    // It may answer in the time that it was given, or sooner.
    if (!isRight || random.chance(0.4)) return undefined;
    return left + random.int(0, Math.max(0, seconds - 5) * 1_000);
  }

  /** A valid answer. Where a project moves instances itself, it begins soon after it has said so. */
  #right(project: string, asked: Asked): Json {
    const { random, scheduler } = this.#options;
    if (asked.allowedActions.length === 0) return { question: asked.number, answer: 'ACK' };
    const { constraints } = this.#options;
    if (constraints?.random.chance(0.4)) {
      // Each instance moves as its constraint says.
      for (const uid of asked.instances)
        if (constraints.actionOf(uid) === 'OWN_ACTION')
          scheduler.after(constraints.random.int(15_000, 60_000), () => this.#replace(project, uid));
      return { question: asked.number, answer: 'ACK' };
    }
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
    this.#say(key, project, (spec) => ({ ...spec, reply }));
  }

  #say(key: string, project: string, change: (spec: Json) => Json): void {
    const { server } = this.#options;
    if (!server.get('maintenancenotices', key)) return;
    const said = (notice: ApiObject): ApiObject => ({ ...notice, spec: change(notice.spec ?? {}) });
    server.update('maintenancenotices', key, said, project);
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
