import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { operation, playLifecycle, type Operation } from '../../../src/cli/vectors/play-lifecycle.ts';
import { buildVim, type VimBuild } from '../../../src/planner/vim/build.ts';
import { parseRequest } from '../../../src/planner/vim/request.ts';
import { shown, VimModel } from '../support/vim-model.ts';

const VECTORS = join(import.meta.dirname, '..', '..', 'vectors', 'vim');
const recorded = z.object({
  kind: z.string(),
  profile: z.string(),
  inputs: z.looseObject({ operations: z.array(operation).optional() }),
  expected: z.looseObject({ operations: z.unknown().optional() }),
});
const vectors = globSync('*.json', { cwd: VECTORS }).map((file) => {
  const { kind, profile, inputs, expected } = recorded.parse(
    JSON.parse(readFileSync(join(VECTORS, file), 'utf8')),
  );
  return {
    build: buildVim(profile, parseRequest(kind, inputs)),
    operations: inputs.operations,
    expected,
  };
});

/** One build for each shape of a plan: the order of its stages and steps. Longer plans show nothing more. */
const shapes = [
  ...new Map(
    vectors
      .map(({ build }) => build)
      .filter(({ failure, stages }) => failure === undefined && stages.length <= 6)
      .map((build) => [
        build.stages.map(({ steps }) => steps.map(({ name }) => name).join()).join('/'),
        build,
      ]),
  ).values(),
];

const anyStage = fc.integer({ min: -1, max: 7 });
const anyReason = fc.constantFrom('', 'no answer', 'host lock failed');
const anyOperation: fc.Arbitrary<Operation> = fc.oneof(
  ...(['apply-all', 'abort', 'reload', 'complete-all', 'timeout-step'] as const).map((op) =>
    fc.constant({ op }),
  ),
  ...(['apply-stage', 'abort-stage'] as const).map((op) => anyStage.map((id) => ({ op, 'stage-id': id }))),
  ...(['fail-step', 'degrade-step'] as const).map((op) => anyReason.map((reason) => ({ op, reason }))),
  ...(['stage-timeout', 'phase-timeout'] as const).map((op) => fc.constant({ op })),
  {
    weight: 8,
    arbitrary: fc.integer({ min: 0, max: 9 }).map((count) => ({ op: 'complete-steps' as const, count })),
  },
);
const anyLife = fc.record({
  build: fc.constantFrom(...shapes),
  // Most strategies are applied soon: otherwise only refusals would be compared.
  first: fc.constantFrom<Operation[]>([{ op: 'apply-all' }], [{ op: 'apply-stage', 'stage-id': 0 }], []),
  rest: fc.array(anyOperation, { maxLength: 12 }),
});

/** Applies the operation to the model; returns the answer to a request. */
function model(vim: VimModel, given: Operation): { success: boolean; reason: string } | undefined {
  const answered = (refusal: string | undefined) => ({
    success: refusal === undefined,
    reason: refusal ?? '',
  });
  const stage = 'stage-id' in given && typeof given['stage-id'] === 'number' ? given['stage-id'] : undefined;
  switch (given.op) {
    case 'apply-all':
    case 'apply-stage':
      return answered(vim.applyRequest(stage));
    case 'abort':
    case 'abort-stage':
      return answered(vim.abortRequest(stage));
    case 'complete-step':
      vim.endStep('success');
      return undefined;
    case 'complete-steps':
      for (let i = 0; i < given.count; i += 1) vim.endStep('success');
      return undefined;
    case 'complete-all':
      while (vim.isRunning) vim.endStep('success');
      return undefined;
    case 'fail-step':
      vim.endStep('failed', given.reason);
      return undefined;
    case 'degrade-step':
      vim.endStep('degraded', given.reason);
      return undefined;
    case 'timeout-step':
      vim.timeoutStep();
      return undefined;
    case 'stage-timeout':
      vim.timeoutStage();
      return undefined;
    case 'phase-timeout':
      vim.timeoutPhase();
      return undefined;
    case 'reload':
      vim.reload();
      return undefined;
  }
}

/** The expected reports of the operations, by the model. */
function reportedBy(build: VimBuild, operations: readonly Operation[]) {
  const stages = build.stages.map(({ name, steps }) => ({
    name,
    steps: steps.map((step) => ({ name: step.name, timeout: step.timeoutSeconds })),
  }));
  const vim = new VimModel(stages);
  return operations.map((op) => {
    const answer = model(vim, op);
    const apply = structuredClone(shown(vim.apply));
    const abort = structuredClone(shown(vim.abort));
    const percentages = {
      build: 100,
      apply: apply['completion-percentage'],
      abort: abort['completion-percentage'],
    };
    return {
      op,
      ...answer,
      after: {
        state: vim.state,
        'current-phase': vim.phase,
        'current-phase-completion-percentage': percentages[vim.phase],
        'apply-phase': apply,
        'abort-phase': abort,
      },
    };
  });
}

describe('the life of a VIM strategy', () => {
  it('is the same in the model as in the recordings', () => {
    const lives = vectors.filter(({ build, operations }) => operations && build.failure === undefined);
    expect(lives).toHaveLength(37);
    for (const { build, operations = [], expected } of lives)
      expect(reportedBy(build, operations)).toEqual(expected.operations);
  });

  it('follows the written rules, for any operations in any order', () => {
    expect(shapes.length).toBeGreaterThan(20);
    fc.assert(
      fc.property(anyLife, ({ build, first, rest }) => {
        const operations = [...first, ...rest];
        expect(playLifecycle(build, operations).operations).toEqual(reportedBy(build, operations));
      }),
      { numRuns: 2000 },
    );
  }, 60_000);
});
