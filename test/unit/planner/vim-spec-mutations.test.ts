/** The recorded cases, each with a change whose effect on the plan starlingx-vim.md defines. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { buildDocument, type BuildDocument } from '../../../src/planner/vim/build-document.ts';
import { buildVim } from '../../../src/planner/vim/build.ts';
import { parseRequest } from '../../../src/planner/vim/request.ts';
import { alarm, host } from './vim-platform.ts';

const fields = z.record(z.string(), z.unknown());
const rows = z.array(fields);
const recorded = z.object({
  name: z.string(),
  kind: z.enum(['sw-patch', 'sw-upgrade']),
  profile: z.string(),
  inputs: z.looseObject({
    params: fields,
    hosts: rows,
    instances: rows,
    alarms: rows,
    hostAggregates: rows,
    activeController: z.string(),
    upgrade: z.looseObject({ toRelease: z.string() }).nullish(),
    failQuery: z.string().optional(),
  }),
});
type Recorded = z.infer<typeof recorded>;
type Inputs = Recorded['inputs'];

const FOLDER = join(import.meta.dirname, '..', '..', 'vectors', 'vim');
const all = globSync('*.json', { cwd: FOLDER })
  .toSorted()
  .map((file) => recorded.parse(JSON.parse(readFileSync(join(FOLDER, file), 'utf8'))));
const answered = all.filter(({ inputs }) => inputs.failQuery === undefined);

function document({ kind, profile }: Recorded, inputs: unknown): BuildDocument {
  return buildDocument(buildVim(profile, parseRequest(kind, inputs)));
}

const planned = answered.filter((each) => document(each, each.inputs).failure === undefined);
const patching = planned.filter(({ kind }) => kind === 'sw-patch');
const upgrading = planned.filter(({ kind }) => kind === 'sw-upgrade');

const titled = (vectors: readonly Recorded[]) => vectors.map((each) => [each.name, each] as const);

/** The value with every text, except keys, replaced by `change`. */
function retold(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((each: unknown) => retold(each, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, retold(each, change)]));
}

/** The inputs with everything that the build does not read changed (§6.2, and test/vectors/vim/README.md). */
function disguised(inputs: Inputs): unknown {
  return {
    ...inputs,
    systemMode: 'unknown',
    hosts: inputs.hosts.map((each) => ({
      ...each,
      ...('patch' in each ? { patch: { ...fields.parse(each['patch']), patchFailed: true } } : {}),
      targetLoad: '99.99',
    })),
    instances: inputs.instances.map((each) => ({ ...each, operState: 'disabled' })),
    alarms: inputs.alarms.map((each) => ({ ...each, severity: 'critical', reasonText: 'worse' })),
    ...('patches' in inputs
      ? { patches: rows.parse(inputs['patches']).map(() => ({ patchState: 'Available' })) }
      : {}),
    ...(inputs.upgrade ? { upgrade: { ...inputs.upgrade, fromRelease: '0' } } : {}),
  };
}

describe.each(titled(answered))('%s', (_, vector) => {
  const { inputs, kind } = vector;
  const before = document(vector, inputs);

  it('is the same when unread fields change', () => {
    expect(document(vector, disguised(inputs))).toEqual(before);
  });

  it('has no plan and no reason when its last query is not answered', () => {
    const failQuery = kind === 'sw-patch' ? 'query-sw-patch-hosts' : 'query-upgrade';
    const after = document(vector, { ...inputs, failQuery });
    expect(after).toMatchObject({ state: 'build-failed', failure: '', 'apply-phase': { stages: [] } });
    expect(after['build-phase'].stages[0]?.steps.map(({ result }) => result).at(-1)).toBe('failed');
  });

  it('has no plan when there is nothing to apply', () => {
    const after = document(vector, { ...inputs, patches: [], upgrade: null });
    const failure = kind === 'sw-patch' ? 'no software patches found' : 'no upgrade in progress';
    expect(after).toMatchObject({
      failure,
      'build-phase': { reason: failure },
      'apply-phase': { stages: [] },
    });
  });
});

