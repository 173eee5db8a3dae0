import { describe, expect, it } from 'vitest';
import type { Notice, NoticeSpec, NoticeStatus } from '../../../../src/crds/maintenance-notice.ts';
import {
  newSession,
  type InstanceQuestion,
  type Move,
  type ProjectProgress,
  type SessionProgress,
} from '../../../../src/engine/session/session-state.ts';
import type { HostFacts, InstanceFacts } from '../../../../src/engine/view.ts';
import { replyId, saidIn, verdictOn } from '../../../../src/status/notices/notice-replies.ts';
import { instancesByProject, noticeOf } from '../../../../src/status/notices/notices.ts';

const AT = '2026-11-27T10:00:00.000Z';
const NOW = Date.parse(AT);
const PROJECT = 'team-a';

const asked: ProjectProgress = {
  ...{
    id: PROJECT,
    question: 7,
    asked: 'PLANNED_MAINTENANCE',
    askedAt: AT,
    replyBy: '2026-11-27T10:30:00.000Z',
  },
  instances: ['uid-1', 'uid-2'],
};

function notice(spec: NoticeSpec = {}, status: NoticeStatus = {}, generation = 2): Notice {
  return {
    namespace: PROJECT,
    name: 'kernel-0123456789',
    generation,
    spec,
    status: { observedGeneration: 1, ...status },
  };
}

/** Only these fields of hosts and instances decide, so the others are left out. */
function viewOf(hosts: Readonly<Record<string, readonly Partial<InstanceFacts>[]>>) {
  return {
    host: (name: string) =>
      // A cast: see above.
      hosts[name] && ({ name, instances: hosts[name] } as unknown as HostFacts),
  };
}

const pod = (name: string, namespace = PROJECT): Partial<InstanceFacts> => ({
  ...{ uid: `uid-${name}`, name, namespace, leaving: undefined },
});

const single = (instance: string, question: number): InstanceQuestion => ({
  ...{ instance, question, host: 'h-1', project: PROJECT, asked: 'PLANNED_MAINTENANCE', askedAt: AT },
  ...{ replyBy: '2026-11-27T10:01:00.000Z', migrationType: 'MIGRATE', groups: [] },
});

function shown(
  session: Partial<SessionProgress>,
  {
    hosts = {},
    before = notice(),
    silent = 'fail',
  }: {
    readonly hosts?: Readonly<Record<string, readonly Partial<InstanceFacts>[]>>;
    readonly before?: Notice;
    readonly silent?: 'fail' | 'proceed';
  } = {},
): NoticeStatus {
  const whole = {
    ...newSession(['h-1', 'h-2'].map((name) => ({ name, type: 'compute', maintained: false }))),
    ...session,
  };
  const input = {
    session: whole,
    terms: { startAt: '2026-11-27T12:00:00Z', metadata: { release: 'Queens' }, silent },
    owner: { namespace: 'careen-hosts', name: 'kernel' },
    instances: instancesByProject(whole, viewOf(hosts)),
  } as const;
  return noticeOf(input, PROJECT, before, { heard: before.generation, at: AT });
}

