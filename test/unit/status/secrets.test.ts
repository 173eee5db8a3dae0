import { ApiException } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { updateConditions } from '../../../src/crds/observed/conditions.ts';
import { strategyStatus } from '../../../src/crds/observed/strategy-status.ts';
import { statusText } from '../../../src/crds/text/status-text.ts';
import type { Effect } from '../../../src/engine/effect.ts';
import { jobPod } from '../../../src/hostops/jobs/job-pod.ts';
import { failureOf } from '../../../src/hostops/jobs/job-failures.ts';
import { outcomeOf } from '../../../src/hostops/outcomes.ts';
import { statusOfRun } from '../../../src/status/stored/codec.ts';
import { stalledStatus } from '../../../src/status/shown/stalled-status.ts';
import { withAnswers } from '../../../src/status/requests/requests.ts';
import { RUN } from '../../../src/cli/simulate/simulated-operator.ts';
import { workers } from '../support/fleets.ts';
import { kernelPatch, SimulatedRun } from '../support/simulated-run.ts';

const SECRET = 'pl4nted-S3CRET_9f';
const TIME = '2026-11-25T09:00:00.000Z';

/** The forms in which others repeat a secret. */
const FORMS: readonly [string, string][] = [
  ['an environment', `denied: the container has PASSWORD=${SECRET}, which is weak`],
  ['an environment in quotes', `env DB_PASSWORD="${SECRET} and ${SECRET}" is weak`],
  ['a key of a cloud', `env AWS_SECRET_ACCESS_KEY=${SECRET} is weak`],
  ['JSON', `denied: {"name":"a","token":"${SECRET}"}`],
  ['a bearer token', `GET https://vault.example.com: 403 with Authorization: Bearer ${SECRET}`],
  ['an option', `the command patch --token ${SECRET} may not run`],
  ['an address', `Failed to pull image: https://bot:${SECRET}@registry.example.com/v2: 401`],
  ['more than a field holds', `${'x'.repeat(980)} PASSWORD=${SECRET} ${'y'.repeat(4000)}`],
];

describe('a secret in the words of others is in no status', () => {
  const words = `denied: the container has PASSWORD=${SECRET}, which is weak`;
  const said: readonly [string, number, string][] = [
    ['a webhook', 403, `admission webhook "w" denied the request: ${words}`],
    ['a webhook that does not answer', 500, `failed calling webhook "w": ${words}`],
    ['a policy', 422, `jobs.batch "j" is forbidden: ValidatingAdmissionPolicy 'p' denied request: ${words}`],
    ['a quota', 403, `jobs.batch "j" is forbidden: exceeded quota: q, requested: ${words}`],
    ['the server', 422, `Job.batch "j" is invalid: ${words}`],
    ['an overloaded server', 503, words],
  ];
  const kinds: readonly Effect['kind'][] = ['claim', 'evict', 'start-job', 'release', 'leave-locked'];

  it.each(said)('of %s, whatever it refuses', async (_who, code, message) => {
    const answer = outcomeOf(new ApiException(code, 'PATCH /x', { message }, {}), 'the write', 0);
    for (const kind of kinds) {
      const run = await SimulatedRun.start({
        hosts: workers(1),
        spec: { patches: [kernelPatch] },
        refusal: (effect) =>
          effect.kind !== kind
            ? undefined
            : answer.kind === 'blocked'
              ? { ...answer, retryAt: run.world.now + 600_000 }
              : answer,
      });
      run.world.addPod({ name: 'p', host: 'w-1' });
      await run.elapse(5_000);
      expect(shownBy(run)).not.toContain(SECRET);
      await run.elapse(3_600_000);
      expect(shownBy(run)).not.toContain(SECRET);
    }
  });

  it('of a container or a pod', async () => {
    const status = (state: object) => ({
      metadata: { name: 'p', ownerReferences: [owner] },
      status: { containerStatuses: [{ name: 'apply', state, ...NEVER }] },
    });
    const waiting = jobPod(status({ waiting: { reason: 'ErrImagePull', message: words } }));
    const notStarted = jobPod(
      status({ terminated: { exitCode: 128, reason: 'StartError', message: words } }),
    );
    const failure = failureOf([{ status: { reason: 'Evicted', message: words } }]);
    for (const text of [waiting?.words, notStarted?.words, failure]) {
      expect(text).toContain(SECRET);
      const run = await SimulatedRun.start({ hosts: workers(1), spec: { patches: [kernelPatch] } });
      await run.until(() => run.world.jobs.size > 0);
      const [key] = run.world.jobs.keys();
      run.world.changeJob(String(key), { state: 'failed', failure: String(text) });
      await run.elapse(5_000);
      expect(run.run.state).toBe('apply-failed');
      expect(shownBy(run)).not.toContain(SECRET);
    }
  });

  it.each(FORMS)('in any form: %s', (_form, text) => {
    const wish = { type: 'Stalled', status: 'True', reason: 'Overlap', message: text } as const;
    const stalled = stalledStatus({}, 'NamespaceNotPrepared', text, 1, TIME);
    const answer = { id: 'a', verb: 'retry', answer: 'refused', message: text } as const;
    const shown = [
      updateConditions([], [wish], 1, TIME),
      stalled,
      withAnswers([], [answer], TIME, new Map()),
    ];
    expect(JSON.stringify(shown)).toContain('[redacted]');
    expect(JSON.stringify(shown)).not.toContain(SECRET);
  });
});

const owner = { apiVersion: 'batch/v1', kind: 'Job', name: 'j', uid: 'j-1', controller: true };
const NEVER = { ready: false, restartCount: 0, image: 'i', imageID: '' };

/** The status, without the actions that the strategy itself contains; and the notes that Careen leaves on hosts. */
function shownBy(run: SimulatedRun): string {
  const record = {
    ...{ id: RUN, planDigest: run.plan.digest, specDigest: 's', fleetRevision: 'f', builtAt: TIME },
    ...{ pool: 'default', actions: {} },
  };
  const status = statusOfRun(
    { run: record },
    run.run,
    { reasons: run.reasons, order: { mode: 'Run' } },
    1,
    TIME,
  );
  // A redacted text may be longer than its original, and must still fit the field.
  expect(strategyStatus.parse(status)).toBeDefined();
  return JSON.stringify([status, run.accepted.filter(({ kind }) => kind === 'leave-locked')]);
}

describe('a text of a status', () => {
  it('fits its field, though a redacted secret is longer', () => {
    expect(statusText('token=a '.repeat(128))).toHaveLength(1024);
  });

  it('keeps what is no secret', () => {
    const text =
      'making Job n/j on w-1: quota "q" is full: requested: secrets=1, used: pods=3; ' +
      'spec.volumes.secret.secretName: db, tokenFile=/var/run/token; image is "r.example.com:5000/p:1@sha256:0a"';
    expect(statusText(text)).toBe(text);
  });

  it('stays as it is when it is stored and decided again', () => {
    for (const [, words] of FORMS) expect(statusText(statusText(words))).toBe(statusText(words));
  });
});
