import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { VOLUME_TYPES } from '../../../src/crds/spec/action-policy.ts';
import type { StrategySpec } from '../../../src/crds/spec/strategy-spec.ts';
import { podFields } from '../../../src/planner/policy/pod-fields.ts';
import { POD_TEMPLATE, type Field } from '../../../src/planner/policy/pod-shape.ts';
import { recordedPodFields } from '../../support/controlplane/pod-schema.ts';
import { running, violations } from '../support/judged-pods.ts';

/** Careen makes the claims of a pod's volumes with these fields only. */
const CLAIM_METADATA = 'spec.volumes[].ephemeral.volumeClaimTemplate.metadata.';

let recorded: readonly string[];
beforeAll(async () => {
  recorded = await recordedPodFields();
});

/** A template in which only this field is set. */
function templateWith(path: string): unknown {
  const [first = '', ...rest] = path.split('.');
  const below = rest.length > 0 ? templateWith(rest.join('.')) : 'x';
  const name = first === '*' ? 'example.com/x' : first.replace('[]', '');
  return { [name]: first.endsWith('[]') ? [below] : below };
}

/** Who decides about this field; nobody about one that is always allowed. */
function verdictsOn(path: string): string[] {
  return podFields(templateWith(path))
    .filter((field) => field.is !== 'misshapen' || !field.path.endsWith('.image'))
    .map((field) => (field.is === 'governed' ? field.by.join() : field.is))
    .toArray();
}

/** The strictest pool below lists every type of volume, and its ConfigMaps have not been read. */
function isAlwaysAllowed(path: string): boolean {
  return verdictsOn(path).every((verdict) => ['volumes', 'requireImmutableConfigMaps'].includes(verdict));
}

/** A strategy with a Job that can run, in which besides only this field of the pod is set. */
function strategyWith(path: string): StrategySpec {
  const { spec } = z.object({ spec: z.looseObject({}) }).parse(templateWith(path));
  const runnable = (container: unknown): object => ({
    name: 'apply',
    image: 'good',
    ...z.looseObject({}).parse(container),
  });
  const fields = Object.entries({ containers: [{}], ...spec }).map(([name, value]): [string, unknown] => [
    name,
    /^(c|initC)ontainers$/.test(name) ? z.array(z.unknown()).parse(value).map(runnable) : value,
  ]);
  return running(Object.fromEntries(fields));
}

/** The paths of the scalar fields in the table, and of the fields below which it does not look. */
function tablePaths(field: Field, path: string): string[] {
  const { by, list, object } = field;
  if (by === 'never') return [path];
  if (list) return tablePaths(list, `${path}[]`);
  if (!object) return [path];
  const named = object.named?.('example.com/x');
  return [
    ...Object.entries(object.fields).flatMap(([name, child]) => tablePaths(child, `${path}.${name}`)),
    ...(named ? tablePaths(named, `${path}.*`) : []),
  ];
}

describe('the table of the fields of a pod', () => {
  it("knows every field of the API server's pods, so that each is allowed on purpose or refused", () => {
    const unknown = recorded.filter((path) => verdictsOn(path).includes('unknown'));
    expect(unknown.filter((path) => !path.startsWith(CLAIM_METADATA))).toEqual([]);
    expect(recorded.length).toBeGreaterThan(700);
  });

  it('reads every field in the shape that the API server takes it', () => {
    expect(recorded.filter((path) => verdictsOn(path).includes('misshapen'))).toEqual([]);
  });

  it('leads to a refusal by the strictest pool of every field that is not always allowed', () => {
    const types = [...VOLUME_TYPES];
    const none = { images: ['good'], privileged: false, hostMounts: [], volumes: types, maxGraceSeconds: 30 };
    const admitted = recorded.filter((path) => violations(strategyWith(path), none).length === 0);
    expect(admitted).toEqual(recorded.filter((path) => isAlwaysAllowed(path)));
    expect(
      admitted.filter((path) => /host(Path|Network|PID|IPC|Port|IP)\b|\.host$|privileged/i.test(path)),
    ).toEqual(['spec.volumes[].hostPath.type']);
  });

  it('has no field that the API server does not have', () => {
    const spec = POD_TEMPLATE.object?.fields['spec'];
    const isRecorded = (path: string): boolean =>
      recorded.some((each) => each === path || each.startsWith(`${path}.`) || each.startsWith(`${path}[]`));
    const native = /\.(limits|requests)\.(cpu|memory|ephemeral-storage)$/;
    const paths = spec ? tablePaths(spec, 'spec') : [];
    expect(paths.filter((path) => !isRecorded(path) && !native.test(path))).toEqual([]);
  });

  it('has every type of volume', () => {
    const types = recorded.flatMap((path) => /^spec\.volumes\[\]\.(\w+)[.[]/.exec(path)?.[1] ?? []);
    expect([...new Set(types)].toSorted()).toEqual([...VOLUME_TYPES]);
  });

  it('refuses a field of a later Kubernetes wherever it stands, even an empty one', () => {
    const places = new Set(recorded.map((path) => path.replace(/(\.[^.]+)$/, '')));
    const open = [...places].filter((place) => !verdictsOn(`${place}.x`).includes('never'));
    const maps =
      /\.(matchLabels|volumeAttributes|options|userAnnotations|limits|requests|labels|annotations)$/;
    const objects = open.filter((place) => !maps.test(place));
    expect(objects.length).toBeGreaterThan(100);
    for (const place of objects) expect(verdictsOn(`${place}.laterField`), place).toContain('unknown');
    expect(podFields({ spec: { later: {} } }).toArray()).toMatchObject([
      { path: 'spec.later', is: 'unknown' },
    ]);
  });

  it('takes no name for a field because every object of JavaScript has it', () => {
    const spec: unknown = JSON.parse('{"__proto__": {"privileged": true}, "constructor": 1}');
    expect(podFields({ spec }).toArray()).toMatchObject([
      { path: 'spec.__proto__', is: 'unknown' },
      { path: 'spec.constructor', is: 'unknown' },
    ]);
  });

  it('looks no deeper than it knows fields', () => {
    const deep: unknown = JSON.parse(`${'{"a":'.repeat(9000)}1${'}'.repeat(9000)}`);
    expect(podFields({ spec: { containers: [], deep } }).toArray()).toHaveLength(1);
  });

  it('shows a name that no field has in quotes, cut', () => {
    const [field] = podFields({ spec: { [`\u001b[2J${'k'.repeat(2000)}`]: 1 } }).toArray();
    expect(field?.path).toMatch(/^spec\."\\u001b\[2Jk{96}"$/);
  });
});
