/**
 * What the planner is asked: a kind of strategy, a profile, the create request
 * (starlingx-vim.md §1.3) and the platform it is for.
 */
import { z } from 'zod';
import { foreignPatchHost, patchHost, platform, upgradeHost } from './inventory.ts';
import { InputError, type InputProblem } from './input-error.ts';

export const KINDS = ['sw-patch', 'sw-upgrade'] as const;
export type Kind = (typeof KINDS)[number];

const applyType = z.enum(['serial', 'parallel', 'ignore']);
export type ApplyType = z.infer<typeof applyType>;

/** The range is checked whatever the worker apply type; integers may be given as numeric strings. */
function maxParallel(most: number) {
  const number = z.union([z.number(), z.string().regex(/^\d+$/).transform(Number)]);
  return number.pipe(z.int().min(2).max(most)).default(2);
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
  /** Only whether there are any matters. */
  patches: z.array(z.unknown()),
  extraPatchHosts: z.array(foreignPatchHost).default([]),
  /** The build step whose query gets no answer. */
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
 * Reads the inputs of a build.
 * @throws InputError naming every field that is missing, malformed or out of range
 */
export function parseRequest(kind: Kind, inputs: unknown): Request {
  switch (kind) {
    case 'sw-patch':
      return { kind, inputs: parsed(patchInputs, inputs) };
    case 'sw-upgrade':
      return { kind, inputs: parsed(upgradeInputs, inputs) };
  }
}

function parsed<T>(schema: z.ZodType<T>, inputs: unknown): T {
  const result = schema.safeParse(inputs, { reportInput: true });
  if (result.success) return result.data;
  throw new InputError(result.error.issues.map(problem));
}

function problem(issue: z.core.$ZodIssue): InputProblem {
  const code = issue.code === 'too_big' || issue.code === 'too_small' ? 'out-of-range' : 'malformed';
  return { code, path: ['inputs', ...issue.path], value: issue.input, remedy: issue.message };
}
