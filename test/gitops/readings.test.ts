/** kstatus and Argo CD read every state of our kinds as the guide says. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { REASONS } from '../../src/crds/observed/conditions.ts';
import {
  API_VERSION,
  MAINTENANCE_NOTICE,
  MAINTENANCE_SESSION,
  UPGRADE_STRATEGY,
} from '../../src/crds/names.ts';
import { STRATEGY_KIND_NAMES } from '../../src/crds/strategy-kinds.ts';
import { STRATEGY_STATES } from '../../src/crds/vocabulary.ts';
import { DEPLOY } from '../support/controlplane/installation.ts';
import { health, kstatus } from '../support/controlplane/judge.ts';
import { poolSamples } from './pool-samples.ts';
import type { Samples } from './sample.ts';
import { sessionSamples } from './session-samples.ts';
import { strategySamples } from './strategy-samples.ts';
import { upgradeSamples } from './upgrade-samples.ts';

const GUIDE = join(DEPLOY, '..', 'docs', 'guides', 'gitops.md');
const scriptOf = async (kind: string): Promise<string> =>
  readFile(join(DEPLOY, 'argocd', `careen.dev_${kind}.lua`), 'utf8');

type Shown = { readonly state?: string; readonly conditions?: readonly { type: string; reason: string }[] };
const shownIn = (sample: { readonly status: object }): Shown => sample.status;

let strategies: Samples;
beforeAll(async () => {
  strategies = new Map([
    ...(await strategySamples()),
    ...(await upgradeSamples()),
    ...(await sessionSamples()),
  ]);
});

/** The rows of a table in the guide, below the heading that names the kind. */
async function rowsOf(kind: string): Promise<Map<string, string[]>> {
  const section = (await readFile(GUIDE, 'utf8')).split(/^##+ /m).find((each) => each.startsWith(kind)) ?? '';
  const rows = section
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(2)
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    );
  return new Map(rows.map(([name = '', ...cells]) => [name, cells]));
}

async function readings(kind: string, samples: Samples): Promise<Map<string, string[]>> {
  const objects = [...samples.values()];
  const [generic, argo] = [await kstatus(objects), await health(await scriptOf(kind), objects)];
  return new Map(
    [...samples].map(([name, sample], i) => {
      const ready = shownIn(sample).conditions?.find(({ type }) => type === 'Ready');
      return [name, [ready?.reason ?? '', generic[i]?.status ?? '', argo[i]?.status ?? '']];
    }),
  );
}

it.each(STRATEGY_KIND_NAMES)('tools read every state of a %s as the guide says', async (kind) => {
  expect(await readings(kind, await strategySamples(kind))).toEqual(await rowsOf('Strategies'));
});

it('tools read every state that only an UpgradeStrategy has as the guide says', async () => {
  expect(await readings(UPGRADE_STRATEGY, await upgradeSamples())).toEqual(await rowsOf('Upgrades'));
});

it('tools read every state that only a MaintenanceSession has as the guide says', async () => {
  expect(await readings(MAINTENANCE_SESSION, await sessionSamples())).toEqual(await rowsOf('Sessions'));
});

it('tools read a MaintenanceNotice as ready: it has no conditions', async () => {
  const notice = {
    ...{ apiVersion: API_VERSION, kind: MAINTENANCE_NOTICE },
    ...{ metadata: { name: 'racks', generation: 2 }, status: { observedGeneration: 2 } },
  };
  expect(await kstatus([notice])).toMatchObject([{ status: 'Current' }]);
});

it('tools read every state of a HostPool as the guide says', async () => {
  expect(await readings('HostPool', poolSamples())).toEqual(await rowsOf('HostPool'));
});

it('every state and reason has a sample', () => {
  const all = [...strategies.values(), ...poolSamples().values()].map(shownIn);
  const states = new Set(all.map(({ state }) => state).filter((state) => state !== undefined));
  expect(states).toEqual(new Set(STRATEGY_STATES));
  const reasons = new Set(all.flatMap(({ conditions = [] }) => conditions.map(({ reason }) => reason)));
  expect(reasons).toEqual(new Set(REASONS));
});

