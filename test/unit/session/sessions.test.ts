import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { playSession, type PlayedSession } from '../../../src/cli/vectors/sessions/play-session.ts';
import { recordedSession, type RecordedSession } from '../../../src/cli/vectors/sessions/recorded-session.ts';
import { SimulatedOperator } from '../../../src/cli/simulate/simulated-operator.ts';
import type { RunState } from '../../../src/engine/run/run-state.ts';
import { randomSession } from './random-sessions.ts';

const RUNS = 150;
const MOST_FAILURES = 3;

/** What may not happen in any session, in the words of its trace. */
function complaints(
  { world, create }: RecordedSession,
  { trace, endState, hostsAfterDelete }: PlayedSession,
): string[] {
  const found: string[] = [];
  const at = new Map(world.instances.map(({ id, host }) => [id, host]));
  const open = new Set([...world.computeHosts, ...world.controllerHosts]);
  const waiting = new Set<string>();
  const inMaintenance = new Set<string>();
  const failed = new Set<string>();
  const maintained = new Set<string>();
  let began = false;
  let state = '';
  for (const event of trace) {
    if (event.kind === 'asked') waiting.add(event.project);
    if (event.kind === 'answered') waiting.delete(event.project);
    if (event.kind === 'state') state = event.state;
    if (event.kind === 'state' && event.state !== 'MAINTENANCE') began = true;
    if (event.kind === 'told-of-host' && event.state === 'MAINTENANCE_COMPLETE') maintained.add(event.host);
    if (event.kind === 'move') {
      if (waiting.size > 0) found.push(`${event.instance} moved before ${[...waiting].join(', ')} answered`);
      if (!began) found.push(`${event.instance} moved before the start`);
      if (state === 'PLANNED_MAINTENANCE' && !maintained.has(event.target ?? ''))
        found.push(`${event.instance} moved to ${event.target ?? ''}, which is still to be maintained`);
      at.set(event.instance, event.target ?? '');
    }
    if (event.kind === 'removed') at.delete(event.instance);
    if (event.kind === 'host') {
      if (event.schedulable) open.add(event.host);
      else open.delete(event.host);
    }
    if (event.kind === 'told-of-host') {
      if (event.state === 'IN_MAINTENANCE') inMaintenance.add(event.host);
      else inMaintenance.delete(event.host);
      if (inMaintenance.size > 1) found.push(`${[...inMaintenance].join(', ')} are in maintenance at once`);
      if (open.has(event.host)) found.push(`${event.host} is told of while it takes new work`);
    }
    if (event.kind === 'plug-in') {
      const { type } = create.actions.find(({ plugin }) => plugin === event.plugin) ?? {};
      const isAway = world.computeHosts.includes(event.host) && (type === 'host' || type === 'compute');
      if (isAway && open.has(event.host))
        found.push(`${event.plugin} ran on ${event.host}, which took new work`);
      if (isAway && [...at.values()].includes(event.host))
        found.push(`${event.plugin} ran on ${event.host}, which was not empty`);
      if (event.state === 'FAILED') failed.add(event.host);
    }
  }
  for (const { host, schedulable } of hostsAfterDelete)
    if (!schedulable && !failed.has(host)) found.push(`${host} stays closed`);
  if (endState !== 'MAINTENANCE_DONE' && endState !== 'MAINTENANCE_FAILED')
    found.push(`it ends in ${endState}`);
  return found;
}

