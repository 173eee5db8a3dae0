/** A decision may record an answer and ask the next question: a notice that was not written since shows neither. */
import { expect, it } from 'vitest';
import { SimulatedOperator } from '../../../src/cli/simulate/simulated-operator.ts';
import { playSession } from '../../../src/cli/vectors/sessions/play-session.ts';
import { recordedSession } from '../../../src/cli/vectors/sessions/recorded-session.ts';

/** Notes the answers that were followed by the next question in the same pass. */
class NotingOperator extends SimulatedOperator {
  readonly followed: { readonly question: number; readonly isKept: boolean }[] = [];

  override async pass(): Promise<boolean> {
    const before = this.run.session?.projects.find(({ id, answer }) => id === 'A' && !answer);
    const hasChanged = await super.pass();
    const { projects = [], agreed = [] } = this.run.session ?? {};
    const { question = -1 } = before ?? {};
    if (before && projects.some((project) => project.id === 'A' && project.question !== question))
      this.followed.push({ question, isKept: agreed.some((each) => each.question === question) });
    return hasChanged;
  }
}

it('the run keeps to which question a project has agreed, when the next one follows at once', async () => {
  const computeHosts = ['compute-0', 'compute-1'];
  const recorded = recordedSession.parse({
    id: 'at-once',
    world: {
      ...{ capacityPerHost: 2, computeHosts },
      instances: computeHosts.flatMap((host) =>
        ['a', 'b'].map((each) => ({ id: `${host}-${each}`, host, project: 'A', size: 1 })),
      ),
    },
    create: { maintenance_at: '{now+2}', hosts: computeHosts },
    // It gives up less than is needed, so it is asked again.
    tenants: { A: { scaleInInstances: 1 } },
    ...{ trace: [], endState: '' },
  });
  let operator: NotingOperator | undefined;
  const { endState } = await playSession(recorded, {
    makeOperator: (assignment) => (operator = new NotingOperator(assignment)),
  });
  expect(endState).toBe('MAINTENANCE_DONE');
  expect(operator?.followed.length).toBeGreaterThan(0);
  expect(operator?.followed.every(({ isKept }) => isKept)).toBe(true);
});
