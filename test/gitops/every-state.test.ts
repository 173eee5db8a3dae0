/** Objects in every state on a real API server: tools read them correctly, and they do not drift from git. */
import type { KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  applyAs,
  mergePatch,
  patchStatus,
  read,
  remove,
  type Manifest,
} from '../support/controlplane/apply.ts';
import { MAINTENANCE_SESSION, UPGRADE_STRATEGY } from '../../src/crds/names.ts';
import { connect, startControlPlane, type ControlPlane } from '../support/controlplane/controlplane.ts';
import { judge, kstatus, type Answer } from '../support/controlplane/judge.ts';
import { installCareen } from '../support/operator/operator.ts';
import {
  poolManifest,
  sessionManifest,
  strategyManifest,
  upgradeManifest,
} from '../support/operator/strategies.ts';
import { ARGOCD, compared } from './drift.ts';
import { poolSamples } from './pool-samples.ts';
import { NOT_SEEN, type Samples } from './sample.ts';
import { sessionSamples } from './session-samples.ts';
import { strategySamples } from './strategy-samples.ts';
import { upgradeSamples } from './upgrade-samples.ts';

const NAMESPACE = 'careen-hosts';

let plane: ControlPlane;
let admin: KubeConfig;
beforeAll(async () => {
  plane = await startControlPlane();
  admin = connect(plane.kubeconfig);
  await installCareen(admin);
});
afterAll(async () => plane.stop());

const objectSchema = z.looseObject({ metadata: z.looseObject({ generation: z.int() }) });

/** The manifest as in a repository, with the annotation by which Argo CD knows its own objects. */
function fromGit(manifest: Manifest): Manifest {
  const annotations = {
    'argocd.argoproj.io/tracking-id': `app:careen.dev/${manifest.kind}:${manifest.metadata.name}`,
  };
  return { ...manifest, metadata: { ...manifest.metadata, annotations } };
}

/** Applies the manifest and brings the object into the state of the sample. */
async function put(
  manifest: Manifest,
  sample: Samples extends ReadonlyMap<string, infer S> ? S : never,
): Promise<void> {
  const { metadata } = objectSchema.parse(await applyAs(admin, ARGOCD, manifest));
  if (sample.status === NOT_SEEN) return; // the schema's own default
  const shift = metadata.generation - sample.metadata.generation;
  await patchStatus(admin, manifest, shifted(sample.status, shift));
  if (sample.metadata.deletionTimestamp === undefined) return;
  await mergePatch(admin, manifest, { metadata: { finalizers: ['careen.dev/release-hosts'] } });
  await remove(admin, manifest);
}

/** The status of a sample for an object with another generation. */
function shifted(value: unknown, by: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((each) => shifted(each, by));
  const fields = Object.entries(value).map(([key, field]: [string, unknown]) =>
    key === 'observedGeneration' ? [key, Number(field) + by] : [key, shifted(field, by)],
  );
  return Object.fromEntries(fields);
}

/** `kubectl wait --for=condition=Ready`; without a timeout it checks once. */
async function kubectlWait({ kind, metadata: { name } }: Manifest, timeout = '0s'): Promise<Answer> {
  const options = ['--kubeconfig', plane.kubeconfig, '--namespace', NAMESPACE, `--timeout=${timeout}`];
  return judge(['wait', '--for=condition=Ready', ...options, `${kind}/${name}`]);
}

describe.each([
  {
    kind: 'PatchStrategy',
    samples: () => strategySamples(),
    manifest: (name: string) => strategyManifest(name, NAMESPACE),
  },
  {
    kind: UPGRADE_STRATEGY,
    samples: async () => new Map([...(await strategySamples(UPGRADE_STRATEGY)), ...(await upgradeSamples())]),
    manifest: (name: string) => upgradeManifest(name, NAMESPACE),
  },
  {
    kind: MAINTENANCE_SESSION,
    samples: sessionSamples,
    manifest: (name: string) => sessionManifest(name),
  },
  {
    kind: 'HostPool',
    samples: async () => Promise.resolve(poolSamples()),
    manifest: (name: string) => poolManifest(name, 1),
  },
])('a $kind in every state', ({ kind, samples, manifest }) => {
  let all: Samples;
  const made = new Map<string, Manifest>();
  beforeAll(async () => {
    all = await samples();
    for (const [i, [state, sample]] of [...all].entries()) {
      const each = fromGit(manifest(`${kind.toLowerCase()}-${String(i)}`));
      await put(each, sample);
      made.set(state, each);
    }
  });

  it('has the same kstatus on the API server as its sample', async () => {
    const expected = await kstatus([...all.values()]);
    const live = await Promise.all([...made.values()].map(async (each) => read(admin, each)));
    const words = (await kstatus(live)).map(({ status }) => status);
    expect(words).toEqual(expected.map(({ status }) => status));
  });

  it('does not differ from its manifest', async () => {
    for (const [state, each] of made) {
      const { live, predicted } = await compared(admin, each);
      expect(predicted, state).toEqual(live);
    }
  });

  it('ends kubectl wait exactly when kstatus says Current', async () => {
    const words = await kstatus([...all.values()]);
    for (const [i, [state, each]] of [...made].entries()) {
      // An object that was Ready is still Ready while it is deleted. A wait for its deletion uses another condition.
      if (words[i]?.status === 'Terminating') continue;
      const { code, stderr } = await kubectlWait(each);
      expect({ code, state, stderr }).toMatchObject({ code: words[i]?.status === 'Current' ? 0 : 1 });
    }
  });
});

it('kubectl wait ends when the strategy ends', async () => {
  const manifest = fromGit(strategyManifest('awaited', NAMESPACE));
  const samples = await strategySamples();
  const [running, applied] = [samples.get('a stage runs'), samples.get('applied')];
  if (!running || !applied) throw new Error('there is no such sample');
  await put(manifest, running);
  const waits = kubectlWait(manifest, '60s');
  await put(manifest, applied);
  expect(await waits).toMatchObject({ code: 0, stdout: expect.stringContaining('condition met') as string });
});