describe('a notice', () => {
  it('says what is asked, by when, what may be answered, with which command, and what silence means', () => {
    const { message = '', question, answer } = shown({ projects: [asked] });
    expect(answer).toBe('awaited');
    expect(question).toMatchObject({
      ...{ number: 7, asks: 'PLANNED_MAINTENANCE', replyBy: asked.replyBy, instances: ['uid-1', 'uid-2'] },
      allowedActions: ['MIGRATE', 'LIVE_MIGRATE', 'OWN_ACTION'],
      silence: 'without an answer in time the session fails, and nothing more is done on the hosts',
    });
    expect(message).toContain(
      `kubectl patch notice kernel-0123456789 -n team-a --type merge -p ` +
        `'{"spec":{"reply":{"question":7,"answer":"ACK","instanceActions":{"*":"MIGRATE"}}}}'`,
    );
  });

  it('has no actions in a question that does not ask for any', () => {
    const { message = '', question } = shown({ projects: [{ ...asked, asked: 'SCALE_IN' }] });
    expect(question?.allowedActions).toEqual([]);
    expect(message).toContain('{"question":7,"answer":"ACK"}');
  });

  it('names instances that would do in SCALE_IN, where constraints say which', () => {
    const hosts = { 'h-1': [pod('db-0'), pod('db-1'), pod('web')] };
    const scaleIn = (instances: readonly string[]): string | undefined =>
      shown({ projects: [{ ...asked, asked: 'SCALE_IN', give: { vcpus: 3, instances } }] }, { hosts })
        .message;
    expect(scaleIn(['uid-db-0', 'uid-db-1'])).toContain('otherwise (such as db-0 and db-1), by 2026-');
    expect(scaleIn([])).toContain('otherwise (none of yours need go), by 2026-');
  });

  it('says of silence that goes on only what happens in this question', () => {
    const said = (session: Partial<SessionProgress>): string | undefined =>
      shown(session, { silent: 'proceed' }).question?.silence;
    const agreed = 'without an answer in time it counts as agreed';
    expect(said({ projects: [{ ...asked, asked: 'MAINTENANCE' }] })).toBe(agreed);
    expect(said({ projects: [asked] })).toBe(`${agreed}, and your instances are moved by MIGRATE`);
    expect(said({ questions: [single('uid-1', 8)] })).toBe(
      `${agreed}, and your instances are moved as their constraints say`,
    );
  });

  it('asks nothing once an answer is there, and says which', () => {
    const agreed = { ...asked, answer: { kind: 'ACK', actions: {} } } as const;
    expect(shown({ projects: [agreed] })).toMatchObject({
      answer: 'ACK',
      message: 'nothing is expected of you now',
    });
    const silent = { ...asked, answer: { kind: 'ACK', actions: {}, assumed: true } } as const;
    expect(shown({ projects: [silent] }).answer).toBe('assumed');
  });

  it('tells that the maintenance is over', () => {
    expect(shown({ state: 'MAINTENANCE_DONE', projects: [asked] }).message).toContain('is over');
  });

  it('shows only the instances of its project, and what is planned for each', () => {
    const moves: Move[] = [
      { instance: 'uid-2', host: 'h-1', project: PROJECT, action: 'MIGRATE', done: false },
    ];
    const hosts = { 'h-1': [pod('1'), pod('2'), pod('9', 'team-b')], 'h-2': [pod('3')] };
    expect(shown({ projects: [asked], moves }, { hosts }).instances).toEqual([
      { uid: 'uid-1', name: '1', host: 'h-1', plan: 'asked' },
      { uid: 'uid-2', name: '2', host: 'h-1', plan: 'moving', action: 'MIGRATE' },
      { uid: 'uid-3', name: '3', host: 'h-2', plan: 'planned' },
    ]);
  });

  it.each([
    ['START_MAINTENANCE', 'compute', false, 'planned'],
    ['START_MAINTENANCE', 'compute', true, 'stays'],
    ['START_MAINTENANCE', 'controller', false, 'stays'],
    ['MAINTENANCE_FAILED', 'compute', false, 'stays'],
  ] as const)(
    'in %s, on a host of type %s, maintained: %s: shows it as %s',
    (state, type, maintained, plan) => {
      const host = { name: 'h-2', type, maintained };
      const { instances } = shown({ state, hosts: [host] }, { hosts: { 'h-2': [pod('3')] } });
      expect(instances).toEqual([{ uid: 'uid-3', name: '3', host: 'h-2', plan }]);
    },
  );

  it('keeps the instances that have left, and says whether they were moved', () => {
    const before = notice(
      {},
      {
        instances: [
          { uid: 'uid-1', name: '1', host: 'h-1', plan: 'asked' },
          { uid: 'uid-2', name: '2', host: 'h-1', plan: 'moving', action: 'MIGRATE' },
        ],
      },
    );
    expect(shown({}, { before }).instances).toEqual([
      { uid: 'uid-1', name: '1', plan: 'gone' },
      { uid: 'uid-2', name: '2', plan: 'moved', action: 'MIGRATE' },
    ]);
  });
});

describe('a server that is moved to another host of the session', () => {
  const before = (plan: 'moving' | 'moved', host: string): Notice =>
    notice({}, { instances: [{ uid: 'uid-1', name: '1', host, plan, action: 'LIVE_MIGRATE' }] });
  const plan = (earlier: Notice, session: Partial<SessionProgress> = {}): unknown =>
    shown(session, { hosts: { 'h-2': [pod('1')] }, before: earlier }).instances?.[0];
  const moved = { uid: 'uid-1', name: '1', host: 'h-2', plan: 'moved', action: 'LIVE_MIGRATE' };

  it('is shown as moved at the end of its move, and for good', () => {
    const move = {
      instance: 'uid-1',
      host: 'h-1',
      project: PROJECT,
      action: 'LIVE_MIGRATE',
      done: true,
    } as const;
    expect(plan(notice(), { moves: [move] })).toEqual(moved);
    expect(plan(before('moving', 'h-1'))).toEqual(moved);
    expect(plan(before('moved', 'h-2'))).toEqual(moved);
  });

  it('is not where it has stayed, nor where it is asked about again', () => {
    expect(plan(before('moving', 'h-2'))).toMatchObject({ plan: 'planned' });
    expect(plan(before('moved', 'h-2'), { projects: [asked] })).toMatchObject({ plan: 'asked' });
  });
});

