/** The request to the planner: a kind of strategy, the create request (starlingx-vim.md §1.3) and the platform. */
import { z } from 'zod';
import { foreignPatchHost, patchHost, platform, upgradeHost, type Inventory } from './inventory.ts';
import { contradictions } from './inventory-problems.ts';
import { InputError, remedyOf, type InputProblem } from '../problems/input-error.ts';

export const KINDS = ['sw-patch', 'sw-upgrade'] as const;
export type Kind = (typeof KINDS)[number];

const applyType = z.enum(['serial', 'parallel', 'ignore']);
export type ApplyType = z.infer<typeof applyType>;

/** The range is checked for every worker apply type. An integer may also be a numeric string. */
function maxParallel(most: number) {
  const range = `give a whole number from 2 to ${most}`;
  const number = z.union([z.number(), z.string().regex(/^\d+$/).transform(Number)], range);
  return number.pipe(z.int(range).min(2, range).max(most, range)).default(2);
}

const common = {
  'storage-apply-type': applyType,
  'worker-apply-type': applyType,
  'alarm-restrictions': z.enum(['strict', 'relaxed']).default('strict'),
};
const patchParams = z.strictObject({
  ...common,
  'controller-apply-type': applyType,
  'swift-apply-type': applyType.default('ignore'),
  'max-parallel-worker-hosts': maxParallel(100),
  'default-instance-action': z.enum(['migrate', 'stop-start']),
});
const upgradeParams = z.strictObject({
  ...common,
  'max-parallel-worker-hosts': maxParallel(10),
  'complete-upgrade': z.boolean().default(false),
});

const patchInputs = platform.extend({
  params: patchParams,
  hosts: z.array(patchHost),
  /** Only an empty list matters: then there is no plan. */
  patches: z.array(z.unknown()),
  extraPatchHosts: z.array(foreignPatchHost).default([]),
  /** The step of the build whose query gets no answer. */
  failQuery: z.enum(['query-alarms', 'query-sw-patches', 'query-sw-patch-hosts']).optional(),
});
const upgradeInputs = platform.extend({
  params: upgradeParams,
  hosts: z.array(upgradeHost),
  upgrade: z.object({ state: z.string(), toRelease: z.string() }).nullable(),
  failQuery: z.enum(['query-alarms', 'query-upgrade']).optional(),
});

export type PatchInputs = Readonly<z.infer<typeof patchInputs>>;
export type UpgradeInputs = Readonly<z.infer<typeof upgradeInputs>>;

export type PatchRequest = { readonly kind: 'sw-patch'; readonly inputs: PatchInputs };
export type UpgradeRequest = { readonly kind: 'sw-upgrade'; readonly inputs: UpgradeInputs };
export type Request = PatchRequest | UpgradeRequest;

/**
 * Parses the inputs of a build. The planner relies on these checks.
 * @throws InputError when the kind is unknown, when fields are missing, malformed or out of range, or when the
 * inventory contradicts itself; it names all such problems
 */
export function parseRequest(kind: string, inputs: unknown): Request {
  if (kind === 'sw-patch') return { kind, inputs: parsed(patchInputs, inputs) };
  if (kind === 'sw-upgrade') return { kind, inputs: parsed(upgradeInputs, inputs) };
  const remedy = `there is no such kind of strategy; use ${KINDS.join(', ')}`;
  throw new InputError([{ code: 'unknown-kind', path: ['kind'], value: kind, remedy }]);
}

function parsed<T extends Inventory>(schema: z.ZodType<T>, inputs: unknown): T {
  const result = schema.safeParse(inputs, { reportInput: true });
  if (!result.success) throw new InputError(result.error.issues.flatMap((issue) => problems(issue, schema)));
  const contradicting = contradictions(result.data);
  if (contradicting.length > 0) throw new InputError(contradicting);
  return result.data;
}

function problems(issue: z.core.$ZodIssue, schema: z.ZodType): InputProblem[] {
  const path = ['inputs', ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    const given = z.record(z.string(), z.unknown()).safeParse(issue.input).data ?? {};
    const remedy = `there is no such field; known here: ${fieldsAt(schema, issue.path).join(', ')}`;
    return issue.keys.map((key) => ({ code: 'malformed', path: [...path, key], value: given[key], remedy }));
  }
  const code = issue.code === 'too_big' || issue.code === 'too_small' ? 'out-of-range' : 'malformed';
  return [{ code, path, value: issue.input, remedy: remedyOf(issue) }];
}

/** The fields of the object at a path of fields. */
function fieldsAt(schema: z.core.$ZodType | undefined, [first, ...rest]: readonly PropertyKey[]): string[] {
  if (!(schema instanceof z.ZodObject)) return [];
  const fields = new Map<PropertyKey, z.core.$ZodType>(Object.entries(schema.shape));
  return first === undefined ? [...fields.keys()].map(String) : fieldsAt(fields.get(first), rest);
}
