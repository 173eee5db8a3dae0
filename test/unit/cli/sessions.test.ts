import { load } from 'js-yaml';
import { beforeAll, describe, expect, it } from 'vitest';
import { plan } from '../../../src/cli/commands/plan.ts';
import { EXIT_CODES } from '../../../src/cli/exit-code.ts';
import { reportLines } from '../../../src/cli/status/report-text.ts';
import {
  NO_SURROUNDINGS,
  statusReport,
  type StatusReport,
  type Surroundings,
} from '../../../src/cli/status/report.ts';
import { lineText } from '../../../src/cli/text/lines.ts';
import { MAINTENANCE_SESSION } from '../../../src/crds/names.ts';
import { hostPool } from '../../../src/resources/stored-pool.ts';
import { strategySchema } from '../../../src/resources/stored-strategy.ts';
import type { Samples } from '../../gitops/sample.ts';
import { sessionSamples } from '../../gitops/session-samples.ts';
import { keptIo } from '../../support/cli/kept-io.ts';
import { sessionManifest } from '../../support/operator/strategies.ts';
import { NOW } from '../support/seen-strategies.ts';
import { printed, sessionInputs, simulated, workers } from '../support/simulations.ts';

const CONTROLLER = { name: 'c-1', labels: { 'node-role.kubernetes.io/control-plane': '' } };
const CREATED = '2026-01-01T00:00:00Z';
const job = { template: { spec: { containers: [{ name: 'a', image: 'b' }] } } };
const ACTIONS = [
  { plugin: 'firmware', type: 'compute', job },
  { plugin: 'bios', type: 'host', job },
  { plugin: 'etcd', type: 'controller', job },
  { plugin: 'announce', type: 'pre', job },
];

async function planned(
  files: { readonly filename: string; readonly fleet: string },
  output: 'table' | 'json' = 'table',
) {
  const io = keptIo({ width: 100 });
  const exit = await plan({ ...files, output }, io);
  return { status: EXIT_CODES[exit].code, out: io.printed };
}

const refusal = async (files: Parameters<typeof planned>[0]): Promise<string> =>
  planned(files).then(() => 'no refusal', String);