describe('what a project says in its notice', () => {
  const reply = {
    question: 7,
    answer: 'ACK',
    instanceActions: { 'uid-1': 'OWN_ACTION', '*': 'MIGRATE' },
  } as const;
  const session = { ...newSession([]), projects: [asked] };

  it('is an answer to the question, with an action for each instance', () => {
    expect(saidIn(session, PROJECT, notice({ reply }), NOW).replies).toEqual([
      {
        ...{ project: PROJECT, at: NOW, id: replyId(notice(), 'reply'), question: 7 },
        state: 'ACK_PLANNED_MAINTENANCE',
        instanceActions: { 'uid-1': 'OWN_ACTION', 'uid-2': 'MIGRATE' },
      },
    ]);
  });

  it('may keep the actions of an earlier answer, as `kubectl patch` leaves them, but no unknown instance', () => {
    const instances: NoticeStatus['instances'] = [{ uid: 'uid-0', name: 'a', plan: 'moved' }];
    const actionsOf = (uid: string): unknown => {
      const kept = { ...reply, instanceActions: { ...reply.instanceActions, [uid]: 'MIGRATE' } } as const;
      return saidIn(session, PROJECT, notice({ reply: kept }, { instances }), NOW).replies[0]
        ?.instanceActions;
    };
    expect(actionsOf('uid-0')).toEqual({ 'uid-1': 'OWN_ACTION', 'uid-2': 'MIGRATE' });
    expect(actionsOf('uid-9')).toMatchObject({ 'uid-9': 'MIGRATE' });
  });

  it('is heard once: not again in the same generation', () => {
    expect(saidIn(session, PROJECT, notice({ reply }, { observedGeneration: 2 }), NOW).replies).toEqual([]);
  });

  it('may be to ask for more time', () => {
    const extension = { question: 7, seconds: 600 };
    expect(saidIn(session, PROJECT, notice({ extension }), NOW).extensions).toEqual([
      { ...extension, project: PROJECT, at: NOW, id: replyId(notice(), 'extension') },
    ]);
  });

  it('counts as accepted where it was recorded before the notice could say so', () => {
    const actions = { 'uid-1': 'OWN_ACTION', 'uid-2': 'MIGRATE' } as const;
    const recorded = { ...asked, answer: { kind: 'ACK', actions } } as const;
    const after = { ...session, projects: [recorded] };
    expect(saidIn(after, PROJECT, notice({ reply }), NOW)).toMatchObject({
      replies: [],
      verdict: { answer: 'accepted' },
    });
    const other = { ...reply, instanceActions: { '*': 'MIGRATE' } } as const;
    expect(saidIn(after, PROJECT, notice({ reply: other }), NOW)).toMatchObject({
      replies: [{ instanceActions: { 'uid-1': 'MIGRATE', 'uid-2': 'MIGRATE' } }],
    });
    const earlier = notice({ reply: { ...reply, question: 6 } });
    expect(saidIn(after, PROJECT, earlier, NOW).verdict).toBeUndefined();
  });

  it('counts also where the next question followed at once, until the notice shows that', () => {
    const next = { ...asked, question: 8, asked: 'SCALE_IN' } as const;
    const after = { ...session, projects: [next], agreed: [{ id: PROJECT, question: 7 }] };
    const showing = (number: number): NoticeStatus => ({
      question: {
        ...{ number, asks: 'SCALE_IN', since: AT, replyBy: AT, silence: '' },
        ...{ allowedActions: [], instances: [] },
      },
    });
    type Wrong = { readonly answer?: 'ACK' | 'NACK'; readonly of?: SessionProgress };
    const verdictIn = (
      status: NoticeStatus,
      { answer = 'ACK', of = after }: Wrong = {},
    ): string | undefined =>
      saidIn(of, PROJECT, notice({ reply: { ...reply, answer } }, status), NOW).verdict?.answer;
    expect(verdictIn(showing(7))).toBe('accepted');
    expect(verdictIn(showing(8))).toBeUndefined();
    expect(verdictIn(showing(7), { answer: 'NACK' })).toBeUndefined();
    expect(
      verdictIn(showing(7), { of: { ...after, agreed: [{ id: 'other', question: 7 }] } }),
    ).toBeUndefined();
  });

  it('may keep the actions of an earlier answer in a refusal', () => {
    const refusal = { ...reply, answer: 'NACK', instanceActions: { 'uid-9': 'MIGRATE' } } as const;
    const [given] = saidIn(session, PROJECT, notice({ reply: refusal }), NOW).replies;
    expect(given).toMatchObject({ state: 'NACK_PLANNED_MAINTENANCE' });
    expect(given?.instanceActions).toBeUndefined();
  });

  it('is judged by what it says to the later question: what it said before may stay in it', () => {
    const said = (answered: number, extended: number): string | undefined => {
      const spec = {
        reply: { ...reply, question: answered },
        extension: { question: extended, seconds: 60 },
      };
      const verdicts = (['reply', 'extension'] as const).map((of) => ({
        ...{ id: replyId(notice(), of), answer: 'refused' as const, message: of },
      }));
      return verdictOn(notice(spec), verdicts)?.message;
    };
    expect(said(7, 6)).toBe('reply');
    expect(said(6, 7)).toBe('extension');
  });

  it('is judged by its answer, where the wish before it stays in it', () => {
    const spec = { reply, extension: { question: reply.question, seconds: 60 } };
    const verdict = (of: 'reply' | 'extension', answer: 'accepted' | 'refused') => ({
      ...{ id: replyId(notice(), of), answer, message: of },
    });
    const said = (answered: 'accepted' | 'refused', extended: 'accepted' | 'refused'): string | undefined =>
      verdictOn(notice(spec), [verdict('extension', extended), verdict('reply', answered)])?.message;
    expect(said('accepted', 'refused')).toBe('reply');
    expect(said('refused', 'accepted')).toBe('reply');
    expect(verdictOn(notice(spec), [verdict('extension', 'refused')])?.message).toBe('extension');
  });

  it('is judged by its refusal, where a part of it is refused', () => {
    const verdict = (answer: 'accepted' | 'refused', message: string) => ({
      ...{ id: replyId(notice(), 'reply'), answer, message },
    });
    const said = { reply };
    const both = [verdict('accepted', 'a'), verdict('refused', 'b')];
    expect(verdictOn(notice(said), both)?.message).toBe('b');
    expect(verdictOn(notice(said, {}, 3), both)).toBeUndefined();
  });
});

