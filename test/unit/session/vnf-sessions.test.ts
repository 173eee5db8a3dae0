import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { playSession } from '../../../src/cli/vectors/sessions/play-session.ts';
import { complaints } from './complaints.ts';
import { brokenConstraints } from './constraint-complaints.ts';
import { randomVnfSession } from './random-vnf-sessions.ts';
import { RestartingOperator } from './restarting-operator.ts';

const RUNS = 200;

describe.each(['vnf', 'kubernetes'] as const)('sessions of workflow %s', (workflow) => {
  it('keep the constraints of all owners, whatever these answer', async () => {
    await fc.assert(
      fc.asyncProperty(randomVnfSession(workflow), async (session) => {
        const played = await playSession(session);
        expect(brokenConstraints(session, played)).toEqual([]);
        expect(complaints(session, played)).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  });

  it('keep them when another process takes over', async () => {
    await fc.assert(
      fc.asyncProperty(randomVnfSession(workflow), async (session) => {
        const restarted = await playSession(session, {
          makeOperator: (assignment) => new RestartingOperator(assignment),
        });
        expect(brokenConstraints(session, restarted)).toEqual([]);
        expect(complaints(session, restarted)).toEqual([]);
        expect(restarted).toEqual(await playSession(session));
      }),
      { numRuns: RUNS },
    );
  });
});
