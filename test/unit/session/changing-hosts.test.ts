import { describe, expect, it } from 'vitest';
import { SimulatedOperator } from '../../../src/cli/simulate/simulated-operator.ts';
import type { EngineProfile } from '../../../src/engine/pass.ts';
import { sessionEngine } from '../../../src/engine/session/session-engine.ts';
import { playSession, type PlayedSession } from '../../../src/cli/vectors/sessions/play-session.ts';
import { recordedSession } from '../../../src/cli/vectors/sessions/recorded-session.ts';
import { messageAtEnd } from '../support/message-at-end.ts';

/** Changes the world once, as soon as the run shows a state. */
class ChangingOperator extends SimulatedOperator {
  when: (operator: SimulatedOperator) => boolean = () => false;
  change: (operator: SimulatedOperator) => void = () => undefined;
  #isChanged = false;

  override async pass(): Promise<boolean> {
    if (!this.#isChanged && this.when(this)) {
      this.#isChanged = true;
      this.change(this);
    }
    return super.pass();
  }
}

const HOSTS = ['compute-0', 'compute-1', 'compute-2'];

/** A session on three hosts with room for four; `instances` are of project A, by host. */
async function play(
  instances: readonly string[],
  changing: Pick<ChangingOperator, 'when' | 'change'>,
  actions: readonly { readonly plugin: string; readonly type: string }[] = [],
  profile?: EngineProfile,
): Promise<{ readonly played: PlayedSession; readonly operator: SimulatedOperator }> {
  const recorded = recordedSession.parse({
    id: 'changing',
    world: {
      capacityPerHost: 4,
      computeHosts: HOSTS,
      instances: instances.map((host, index) => ({ id: `i${String(index)}`, host, project: 'A', size: 1 })),
    },
    create: { maintenance_at: '{now+2}', hosts: HOSTS, actions },
    tenants: { A: {} },
    trace: [],
    endState: '',
  });
  let operator: SimulatedOperator | undefined;
  const played = await playSession(recorded, {
    makeOperator: (assignment) =>
      (operator = Object.assign(
        new ChangingOperator({ ...assignment, ...(profile && { profile }) }),
        changing,
      )),
  });
  if (!operator) throw new Error('there was no operator');
  return { played, operator };
}

describe('a session whose hosts change', () => {
  it.each(['MAINTENANCE', 'START_MAINTENANCE', 'PLANNED_MAINTENANCE'])(
    'goes on without a host that leaves in %s',
    async (state) => {
      const { played, operator } = await play(['compute-0', 'compute-1'], {
        when: ({ run }) => run.session?.state === state,
        change: ({ world }) => world.removeHost('compute-1'),
      });
      expect(played.endState).toBe('MAINTENANCE_DONE');
      expect(operator.run.session).toMatchObject({
        closed: [],
        hosts: HOSTS.map((name) => ({ name, maintained: name !== 'compute-1' })),
      });
    },
  );

  it.each(['MAINTENANCE', 'START_MAINTENANCE', 'PLANNED_MAINTENANCE'])(
    'goes on without a host that a request skips in %s, and opens it',
    async (state) => {
      const { played, operator } = await play(['compute-0', 'compute-1'], {
        when: ({ run }) => run.session?.state === state,
        change: ({ requests }) => requests.push({ id: 'ask-1', verb: 'skip-host', host: 'compute-1' }),
      });
      expect(operator.answers).toMatchObject([{ id: 'ask-1', answer: 'accepted' }]);
      expect(played.endState).toBe('MAINTENANCE_DONE');
      expect(operator.run.session).toMatchObject({
        closed: [],
        hosts: HOSTS.map((name) => ({ name, maintained: name !== 'compute-1' })),
      });
      const effects = operator.accepted.map(
        (effect) => `${effect.kind} ${'host' in effect ? effect.host : ''}`,
      );
      expect(messageAtEnd(operator, { session: {} })).toBe(
        'all hosts of the plan that are left are maintained: compute-1 was skipped at the request ask-1',
      );
      expect(effects.at(-1), 'the last host is given back after it').not.toBe('release compute-1');
    },
  );

  it('goes on without an empty host that a request skips after all were closed', async () => {
    const { played, operator } = await play([], {
      when: ({ run }) => run.hosts.some(({ name }) => name === 'compute-1'),
      change: ({ requests }) => requests.push({ id: 'ask-1', verb: 'skip-host', host: 'compute-2' }),
    });
    expect(played.endState).toBe('MAINTENANCE_DONE');
    expect(operator.run.session).toMatchObject({
      closed: [],
      hosts: HOSTS.map((name) => ({ name, maintained: name !== 'compute-2' })),
    });
  });

  it('fails at a workflow that asks for rounds without an end, and names it', async () => {
    const endless = sessionEngine(() => ({ kind: 'round', state: 'START_MAINTENANCE', stages: [] }));
    const { played, operator } = await play([], { when: () => false, change: () => undefined }, [], endless);
    expect(played.endState).toBe('MAINTENANCE_FAILED');
    expect(operator.run.apply.reason).toBe(
      'stage 1: 100 rounds in a row had nothing to do: the workflow asks for the same again',
    );
  });

  it('asks about what came to an empty host before its turn, and takes the host out of service later', async () => {
    const { played } = await play(['compute-0'], {
      when: ({ run }) => run.hosts.some(({ name }) => name === 'compute-1'),
      change: ({ world }) => world.addPod({ name: 'late', host: 'compute-2', project: 'A', size: 1 }),
    });
    expect(played.endState).toBe('MAINTENANCE_DONE');
    const { trace } = played;
    const left = trace.findIndex((event) => event.kind === 'move' && event.instance === 'late');
    const worked = trace.findIndex((event) => event.kind === 'told-of-host' && event.host === 'compute-2');
    expect(left).toBeGreaterThan(0);
    expect(worked).toBeGreaterThan(left);
  });

  it('runs what comes after all hosts once, after the host that something came to', async () => {
    const { played } = await play(
      [],
      {
        // The round with all three hosts has begun.
        when: ({ run }) => run.hosts.some(({ name }) => name === 'compute-1'),
        change: ({ world }) => world.addPod({ name: 'late', host: 'compute-2', project: 'A', size: 1 }),
      },
      [
        { plugin: 'work', type: 'host' },
        { plugin: 'announce', type: 'post' },
      ],
    );
    expect(played.endState).toBe('MAINTENANCE_DONE');
    const plugins = played.trace.flatMap((event) => (event.kind === 'plug-in' ? [event.plugin] : []));
    expect(plugins).toEqual(['work', 'work', 'work', 'announce']);
  });

  it('runs what comes after all hosts where the last one has left', async () => {
    const { played } = await play(
      ['compute-0', 'compute-1'],
      {
        when: ({ run }) => run.session?.state === 'PLANNED_MAINTENANCE',
        change: ({ world }) => {
          world.removeHost('compute-0');
          world.removeHost('compute-1');
        },
      },
      [{ plugin: 'announce', type: 'post' }],
    );
    expect(played.endState).toBe('MAINTENANCE_DONE');
    expect(played.trace).toContainEqual({
      kind: 'plug-in',
      plugin: 'announce',
      host: 'compute-2',
      state: 'DONE',
    });
  });
});
