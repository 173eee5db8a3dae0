/**
 * Secrets in objects that the operator reads, and in refusals of its requests: it prints none of them, at any level,
 * and no status repeats them.
 */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apply, mergePatch } from '../support/controlplane/apply.ts';
import { AdmissionWebhook } from '../support/network/admission-webhook.ts';
import { BEHAVIOUR_ANNOTATION } from '../support/hosts/host-standin.ts';
import { PLANTED } from '../support/operator/kept-output.ts';
import { readMetrics } from '../support/operator/metrics.ts';
import { startOperator } from '../support/operator/operator.ts';
import { kernelPatch } from '../support/operator/strategies.ts';
import { request } from './by-hand.ts';
import { Cluster, type Fleet } from './cluster.ts';
import { eventAbout, eventsAbout } from './events.ts';

const RUN = { execution: { mode: 'Run' } };
const SECRET = 'patch-credentials';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start((kubeconfig) =>
    startOperator(kubeconfig, { environment: { LOG_LEVEL: 'trace' } }),
  );
  await apply(cluster.admin, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: SECRET, namespace: 'careen-hosts' },
    stringData: { password: `${PLANTED}-in-secret` },
  });
});
afterAll(async () => cluster.stop());

const PERMITTED = { secrets: [SECRET], annotations: ['example.com/*'] };

/** A patch whose Job has secrets at all places where people put them. */
function loaded(image: string, container: object = {}): object {
  const env = [
    { name: 'REGISTRY_PASSWORD', value: `${PLANTED}-in-variable` },
    { name: 'FROM_SECRET', valueFrom: { secretKeyRef: { name: SECRET, key: 'password' } } },
  ];
  const args = ['--password', `${PLANTED}-in-argument`];
  const metadata = { annotations: { 'example.com/token': `${PLANTED}-in-annotation` } };
  const spec = {
    containers: [{ name: 'apply', image, env, args, ...container }],
    imagePullSecrets: [{ name: SECRET }],
  };
  return { ...kernelPatch, action: { job: { template: { metadata, spec } } } };
}

/** A host and a strategy that carry secrets in their annotations, too. */
async function laden(pool: string, patch: object, policy: object = {}): Promise<Fleet> {
  const planted = { 'example.com/credentials': `${PLANTED}-on-object` };
  const fleet = await cluster.fleet(pool, 1, 1, planted);
  await fleet.pool(1, { actionPolicy: { ...PERMITTED, ...policy } });
  await fleet.apply({ patches: [patch] });
  await mergePatch(cluster.admin, fleet.strategy, { metadata: { annotations: planted } });
  await fleet.order({ mode: 'Run' });
  return fleet;
}

/** All output of the operator so far about a strategy, and about itself. */
async function outputAbout(fleet: Fleet): Promise<string[]> {
  const events = (await eventsAbout(cluster.admin, fleet.strategy)).map((event) => JSON.stringify(event));
  const { text } = await readMetrics(cluster.operator.address() ?? '');
  return [...cluster.operator.lines, ...events, ...text.split('\n')];
}

/** The status of a strategy, without the actions that its spec contains as well, and that of its pool. */
async function statuses(fleet: Fleet): Promise<string[]> {
  const { run, ...rest } = await fleet.status();
  const { actions: _actions, ...record } = run ?? {};
  return [rest, record, await fleet.poolStatus()].map((each) => JSON.stringify(each));
}

async function expectSilence(fleet: Fleet): Promise<void> {
  const lines = [...(await outputAbout(fleet)), ...(await statuses(fleet))];
  expect(lines.filter((line) => line.includes(PLANTED))).toEqual([]);
}

const IMAGES = [
  `https://bot:${PLANTED}-in-image@registry.example.com/patch:1`,
  `bot:${PLANTED}-in-image@registry.example.com/patch:1`,
];

describe('a secret is not printed', () => {
  it('by a run that ends well', async () => {
    const fleet = await laden('well', loaded(IMAGES[0] ?? ''));
    await fleet.untilState('applied');
    await eventAbout(cluster.admin, fleet.strategy, 'Applied');
    await expectSilence(fleet);
  });

  it('by a run whose Job fails, and an answer to a request that cannot be read', async () => {
    const fleet = await cluster.fleet('failing', 1, 1);
    await fleet.annotate('failing-0', { [BEHAVIOUR_ANNOTATION]: 'exit-7' });
    await fleet.pool(1, { actionPolicy: PERMITTED });
    await fleet.apply({ ...RUN, patches: [loaded('registry.example.com/patch:1')] });
    await fleet.untilState('apply-failed');
    await request(cluster.admin, fleet.strategy, {
      ...{ id: 'leaky', verb: 'apply-all' },
      token: `${PLANTED}-in-request`,
    });
    expect(await fleet.answer('leaky')).toMatch(/takes no "token"/);
    await eventAbout(cluster.admin, fleet.strategy, 'RequestRefused');
    await expectSilence(fleet);
  });

  it.each(IMAGES)('by the refusal of an image like %s, which names the image', async (image) => {
    const pool = image.startsWith('https') ? 'refused' : 'refused-too';
    const fleet = await laden(pool, loaded(image), { images: ['registry.example.com/*'] });
    const { message } = await fleet.untilState('build-failed');
    expect(message).toContain('rule actionPolicy.images');
    await eventAbout(cluster.admin, fleet.strategy, 'BuildFailed');
    await expectSilence(fleet);
  });

  it('by a Job that the API server refuses, whose answer repeats the wrong value', async () => {
    const [address] = IMAGES;
    const fleet = await laden(
      'invalid',
      loaded('registry.example.com/patch:1', { imagePullPolicy: address }),
    );
    const { message } = await fleet.untilState('apply-failed');
    expect(message).toMatch(/Job\.batch .* is invalid: .*imagePullPolicy: Unsupported value/);
    await eventAbout(cluster.admin, fleet.strategy, 'ApplyFailed');
    await expectSilence(fleet);
  });

  it('by the words of a webhook that denies a write', async () => {
    const scope = { name: 'pods.example.com', namespace: 'careen-hosts', resource: 'jobs' };
    const webhook = await AdmissionWebhook.start(cluster.admin, scope);
    try {
      const message = `the container has PASSWORD=${PLANTED}-in-denial and sends Bearer ${PLANTED}-in-header`;
      webhook.answer = { code: 403, message };
      const fleet = await laden('denied', loaded('registry.example.com/patch:1'));
      const { message: shown } = await fleet.until('a denial', ({ message: said = '' }) =>
        said.includes('denies it'),
      );
      expect(shown).toContain('the container has PASSWORD=[redacted] and sends Bearer [redacted]');
      await expectSilence(fleet);
      await fleet.order({ mode: 'Abort' });
      await fleet.untilState('aborted');
      await expectSilence(fleet);
    } finally {
      await webhook.stop();
    }
  });

  it('when it is the token of the operator', async () => {
    const token = /"token":\s*"([^"]+)"/.exec(await readFile(cluster.operatorKubeconfig, 'utf8'))?.[1] ?? '';
    expect(token).toMatch(/^eyJ/);
    expect(cluster.operator.lines.filter((line) => line.includes(token) || line.includes('eyJ'))).toEqual([]);
  });
});
