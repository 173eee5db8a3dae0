import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { playSession } from '../../../src/cli/vectors/sessions/play-session.ts';
import { recordedSession } from '../../../src/cli/vectors/sessions/recorded-session.ts';
import { SimulatedOperator } from '../../../src/cli/simulate/simulated-operator.ts';
import { complaints } from './complaints.ts';
import { randomSession } from './random-sessions.ts';
import { RestartingOperator } from './restarting-operator.ts';

const RUNS = 150;
const MOST_FAILURES = 3;

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