describe.each(titled(planned))('the plan of %s', (_, vector) => {
  const { inputs, kind } = vector;
  const before = document(vector, inputs);
  const refused = (changed: object) => {
    const after = document(vector, { ...inputs, ...changed });
    expect(after['apply-phase'].stages).toEqual([]);
    expect(after['build-phase'].stages).toEqual(before['build-phase'].stages);
    return after.failure;
  };

  it('is not made with an alarm that counts', () => {
    expect(refused({ alarms: [...inputs.alarms, alarm('1.1')] })).toBe('active alarms present');
  });

  it('is not made while any host is unfit', () => {
    for (const [index, unfit] of inputs.hosts.entries()) {
      const roles = z.array(z.string()).parse(unfit['personality']);
      const plain = kind === 'sw-patch' && roles.includes('worker') && !roles.includes('controller');
      const hosts = inputs.hosts.with(index, { ...unfit, adminState: 'unlocked', availStatus: 'degraded' });
      expect(refused({ hosts })).toBe(
        plain
          ? 'all worker hosts must be unlocked-enabled-available, locked-disabled-online or locked-disabled-offline'
          : `all ${roles.join(',')} hosts must be unlocked-enabled-available`,
      );
    }
  });

  it('is the same with an ignored alarm, or one that is not management-affecting under relaxed restrictions', () => {
    const params = { ...inputs.params, 'alarm-restrictions': 'relaxed' };
    const alarms = [...inputs.alarms, alarm('900.005'), alarm('1.1', 'False')];
    expect(document(vector, { ...inputs, params, alarms })).toEqual(before);
  });

  it('is the same after everything is renamed except the names in §8', () => {
    const named = /^(controller-[01]|storage-0)$/;
    const names = [...inputs.hosts, ...inputs.instances].flatMap(({ name, uuid }) => [name, uuid]);
    const known = new Set(names.filter((name) => kind === 'sw-patch' || !named.test(String(name))));
    let count = 0;
    const others = new Map<string, string>();
    // Numbered against their order, so that sorting by name would show.
    for (const name of known) others.set(String(name), `z${String(99_999 - (count += 1))}`);
    const rename = (text: string): string => others.get(text) ?? text;
    expect(document(vector, retold(inputs, rename))).toEqual(retold(before, rename));
  });

  it('is the same beside an up-to-date host without a role in it', () => {
    const patch = { patchCurrent: true };
    const softwareLoad = inputs.upgrade?.toRelease;
    const more = host('bystander', 'swift', patch, softwareLoad === undefined ? {} : { softwareLoad });
    for (const hosts of [
      [...inputs.hosts, more],
      [more, ...inputs.hosts],
    ])
      expect(document(vector, { ...inputs, hosts })).toEqual(before);
  });
});

const IGNORED = {
  'controller-apply-type': 'ignore',
  'storage-apply-type': 'ignore',
  'swift-apply-type': 'ignore',
  'worker-apply-type': 'ignore',
};

describe.each(titled(patching))('the plan of %s', (_, vector) => {
  const { inputs } = vector;
  const patches = inputs.hosts.map((each) => fields.parse(each['patch']));
  const changed = (change: (index: number) => object) =>
    inputs.hosts.map((each, i) => ({ ...each, patch: { ...patches[i], ...change(i) } }));

  it('is not made while any host is pending, patched or not', () => {
    for (const pending of inputs.hosts.keys()) {
      const hosts = changed((i) => (i === pending ? { interimState: true } : {}));
      const after = document(vector, { ...inputs, hosts, extraPatchHosts: [{ name: 'stranger' }] });
      expect(after.failure).toBe('at least one host is in pending patch current state');
    }
  });

  it('is not made when all hosts are patched or ignored', () => {
    const params = { ...inputs.params, ...IGNORED };
    const NOTHING = 'no software patches need to be applied';
    expect(document(vector, { ...inputs, params }).failure).toBe(NOTHING);
    expect(document(vector, { ...inputs, hosts: changed(() => ({ patchCurrent: true })) }).failure).toBe(
      NOTHING,
    );
  });

  it('only patches and waits when nothing needs a reboot', () => {
    const params = { ...inputs.params, 'default-instance-action': 'stop-start' };
    const after = document(vector, {
      ...inputs,
      params,
      hosts: changed(() => ({ requiresReboot: false })),
    });
    expect(after.failure).toBeUndefined();
    for (const { steps, timeout } of after['apply-phase'].stages) {
      expect(steps.map((step) => step['step-name'])).toEqual([
        'query-alarms',
        'sw-patch-hosts',
        'system-stabilize',
      ]);
      expect(timeout).toBe(1891);
    }
  });
});

describe.each(titled(upgrading))('the plan of %s', (_, vector) => {
  const { inputs } = vector;
  const before = document(vector, inputs)['apply-phase'].stages;
  const completion = { ...inputs.params, 'complete-upgrade': true };

  it('is the same on a single controller', () => {
    expect(document(vector, { ...inputs, singleController: true })['apply-phase'].stages).toEqual(before);
  });

  it('is the completion alone when all hosts are upgraded, and otherwise ends with it', () => {
    const softwareLoad = inputs.upgrade?.toRelease;
    const hosts = inputs.hosts.map((each) => ({ ...each, softwareLoad }));
    const names = (given: object) =>
      document(vector, { ...inputs, params: completion, ...given })['apply-phase'].stages.map(
        (stage) => stage['stage-name'],
      );
    expect(names({ hosts })).toEqual(['sw-upgrade-complete']);
    const others = before
      .map((stage) => stage['stage-name'])
      .filter((name) => name !== 'sw-upgrade-complete');
    expect(names({})).toEqual([...others, 'sw-upgrade-complete']);
  });
});
