/** What becomes of answers that come by HTTP. */
import { expect, it } from 'vitest';
import { ReplyDesk } from '../../../src/controllers/session/reply-desk.ts';
import { newSession, type SessionProgress } from '../../../src/engine/session/session-state.ts';

const AT = '2026-11-27T10:00:00.000Z';
const asked: SessionProgress = {
  ...newSession([]),
  projects: [
    { id: 'A', question: 1, asked: 'MAINTENANCE', askedAt: AT, replyBy: AT, instances: ['A1', 'A2'] },
  ],
};

/** The desk, and a session whose project A is asked MAINTENANCE. */
function atTheDesk() {
  const scene = {
    now: 0,
    known: asked as SessionProgress | undefined,
    woken: [] as string[],
    answer: { session: 'u', project: 'A', state: 'ACK_MAINTENANCE' },
  };
  const desk = new ReplyDesk(
    () => scene.now,
    (uid) => scene.woken.push(uid),
    () => scene.known,
  );
  return { desk, scene };
}

it('gives a client the verdict that is stored', async () => {
  const { desk, scene } = atTheDesk();
  const taken = desk.take(scene.answer);
  const [{ id } = expect.fail('no answer')] = desk.repliesFor('u');
  desk.settle('u', [{ id, answer: 'refused', message: 'too late' }]);
  expect(await taken).toEqual({ kind: 'refused', message: 'too late' });
  expect([scene.woken, desk.repliesFor('u')]).toEqual([['u'], []]);
});

it('judges an answer once that a client repeats before it is judged', async () => {
  const { desk, scene } = atTheDesk();
  const both = [desk.take(scene.answer), desk.take({ ...scene.answer })];
  const other = desk.take({ ...scene.answer, state: 'NACK_MAINTENANCE' });
  const [first, second, ...more] = desk.repliesFor('u').map(({ id }) => id);
  desk.settle('u', [
    { id: first ?? '', answer: 'accepted', message: '' },
    { id: second ?? '', answer: 'refused', message: 'answered already' },
  ]);
  expect(await Promise.all([...both, other])).toMatchObject([
    ...[{ kind: 'accepted' }, { kind: 'accepted' }],
    { kind: 'refused' },
  ]);
  expect(more).toEqual([]);
});

it('lets clients try again until this process has seen each session, however long it stood by', async () => {
  const { desk, scene } = atTheDesk();
  scene.known = undefined;
  const kinds = async () => [
    (await desk.take(scene.answer)).kind,
    (await desk.questionOf('u', scene.answer.project)).kind,
  ];
  scene.now = 3_600_000;
  expect(await kinds()).toEqual(['unavailable', 'unavailable']);
  desk.start();
  scene.now += 59_999;
  expect(await kinds()).toEqual(['unavailable', 'unavailable']);
  scene.now += 1;
  expect(await kinds()).toEqual(['unknown', 'unknown']);
});

it('accepts again only the answer that is recorded, with the same actions', async () => {
  const { desk, scene } = atTheDesk();
  const planned = {
    asked: 'PLANNED_MAINTENANCE',
    answer: { kind: 'ACK', actions: { A1: 'MIGRATE' } },
  } as const;
  scene.known = { ...asked, projects: asked.projects.map((each) => ({ ...each, ...planned })) };
  const said = { ...scene.answer, state: 'ACK_PLANNED_MAINTENANCE' };
  expect(await desk.take({ ...said, instanceActions: { A1: 'MIGRATE' } })).toEqual({ kind: 'accepted' });
  void desk.take({ ...said, instanceActions: { A1: 'OWN_ACTION' } });
  void desk.take({ ...said, instanceActions: { A1: 'MIGRATE', B1: 'MIGRATE' } });
  void desk.take({ ...said, state: 'NACK_PLANNED_MAINTENANCE' });
  expect(desk.repliesFor('u').map(({ instanceActions }) => instanceActions)).toEqual([
    { A1: 'OWN_ACTION' },
    { A1: 'MIGRATE', B1: 'MIGRATE' },
    undefined,
  ]);
});

it('refuses at once what is said to a session that has ended: it may be at rest', async () => {
  const { desk, scene } = atTheDesk();
  scene.known = { ...asked, state: 'MAINTENANCE_DONE' };
  expect(await desk.take(scene.answer)).toEqual({
    kind: 'refused',
    message: 'the session has ended in MAINTENANCE_DONE: no answer is awaited',
  });
  expect(scene.woken).toEqual([]);
});
