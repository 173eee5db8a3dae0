import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readFleet } from '../../../src/cli/files/fleet-file.ts';
import { brokenRules } from '../../../src/cli/files/schema-rules.ts';
import { readStrategy } from '../../../src/cli/files/strategy-file.ts';
import { openApiSchema, type CrdDefinition } from '../../../src/crds/schema/custom-resource-definition.ts';
import { hostPoolDefinition } from '../../../src/crds/host-pool.ts';
import { maintenanceWebhookDefinition } from '../../../src/crds/maintenance-webhook.ts';
import { maintenanceNoticeDefinition } from '../../../src/crds/maintenance-notice.ts';
import { STRATEGY_KIND_NAMES, STRATEGY_KINDS } from '../../../src/crds/strategy-kinds.ts';
import { rules } from '../../../src/crds/schema/schema.ts';
import { pathText } from '../../../src/planner/problems/input-error.ts';
import { ACCEPTED, REFUSED } from '../../support/controlplane/admission/rows.ts';
import type { Manifest } from '../../support/controlplane/apply.ts';
import { WEBHOOKS_ACCEPTED, WEBHOOKS_REFUSED } from '../../support/controlplane/admission/tenant-rows.ts';
import { NOTICES_ACCEPTED, NOTICES_REFUSED } from '../../support/controlplane/admission/session-rows.ts';

const DEFINITIONS = [
  hostPoolDefinition,
  ...STRATEGY_KIND_NAMES.map((kind) => STRATEGY_KINDS[kind].definition),
  maintenanceWebhookDefinition,
  maintenanceNoticeDefinition,
];

/** Rows of all kinds, also of those that no command reads from a file. */
const ALL_ACCEPTED = [...ACCEPTED, ...WEBHOOKS_ACCEPTED, ...NOTICES_ACCEPTED];
const ALL_REFUSED = [...REFUSED, ...WEBHOOKS_REFUSED, ...NOTICES_REFUSED];

type Broken = { readonly path: string; readonly says: string };

function broken(definition: CrdDefinition, object: unknown): Broken[] {
  return brokenRules(definition, object).map(({ path, remedy }) => ({ path: pathText(path), says: remedy }));
}

function definitionOf({ kind }: Manifest): CrdDefinition {
  const found = DEFINITIONS.find((each) => each.kind === kind);
  if (!found) throw new Error(`no kind of ours: ${kind}`);
  return found;
}

describe('the rules of the kinds, equal to the API server in admission.test.ts', () => {
  it.each(ALL_ACCEPTED)('accept: $name', ({ manifest }) => {
    expect(broken(definitionOf(manifest), manifest)).toEqual([]);
  });

  it.each(ALL_REFUSED.filter(({ by }) => by === 'rule'))('refuse: $name', ({ manifest, path, says }) => {
    expect(broken(definitionOf(manifest), manifest)).toEqual([{ path, says }]);
  });

  it.each(ALL_REFUSED.filter(({ by }) => by === 'list'))('refuse: $name', ({ manifest, path }) => {
    const says: unknown = expect.stringMatching(/ each entry /);
    expect(broken(definitionOf(manifest), manifest)).toEqual([{ path, says }]);
  });

  it.each(DEFINITIONS)('have an accepted and a refused row each: $kind', (definition) => {
    const accepted = ALL_ACCEPTED.filter(({ manifest }) => manifest.kind === definition.kind);
    const refused = ALL_REFUSED.filter(({ manifest }) => manifest.kind === definition.kind);
    const places = new Set(accepted.flatMap(({ manifest }) => pathsIn(manifest)));
    const checks = checksIn(openApiSchema(definition));
    expect(checks.filter(({ place }) => !places.has(place))).toEqual([]);
    const seen = refused.map(({ path, by, says }) => ({ path: path.replaceAll(/\d+/g, ''), by, says }));
    const lacking = checks.filter(
      ({ path, by, says }) =>
        !seen.some((each) => each.path === path && each.by === by && (by === 'list' || each.says === says)),
    );
    expect(lacking).toEqual([]);
  });
});

describe('a file with such a manifest', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'careen-rules-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** Reads a manifest like `careen plan`: a strategy from its file, a pool from the file of its fleet. */
  async function readBack({ apiVersion, kind, metadata, ...rest }: Manifest): Promise<unknown> {
    const file = join(folder, 'file.json');
    const isPool = kind === hostPoolDefinition.kind;
    const content = isPool
      ? { apiVersion, kind: 'Fleet', pool: { name: metadata.name, ...rest }, hosts: [] }
      : { apiVersion, kind, metadata, ...rest };
    await writeFile(file, JSON.stringify(content));
    return isPool ? readFleet(file) : readStrategy(file);
  }

  it.each(ACCEPTED)('is read: $name', async ({ manifest }) => {
    await expect(readBack(manifest)).resolves.toBeDefined();
  });

  it.each(REFUSED)('is refused: $name', async ({ manifest, path }) => {
    const named = manifest.kind === hostPoolDefinition.kind ? `pool.${path}` : path;
    await expect(readBack(manifest)).rejects.toThrow(
      new RegExp(`file\\.json:\\d+:\\d+: ${RegExp.escape(named)} is `),
    );
  });
});