describe('a health script', () => {
  it('says which stage runs and what blocks it', async () => {
    const blocked = strategies.get('a stage runs, a budget blocks a pod');
    expect(await health(await scriptOf('PatchStrategy'), [blocked])).toEqual([
      {
        status: 'Progressing',
        message:
          '0/2 stages done; stage 0, migrate-instances-from-host: 1 pod left on w-1; ' +
          'budget db does not allow to evict default/db-0',
      },
    ]);
  });

  it('says of a session its state, and how many hosts are maintained', async () => {
    const refused = (await sessionSamples()).get('a project refused');
    expect(await health(await scriptOf(MAINTENANCE_SESSION), [refused])).toEqual([
      {
        status: 'Degraded',
        message:
          'MAINTENANCE_FAILED: 1/3 hosts maintained; stage 4: project team-a refused PLANNED_MAINTENANCE; see to the cause, ' +
          'then place the request retry, or abort the run',
      },
    ]);
  });

  it('says of an upgrade what failed, and that no host is locked', async () => {
    const [answer] = await health(await scriptOf(UPGRADE_STRATEGY), [
      (await upgradeSamples()).get('staging failed, no host was locked'),
    ]);
    expect(answer?.message).toContain(
      'for stage-controller failed on c-1: container apply exited with code 1',
    );
    expect(answer?.message).not.toContain('stays locked');
  });

  it('says what a strategy still does while it is being deleted', async () => {
    const deleted = strategies.get('being deleted');
    expect(await health(await scriptOf('PatchStrategy'), [deleted])).toEqual([
      {
        status: 'Progressing',
        message: expect.stringMatching(
          /^its hosts are released before it is deleted, do not remove its finalizer; 0\/2 stages done; stage 0, .* budget db /,
        ) as string,
      },
    ]);
  });

  it.each(['PatchStrategy', 'HostPool'])(
    'for a %s accepts any field that is absent or has another type',
    async (kind) => {
      const samples = kind === 'HostPool' ? poolSamples() : strategies;
      const words = ['Healthy', 'Progressing', 'Suspended', 'Degraded'];
      const script = await scriptOf(kind);
      for (const sample of samples.values()) {
        const [whole, ...others] = await health(script, [sample, {}, ...withOneOdd(withoutPlan(sample))]);
        const read = new Set(others.map(({ status }) => status));
        expect(words).toEqual(expect.arrayContaining([...read]));
        if (kind === 'PatchStrategy' && whole?.status !== 'Healthy') expect(read).not.toContain('Healthy');
      }
    },
  );

  it('is the same in the ConfigMap as in its file', async () => {
    const file = await readFile(join(DEPLOY, 'argocd', 'argocd-cm.yaml'), 'utf8');
    const { data } = z.looseObject({ data: z.record(z.string(), z.string()) }).parse(load(file));
    const entries = ['HostPool', ...STRATEGY_KIND_NAMES].map(async (kind) => [
      `resource.customizations.health.careen.dev_${kind}`,
      await scriptOf(kind),
    ]);
    expect(data).toEqual(Object.fromEntries(await Promise.all(entries)));
  });
});

/** Removes the parts that no health script reads: they are most of a sample. */
function withoutPlan({ status, ...sample }: { readonly status: object }): object {
  const kept = Object.entries(status).filter(([key]) => !/Phase$|^run$|^progress$/.test(key));
  return { ...sample, status: Object.fromEntries(kept) };
}

const ODD: readonly unknown[] = [null, 'odd', 7, {}];

/** Copies of the object: in each copy one field is absent, or has a wrong value. */
function withOneOdd(object: unknown): unknown[] {
  if (typeof object !== 'object' || object === null) return [];
  if (Array.isArray(object)) {
    const items: readonly unknown[] = object;
    return items.flatMap((item, i) => [...ODD, ...withOneOdd(item)].map((each) => items.with(i, each)));
  }
  return Object.entries(object).flatMap(([key, value]) => {
    const { [key]: _, ...rest } = object as Record<string, unknown>; // a cast: its fields are not known
    return [rest, ...[...ODD, ...withOneOdd(value)].map((each) => ({ ...rest, [key]: each }))];
  });
}