describe('careen plan of a session', () => {
  it('shows the hosts in their order, what is done on each, and what follows from the answers', async () => {
    const spec = { actions: ACTIONS, hosts: ['w-2', 'c-1', 'w-1'], maintenanceAt: '2099-01-01T00:00:00Z' };
    const { status, out } = await planned(await sessionInputs(spec, [CONTROLLER, ...workers(2)]));
    expect(status).toBe(2);
    expect(out.replace(/sha256:\w+/, 'sha256:…')).toMatchInlineSnapshot(`
      "careen-hosts/racks on HostPool default: 3 hosts, at most 10 out of service at once

      HOST  TYPE        WHAT IS DONE                  ABOUT
      w-2   compute     emptied, then bios, firmware  11 min
      c-1   controller  keeps its work: bios, etcd    11 min
      w-1   compute     emptied, then bios, firmware  11 min

      Once, on the first of these hosts: before all others announce.
      First, all projects with instances on these hosts are asked to agree (MAINTENANCE), and have 30 min.
      A project that refuses or does not answer makes the session fail.
      The stages after that follow from their answers and from the free room: an empty host is worked on
      at once; others are emptied one after another, as their projects choose; where there is no room for
      that, projects are asked to scale in.
      No host is closed and no instance is moved before 2099-01-01T00:00:00Z.

      2 hosts to empty in turn; the work takes about 31 min without failures, besides answers and moves
      plan sha256:…
      "
    `);
  });

  it('has the same in JSON, with the first stage', async () => {
    const files = await sessionInputs({ actions: ACTIONS, replies: { onSilence: 'wait' } }, [
      CONTROLLER,
      ...workers(1),
    ]);
    const preview: unknown = load((await planned(files, 'json')).out);
    expect(preview).toMatchObject({
      strategy: { kind: 'MaintenanceSession', namespace: 'careen-hosts', name: 'racks' },
      stages: [{ id: 0, name: 'maintenance', hosts: [], steps: [{ name: 'ask-projects' }] }],
      session: {
        ...{ workflow: 'default', replySeconds: 1800, scaleInReplySeconds: 3600, onSilence: 'wait' },
        hosts: [
          { name: 'c-1', type: 'controller', actions: ['bios', 'etcd'] },
          { name: 'w-1', type: 'compute', actions: ['bios', 'firmware'] },
        ],
        ...{ before: ['announce'], after: [] },
      },
    });
  });

  it.each<[string, object, readonly object[], string]>([
    [
      'a host that is not there',
      { hosts: ['w-1', 'w-9'] },
      workers(1),
      'CommandError: spec.hosts names w-9: HostPool default has no such host',
    ],
    [
      'a host that another one holds',
      {},
      [{ name: 'w-1', closedToNewWork: true, claimedBy: { owner: 'PatchStrategy/a/kernel', level: 'away' } }],
      'host w-1 is held by PatchStrategy a/kernel: wait for its end, or leave the host out',
    ],
    [
      'a host out of service',
      {},
      [{ name: 'w-1', closedToNewWork: true }],
      'host w-1 is out of service: give it back, or leave it out',
    ],
    ['no workers', {}, [CONTROLLER], 'no worker is among the hosts of the session: c-1'],
    ['a start in the past', { maintenanceAt: '2020-01-01T00:00:00Z' }, workers(1), 'which is past'],
    ['an unknown workflow', { workflow: 'swift' }, workers(1), 'there is no such workflow; use default'],
  ])('refuses %s', async (_, spec, hosts, message) => {
    const files = await sessionInputs(
      { ...spec },
      hosts.map((host) => ({ ...host })),
    );
    expect(await refusal(files)).toContain(message);
  });

  it('counts a host that this very session holds as in service, and says so', async () => {
    const own = { owner: 'MaintenanceSession/careen-hosts/racks', level: 'closed' };
    const files = await sessionInputs({}, [{ name: 'w-1', closedToNewWork: true, claimedBy: own }]);
    expect((await planned(files)).out).toContain('a run of this strategy holds w-1 now');
  });
});

describe('a session with a workflow of the administrator', () => {
  const named = async (workflows: readonly string[]) =>
    sessionInputs({ workflow: 'by-rack' }, workers(2), { actionPolicy: { workflows } });

  it('is planned where its pool allows that: only its rounds are not known', async () => {
    const { status, out } = await planned(await named(['by-rack']));
    expect(status).toBe(2);
    expect(out).toContain('2 hosts to empty in turn');
    expect(out).not.toContain('to mend');
  });

  it('is refused where its pool does not, with those that may be named', async () => {
    expect(await refusal(await named(['by-row']))).toContain(
      'spec.workflow is by-rack: there is no such workflow; use default, vnf, kubernetes, by-row',
    );
  });

  it('is not simulated by another workflow', async () => {
    await expect(printed(await named(['by-rack']), 100)).rejects.toThrow(
      'spec.workflow is by-rack, whose module only the operator has: careen simulate goes by default, vnf or kubernetes',
    );
  });
});

