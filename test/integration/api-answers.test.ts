/** The API server, or who is in its place, answers wrongly in the middle of a run, which then ends as if nothing had been. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { pathTemplate } from '../support/audit/path-template.ts';
import { writeClass } from '../support/audit/write-class.ts';
import { statusAnswer, type Match, type ProxiedRequest } from '../support/network/holding-proxy.ts';
import type { Ending } from './disturbed-run.ts';
import { FaultScene } from './fault-scene.ts';

vi.setConfig({ testTimeout: 150_000 });

const LEASE_SECONDS = 9;

let scene: FaultScene;
let undisturbed: Ending;
beforeAll(async () => {
  scene = await FaultScene.start(LEASE_SECONDS);
  undisturbed = await scene.run();
});
afterAll(async () => scene.stop());

const isWrite: Match = (request) => writeClass(request) !== undefined;
const isRead: Match = ({ method }) => method === 'GET';
const isAny: Match = () => true;

/** The class of a write; what is read, and the Lease and events, by method and path. */
function kindOf(request: ProxiedRequest): string {
  const watch = request.query.has('watch') ? 'watch, ' : '';
  return writeClass(request) ?? `${watch}${request.method} ${pathTemplate(request.path)}`;
}

/** Matches the first request of each kind from now on; `kinds` fills with those that there were. */
function firstOfEachKind(among: Match): { readonly match: Match; readonly kinds: ReadonlySet<string> } {
  const kinds = new Set<string>();
  const match: Match = (request) => {
    const kind = kindOf(request);
    if (!among(request) || kinds.has(kind)) return false;
    kinds.add(kind);
    return true;
  };
  return { match, kinds };
}

const READS = [
  'GET /api/v1/nodes',
  'watch, GET /api/v1/nodes',
  'GET /apis/careen.dev/v1alpha1/patchstrategies',
  'watch, GET /apis/careen.dev/v1alpha1/patchstrategies',
  'GET /apis/careen.dev/v1alpha1/hostpools/{name}',
];
const WRITES = [
  'pool: grant permits',
  'strategy: applying',
  'host: claim',
  'pod: evict',
  'Job: make',
  'Job: start',
];

describe('a run ends as if undisturbed', () => {
  it.each([
    ['429', isAny, statusAnswer(429, 'TooManyRequests'), [...READS, ...WRITES]],
    ['429 with Retry-After', isAny, statusAnswer(429, 'TooManyRequests', 1), [...READS, ...WRITES]],
    ['409', isWrite, statusAnswer(409, 'Conflict'), WRITES],
    ['410', isRead, statusAnswer(410, 'Expired'), READS],
    ['500', isAny, statusAnswer(500, 'InternalError'), [...READS, ...WRITES]],
  ] as const)(
    'when the first request of each kind since a restart is answered with %s',
    async (_, among, answer, least) => {
      const first = firstOfEachKind(among);
      const ending = await scene.run(async () => {
        scene.proxy.respond(first.match, answer, Infinity);
        await scene.operator.kill();
      });
      expect(ending).toEqual(undisturbed);
      expect([...first.kinds]).toEqual(expect.arrayContaining([...least]));
    },
  );

  it.each([500, 504])(
    'when the first write of each kind happens, and is answered with %i',
    async (status) => {
      const first = firstOfEachKind(isWrite);
      const ending = await scene.run(async () => {
        scene.proxy.misreport(first.match, statusAnswer(status, 'InternalError'), Infinity);
        return Promise.resolve();
      });
      expect(ending).toEqual(undisturbed);
      expect([...first.kinds]).toEqual(expect.arrayContaining(WRITES));
    },
  );
});