describe('questions about single instances', () => {
  const questions = [single('uid-1', 8), single('uid-2', 9)];
  const session = { ...newSession([]), projects: [asked], questions };

  it('are shown as one, with the number of the last', () => {
    expect(shown({ questions }).question).toMatchObject({ number: 9, instances: ['uid-1', 'uid-2'] });
  });

  it('name the instances for whose resources somebody has to make up', () => {
    const hosts = {
      'h-1': [
        { ...pod('db-0'), uid: 'uid-1' },
        { ...pod('db-1'), uid: 'uid-2' },
      ],
    };
    const said = (of: readonly InstanceQuestion[]): string | undefined =>
      shown({ questions: of }, { hosts }).message;
    expect(said([single('uid-1', 8), { ...single('uid-2', 9), resourceMitigation: true }])).toMatch(
      /; make up for the resources of db-1 before you agree, as the constraints say$/,
    );
    expect(said(questions)).not.toContain('make up');
  });

  it('are answered by one reply; an instance that it does not name is moved as its constraint says', () => {
    const reply = { question: 9, answer: 'ACK', instanceActions: { 'uid-2': 'OWN_ACTION' } } as const;
    const id = replyId(notice(), 'reply');
    const common = { id, project: PROJECT, at: NOW, state: 'ACK_PLANNED_MAINTENANCE' };
    expect(saidIn(session, PROJECT, notice({ reply }), NOW).replies).toEqual([
      { ...common, question: 8, instance: 'uid-1' },
      { ...common, question: 9, instance: 'uid-2', instanceActions: { 'uid-2': 'OWN_ACTION' } },
    ]);
  });

  it('refuse the number of an earlier question, and instances that are not asked about', () => {
    const wrong = (fields: object): Notice => notice({ reply: { question: 9, answer: 'ACK', ...fields } });
    expect(saidIn(session, PROJECT, wrong({ question: 8 }), NOW).verdict?.message).toBe(
      'the answer is to question 8; project team-a is asked question 9',
    );
    const foreign = wrong({ instanceActions: { 'uid-7': 'MIGRATE' } });
    expect(saidIn(session, PROJECT, foreign, NOW).verdict?.message).toBe(
      'instanceActions names uid-7, which question 9 does not ask about',
    );
  });
});