describe('brokenRules', () => {
  const kindWith = (spec: z.ZodType): CrdDefinition => ({ ...hostPoolDefinition, spec });
  const ruled = (schema: z.ZodType, rule: string) =>
    kindWith(z.object({ a: schema.meta(rules({ rule, message: rule })) }));
  const brokenOf = (schema: z.ZodType, rule: string, a: unknown) =>
    broken(ruled(schema, rule), { spec: { a } });

  it('treats whole numbers as int, except where the schema asks for a number', () => {
    expect(brokenOf(z.int(), 'type(self) == int', 2)).toEqual([]);
    expect(brokenOf(z.number(), 'type(self) == double', 2)).toEqual([]);
  });

  it('matches like RE2', () => {
    expect(brokenOf(z.string(), "self.matches('^[[:alpha:]].$')", 'a😀')).toEqual([]);
  });

  it('counts a rule that cannot be evaluated as broken', () => {
    const rule = 'self.b.c == 1';
    expect(brokenOf(z.looseObject({ b: z.looseObject({}) }), rule, { b: {} })).toEqual([
      { path: 'spec.a', says: rule },
    ]);
    expect(() => brokenOf(z.string(), 'self ==', '')).toThrow();
  });

  it('omits transition rules', () => {
    expect(brokenOf(z.string(), 'self == oldSelf', 'a')).toEqual([]);
  });

  it('sees only the fields of the schema, under any name', () => {
    const fields = z.looseObject({ a: z.string().optional() });
    for (const name of ['b', 'constructor', 'a']) {
      const rule = `has(self.${name})`;
      const says = name === 'a' ? [] : [{ path: 'spec.a', says: rule }];
      expect(brokenOf(fields, rule, { [name]: 'c' })).toEqual(says);
    }
  });

  it('names the field of a rule', () => {
    const rule = { rule: 'false', message: 'no', fieldPath: '.b.c' } as const;
    const kind = kindWith(z.looseObject({}).meta(rules(rule)));
    expect(brokenRules(kind, { spec: { b: { c: 7 } } })).toEqual([
      { path: ['spec', 'b', 'c'], value: 7, remedy: 'no' },
    ]);
  });

  it('checks inside maps and lists, including their defaults', () => {
    const entry = z
      .object({ n: z.int().default(3) })
      .meta(rules({ rule: '!has(self.n) || self.n != 3', message: 'not 3' }));
    const kind = kindWith(z.object({ by: z.record(z.string(), z.array(entry)).default({}) }));
    expect(broken(kind, { spec: {} })).toEqual([]);
    expect(broken(kind, { spec: { by: { x: [{ n: 4 }, {}] } } })).toEqual([
      { path: 'spec.by.x[1]', says: 'not 3' },
    ]);
  });

  it('compares the entries of a map by all of its keys, and the entries of a set as a whole', () => {
    const list = (meta: object) => kindWith(z.object({ of: z.array(z.looseObject({})).meta({ ...meta }) }));
    const map = list({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k', 'l'] });
    const of = [
      { k: 1, l: 1 },
      { k: 1, l: 2 },
      { k: 1, l: 1, m: 3 },
    ];
    expect(brokenRules(map, { spec: { of } })).toEqual([
      {
        path: ['spec', 'of', 2],
        value: { k: 1, l: 1 },
        remedy: 'of[0] has that k and l already; each entry needs its own',
      },
    ]);
    expect(
      broken(list({ 'x-kubernetes-list-type': 'set' }), { spec: { of: [...of, { l: 2, k: 1 }] } }),
    ).toEqual([{ path: 'spec.of[3]', says: 'of[1] is the same; each entry is listed once' }]);
    expect(broken(list({ 'x-kubernetes-list-type': 'atomic' }), { spec: { of: [...of, ...of] } })).toEqual(
      [],
    );
  });
});

type Check = { readonly place: string; readonly path: string; readonly by: string; readonly says?: string };

/** Each rule of a schema, and each list of a spec with unique entries: its place, and the fields that it names. */
function checksIn(schema: unknown, place = ''): Check[] {
  const { properties, items, ...own } = z
    .looseObject({
      properties: z.record(z.string(), z.unknown()).default({}),
      items: z.unknown().optional(),
      'x-kubernetes-list-type': z.string().optional(),
      'x-kubernetes-validations': z
        .array(z.object({ rule: z.string(), message: z.string(), fieldPath: z.string().default('') }))
        .default([]),
    })
    .parse(schema);
  // A rule about a change refuses no new object: admission.test.ts changes some.
  const rules = own['x-kubernetes-validations'].filter(({ rule }) => !rule.includes('oldSelf'));
  const differ = ['set', 'map'].includes(own['x-kubernetes-list-type'] ?? '') && place.startsWith('spec');
  return [
    ...rules.map(({ message, fieldPath }) => ({
      place,
      path: `${place}${fieldPath}`,
      by: 'rule',
      says: message,
    })),
    ...(differ ? [{ place, path: `${place}[]`, by: 'list' }] : []),
    ...(items === undefined ? [] : checksIn(items, `${place}[]`)),
    ...Object.entries(properties).flatMap(([name, field]) =>
      checksIn(field, place === '' ? name : `${place}.${name}`),
    ),
  ];
}

/** The paths of everything in a value, without the numbers of entries. */
function pathsIn(value: unknown, path: readonly PropertyKey[] = []): string[] {
  const below: [PropertyKey, unknown][] = Array.isArray(value)
    ? [...value.entries()]
    : typeof value === 'object' && value !== null
      ? Object.entries(value)
      : [];
  return [
    pathText(path).replaceAll(/\[\d+\]/g, '[]'),
    ...below.flatMap(([key, child]) => pathsIn(child, [...path, key])),
  ];
}
