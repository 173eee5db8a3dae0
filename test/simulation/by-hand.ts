/** The persons of a seed whose strategies ask for work by hand: they do it and say so, in time, too late, or never. */
import type { FaultKind } from './faults.ts';
import { ADMIN, changeOfPatch } from './scenario.ts';
import { answersOf, modeOf, openManualOf, runIdOf } from './seen.ts';
import { at, type ApiServer } from './world/api-server.ts';
import type { Cluster } from './world/cluster.ts';
import type { ApiObject } from './world/objects.ts';
import type { Random } from './world/random.ts';
import type { Scheduler } from './world/scheduler.ts';
import { isStrategies, refOf, textOf, type StrategyRef } from './world/strategies.ts';

const REQUEST = 'careen.dev/request';
/** An earlier request has no answer yet: a person looks again after so long. */
const AGAIN_MS = 2_000;
const FATES = ['done', 'done', 'done', 'done', 'done', 'fails', 'lies', 'late', 'silent'] as const;
type Fate = (typeof FATES)[number];

export const BY_HAND_KINDS = ['person fails', 'person lies', 'person is late', 'person is silent'] as const;
const KIND_OF: Readonly<Partial<Record<Fate, FaultKind>>> = {
  fails: 'person fails',
  lies: 'person lies',
  late: 'person is late',
  silent: 'person is silent',
};

export type ByHandOptions = {
  readonly server: ApiServer;
  readonly scheduler: Scheduler;
  readonly cluster: Cluster;
  readonly random: Random;
  /** Everybody does the work in time. */
  readonly isCalm: boolean;
  readonly note: (kind: FaultKind, about: string) => void;
};

/** One piece of work that a person was asked to do. */
type Asked = {
  readonly host: string;
  readonly action: string;
  readonly since: string;
  readonly deadline: string;
};

export class ByHand {
  readonly #options: ByHandOptions;
  readonly #asked = new Set<string>();
  #serial = 0;

  private constructor(options: ByHandOptions) {
    this.#options = options;
  }

  /** The persons read each status that is written. */
  static begin(options: ByHandOptions): void {
    const persons = new ByHand(options);
    options.server.listen(({ resource, object, type }) => {
      if (isStrategies(resource) && type !== 'DELETED') persons.#read(refOf(object), object);
    });
  }

  #read(strategy: StrategyRef, object: ApiObject): void {
    for (const asked of openManualOf(object)) {
      const key = [runIdOf(object), asked.host, asked.action, asked.since].join('/');
      if (this.#asked.has(key)) continue;
      this.#asked.add(key);
      this.#take(strategy, asked);
    }
  }

  #take(strategy: StrategyRef, asked: Asked): void {
    const { random, scheduler, isCalm, note } = this.#options;
    const fate = isCalm ? 'done' : random.pick(FATES);
    const takesMs = random.int(1_000, 12_000);
    const lateMs = Date.parse(asked.deadline) - scheduler.now + takesMs;
    const kind = KIND_OF[fate];
    if (kind) note(kind, `${asked.action} on ${asked.host} for ${textOf(strategy)}`);
    if (fate === 'silent') return;
    scheduler.after(fate === 'late' ? lateMs : takesMs, () => this.#work(strategy, asked, fate));
  }

  #work(strategy: StrategyRef, asked: Asked, fate: Fate): void {
    const { cluster } = this.#options;
    if (fate !== 'lies' && fate !== 'fails')
      cluster.changeHost(asked.host, (info) => changeOfPatch(asked.action, info));
    this.#serial += 1;
    this.#say(strategy, { ...asked, id: `hand-${String(this.#serial)}`, failed: fate === 'fails' });
  }

  /** Places the request as the command line does: not in place of another that has no answer yet. */
  #say(strategy: StrategyRef, said: Asked & { readonly id: string; readonly failed: boolean }): void {
    const { server, scheduler } = this.#options;
    const object = server.get(strategy.resource, strategy.key);
    if (
      !object ||
      !openManualOf(object).some(({ host, since }) => host === said.host && since === said.since)
    )
      return;
    const before: unknown = JSON.parse(object.metadata.annotations?.[REQUEST] ?? '{}');
    const id = at(before, 'id');
    const isAnswered = id === undefined || answersOf(object).some((each) => each.id === id);
    if (!isAnswered || modeOf(object) === 'Suspend') {
      scheduler.after(AGAIN_MS, () => this.#say(strategy, said));
      return;
    }
    const { host, action, failed } = said;
    const value = JSON.stringify({ id: said.id, verb: 'done', host, action, ...(failed ? { failed } : {}) });
    server.update(
      strategy.resource,
      strategy.key,
      ({ metadata, ...rest }) => ({
        ...rest,
        metadata: { ...metadata, annotations: { ...metadata.annotations, [REQUEST]: value } },
      }),
      ADMIN,
    );
  }
}