describe('careen simulate of a session', () => {
  it('goes round the hosts with projects that agree, and shows the states and the stages', async () => {
    const files = await sessionInputs({ actions: ACTIONS }, [CONTROLLER, ...workers(3)]);
    const { status, out } = await printed(files, 100);
    expect(out).toMatchInlineSnapshot(`
      "careen-hosts/racks on HostPool default: 4 hosts, at most 10 out of service at once

      STAGE    HOST  |0                 |10 min            |20 min            |30 min            |40 min
      1        w-3   mm
      2        c-1     x
      3        c-1     xxxxxxxxxxxxxxxxxxx
      5        w-3                        xxxxxxxxxxxxxxxxxxxx
      6        w-1                                            mmmm
      7        w-1                                                xxxxxxxxxxxxxxxxxxx
      8        w-2                                                                   mm
      9        w-2                                                                     xxxxxxxxxxxxxxxxxxx

      m move-instances, x run-actions

      AFTER   STATE                 MAINTAINED
      0       MAINTENANCE           0 %
      0       PREPARE_MAINTENANCE   0 %
      1 min   START_MAINTENANCE     0 %
      22 min  PLANNED_MAINTENANCE   33 %
      24 min  START_MAINTENANCE     33 %
      34 min  PLANNED_MAINTENANCE   66 %
      35 min  START_MAINTENANCE     66 %
      45 min  MAINTENANCE_COMPLETE  100 %
      45 min  MAINTENANCE_DONE      100 %

      applied after 45 min, 3 of 3 hosts maintained. Assumed: one instance on each of these hosts, with
      room for a second one, of a project that answers at once and has stated no constraint.
        all hosts of the plan are maintained
      "
    `);
    expect(status).toBe(0);
  });

  it('scales in where there is only one host', async () => {
    const { outcome, session } = await simulated(await sessionInputs({}, workers(1)));
    expect(outcome).toBe('applied');
    expect(session?.states.map(({ state }) => state)).toEqual([
      ...['MAINTENANCE', 'SCALE_IN', 'START_MAINTENANCE', 'MAINTENANCE_COMPLETE', 'MAINTENANCE_DONE'],
    ]);
  });

  it.each(['vnf', 'kubernetes'])(
    'goes on in the workflow %s, without demands of the owners',
    async (workflow) => {
      const { outcome } = await simulated(await sessionInputs({ workflow }, workers(2)));
      expect(outcome).toBe('applied');
    },
  );

  it('begins as late as the session is to begin', async () => {
    const inTwoHours = new Date(Date.now() + 7_200_000).toISOString();
    const files = await sessionInputs({ maintenanceAt: inTwoHours }, workers(2));
    const { session, durationSeconds } = await simulated(files);
    expect(session?.states.map(({ state }) => state)).toContain('PREPARE_MAINTENANCE');
    expect(durationSeconds).toBeGreaterThan(7100);
    expect(durationSeconds).toBeLessThan(10_800);
  });

  it.each([
    ['refuse', 'stage 4: project project refused PLANNED_MAINTENANCE'],
    ['silent', 'stage 4: project project did not answer PLANNED_MAINTENANCE in 1800 s'],
  ] as const)('fails where projects --%s, with what can be done', async (option, why) => {
    const files = await sessionInputs({}, workers(3));
    const failed = await simulated({ ...files, [option]: ['PLANNED_MAINTENANCE'] });
    expect(failed).toMatchObject({ outcome: 'apply-failed', session: { maintained: 1, hosts: 3 } });
    expect(failed.message).toContain(why);
    expect(failed.session?.states.at(-1)?.state).toBe('MAINTENANCE_FAILED');
    expect(failed.left.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'w-1 not-reached',
      'w-2 not-reached',
    ]);
    expect(failed.remedies.map(({ command }) => command)).toContain('careen retry racks -n careen-hosts');
  });

  it('lets a host fail, and take longer', async () => {
    const files = await sessionInputs({}, workers(2));
    const slow = await simulated({ ...files, slow: ['w-1:run-actions=1000'] });
    const quick = await simulated(files);
    expect(slow.durationSeconds - quick.durationSeconds).toBe(700);
    const failed = await simulated({ ...files, fail: ['w-1:run-actions'] });
    expect(failed).toMatchObject({ outcome: 'apply-failed', left: [{ name: 'w-1', state: 'locked' }] });
  });

  it.each([
    ['PLANNED', '--refuse PLANNED: expected a state that asks projects: MAINTENANCE, SCALE_IN,'],
    ['START_MAINTENANCE', '--refuse START_MAINTENANCE: expected a state that asks projects'],
  ])('refuses the state %s', async (state, message) => {
    const files = await sessionInputs({}, workers(1));
    await expect(printed({ ...files, refuse: [state] })).rejects.toThrow(message);
  });

  it('refuses such a supposition about a strategy', async () => {
    await expect(printed({ silent: ['MAINTENANCE'] })).rejects.toThrow(
      'only a MaintenanceSession asks projects',
    );
  });
});