/** Begins anew from the stored run, as another process does, before some of its passes. */
class RestartingOperator extends SimulatedOperator {
  #made = 0;
  override async pass(): Promise<boolean> {
    this.#made += 1;
    if (this.#made % 3 === 0) this.restart(JSON.parse(JSON.stringify(this.run)) as RunState);
    return super.pass();
  }
}

/** Gives up after more passes than any session needs that does not wait. */
class ImpatientOperator extends SimulatedOperator {
  override async advance(): Promise<boolean> {
    return this.passes < 500 && super.advance();
  }
}

describe('sessions', () => {
  it('keep their rules, whatever the projects answer', async () => {
    await fc.assert(
      fc.asyncProperty(randomSession, async (session) => {
        expect(complaints(session, await playSession(session))).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  });

  it('go on as if nothing had happened when another process takes over', async () => {
    await fc.assert(
      fc.asyncProperty(randomSession, async (session) => {
        const restarted = await playSession(session, {
          makeOperator: (assignment) => new RestartingOperator(assignment),
        });
        expect(complaints(session, restarted)).toEqual([]);
        expect(restarted).toEqual(await playSession(session));
      }),
      { numRuns: RUNS },
    );
  });

  const silentSession = (state: string, silent: 'fail' | 'proceed' | 'wait') =>
    playSession(
      recordedSession.parse({
        id: 'silent',
        world: {
          capacityPerHost: 4,
          computeHosts: ['compute-0', 'compute-1'],
          instances: [{ id: 'i1', host: 'compute-0', project: 'A', size: 2 }],
        },
        create: { maintenance_at: '{now+2}', hosts: ['compute-0', 'compute-1'] },
        tenants: { A: { silentOn: state } },
        trace: [],
        endState: '',
      }),
      { silent, makeOperator: (assignment) => new ImpatientOperator(assignment) },
    );

  it.each(['MAINTENANCE', 'PLANNED_MAINTENANCE', 'MAINTENANCE_COMPLETE'])(
    'goes on without a project that is silent in %s, if the terms say so',
    async (state) => {
      const { endState, trace } = await silentSession(state, 'proceed');
      expect(endState).toBe('MAINTENANCE_DONE');
      expect(trace.filter(({ kind }) => kind === 'move')).toHaveLength(1);
    },
  );

  it('fails for a silent project otherwise', async () => {
    const { endState, trace } = await silentSession('PLANNED_MAINTENANCE', 'fail');
    expect(endState).toBe('MAINTENANCE_FAILED');
    expect(trace.some(({ kind }) => kind === 'move')).toBe(false);
  });

  it('waits for a silent project, if the terms say so', async () => {
    const { endState } = await silentSession('PLANNED_MAINTENANCE', 'wait');
    expect(endState).toBe('PLANNED_MAINTENANCE');
  });

  it('goes on where it stopped, once what made it fail is repaired', async () => {
    await fc.assert(
      fc.asyncProperty(randomSession, async (session) => {
        const able = Object.fromEntries(
          Object.entries(session.tenants).map(([id, tenant]) => [id, { ...tenant, scaleInInstances: 3 }]),
        );
        // Of equal size: larger ones might find no host with enough room although there is enough on all together.
        const instances = session.world.instances.map((each) => ({ ...each, size: 1 }));
        const given = { ...session, trace: [], tenants: able, world: { ...session.world, instances } };
        let failures = 0;
        const played = await playSession(given, {
          onEnd: (operator) => {
            if (operator.run.session?.state !== 'MAINTENANCE_FAILED' || failures > MOST_FAILURES)
              return false;
            failures += 1;
            for (const tenant of Object.values(given.tenants))
              Object.assign(tenant, {
                refuses: undefined,
                silentOn: undefined,
                omitsInstanceActions: undefined,
              });
            operator.listeners = undefined;
            Object.assign(given.world, { listeners: undefined });
            operator.requests.push({ id: `retry-${String(failures)}`, verb: 'retry' });
            return true;
          },
        });
        expect(complaints(given, played)).toEqual([]);
        expect(failures).toBeLessThanOrEqual(1);
        expect(played.endState).toBe('MAINTENANCE_DONE');
      }),
      { numRuns: RUNS },
    );
  });

  it('does not work on a host on which an instance has started just before it was closed', async () => {
    const session = recordedSession.parse({
      id: 'late',
      world: { capacityPerHost: 4, computeHosts: ['compute-0', 'compute-1'], instances: [] },
      create: {
        maintenance_at: '{now+2}',
        hosts: ['compute-0', 'compute-1'],
        actions: [{ plugin: 'p', type: 'host' }],
      },
      trace: [],
      endState: '',
    });
    class LateOperator extends SimulatedOperator {
      override async pass(): Promise<boolean> {
        const { state } = this.run.session ?? {};
        if (state === 'START_MAINTENANCE' && this.world.pods.size === 0)
          this.world.addPod({ name: 'late', host: 'compute-0', project: 'A', size: 1 });
        return super.pass();
      }
    }
    const { trace, endState, hostsAfterDelete } = await playSession(session, {
      makeOperator: (assignment) => new LateOperator(assignment),
    });
    expect(trace.some((event) => event.kind === 'plug-in' && event.host === 'compute-0')).toBe(false);
    expect(endState).toBe('MAINTENANCE_FAILED');
    expect(hostsAfterDelete.every(({ schedulable }) => schedulable)).toBe(true);
  });

  it('gives back every host when it is deleted, at any moment', async () => {
    await fc.assert(
      fc.asyncProperty(randomSession, fc.nat({ max: 40 }), async (session, events) => {
        const deleted = {
          ...session,
          trace: [
            ...session.trace,
            ...Array.from({ length: events + 1 }, () => ({ state: 'X' })),
            { http: { method: 'DELETE', path: '' } },
            { state: 'MAINTENANCE_FAILED' },
          ],
        };
        expect(complaints(session, await playSession(deleted))).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  });
});