describe('careen status of a session', () => {
  const CALLED = { program: 'careen', singular: 'maintenancesession' };
  let samples: Samples;
  beforeAll(async () => {
    samples = await sessionSamples();
  });

  function reportOf(state: string, surroundings?: Partial<Surroundings>): StatusReport {
    const { status, metadata } = samples.get(state) ?? expect.fail(`no sample: ${state}`);
    const stored = { namespace: 'careen-hosts', uid: 'session-1', resourceVersion: '1' };
    const { spec } = sessionManifest('sample', { execution: { mode: 'Run' } });
    const creationTimestamp = CREATED;
    const session = strategySchema(MAINTENANCE_SESSION).parse({
      ...{ metadata: { ...metadata, ...stored, creationTimestamp }, spec, status },
    });
    return statusReport(session, CALLED, NOW, { ...NO_SURROUNDINGS, ...surroundings });
  }

  const screenOf = (state: string): string => reportLines(reportOf(state), NOW, 100).map(lineText).join('\n');

  const NODES = hostPool.parse({
    ...{
      metadata: {
        ...{ name: 'default', uid: 'p', resourceVersion: '1', generation: 1 },
        creationTimestamp: CREATED,
      },
      spec: { provider: { kubernetes: {} } },
    },
  });

  it('shows its state, the maintained hosts, and who was asked what until when', () => {
    expect(screenOf('asks its projects')).toMatchInlineSnapshot(`
      "careen-hosts/sample on HostPool default
      applying: working; stage 0: ask-projects since 1 min; MAINTENANCE; mode Run
      [........................................] 0 of 3 hosts done
      began 1 min ago

      stage 0, ask-projects: waiting for the answer of project team-a to MAINTENANCE

      PROJECT  ASKED        INSTANCES  ANSWER   DUE
      team-a   MAINTENANCE  3          awaited  in 29 min

      to do: project team-a has until 2026-11-23T09:30:00.000Z to answer MAINTENANCE, about 3 instances;
        see its notice
        kubectl get notice -A -l careen.dev/session-uid=session-1"
    `);
    expect(screenOf('a project refused')).toMatchInlineSnapshot(`
      "careen-hosts/sample on HostPool default
      apply-failed: cannot continue; MAINTENANCE_FAILED; mode Run
      [#############...........................] 1 of 3 hosts done
      took 70 s

      stage 4: project team-a refused PLANNED_MAINTENANCE; see to the cause, then place the request retry,
      or abort the run

      PROJECT  ASKED                INSTANCES  ANSWER  DUE
      team-a   PLANNED_MAINTENANCE  2          NACK

      to do: project team-a refused PLANNED_MAINTENANCE: come to terms with it; see its notice
        kubectl get notice -A -l careen.dev/session-uid=session-1
      to do: when its cause is mended, repeat the failed stage
        careen retry sample -n careen-hosts
      or end the run and release all hosts
        careen abort sample -n careen-hosts"
    `);
    expect(screenOf('all hosts are maintained')).toMatchInlineSnapshot(`
      "careen-hosts/sample on HostPool default
      applied: done; MAINTENANCE_DONE; mode Run
      [########################################] 3 of 3 hosts done
      took 5 min

      all hosts of the plan are maintained

      to do: nothing: all that was ordered is done"
    `);
  });

  it('names the notice of a project that is awaited, refused or was silent, and then the retry', () => {
    const todo = (state: string): string[] =>
      reportOf(state, { pool: NODES }).todo.map(({ does, command }) => `${does} | ${String(command)}`);
    const notice = 'kubectl get notice -n team-a -o wide';
    expect(todo('asks its projects to scale in')).toEqual([
      `project team-a has until 2026-11-23T10:00:00.000Z to answer SCALE_IN, about 1 instance; see its notice | ${notice}`,
    ]);
    expect(todo('a project refused').slice(0, 2)).toEqual([
      `project team-a refused PLANNED_MAINTENANCE: come to terms with it; see its notice | ${notice}`,
      'when its cause is mended, repeat the failed stage | careen retry sample -n careen-hosts',
    ]);
    expect(todo('a project did not answer')[0]).toBe(
      `project team-a did not answer PLANNED_MAINTENANCE: have it answer; see its notice | ${notice}`,
    );
    expect(todo('moves the instances of a host')).toEqual([
      'it continues by itself; follow it | careen watch sample -n careen-hosts',
    ]);
  });
});
