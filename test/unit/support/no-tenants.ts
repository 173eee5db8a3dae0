import type { StrategyDeps } from '../../../src/controllers/strategy/strategy-deps.ts';

/** For runs that are none of sessions. */
export const NO_TENANTS: StrategyDeps['tenants'] = {
  hasNews: () => false,
  hear: ({ stored: { run } }) =>
    Promise.resolve({ run, replies: [], extensions: [], notices: new Map(), verdicts: [] }),
  settle: () => undefined,
  tell: () => Promise.resolve({}),
  forget: () => Promise.resolve(),
};

/** For sessions that look at no groups. */
export const NO_OTHERS: StrategyDeps['others'] = {
  besides: () => Promise.resolve({ affected: [], uncertain: [], hosts: [] }),
  store: (_pass, _decision, save) => save(),
};

/** For sessions that give no files to their actions. */
export const NO_DOWNLOADS: StrategyDeps['downloads'] = {
  factsOf: () => new Map(),
  fetch: () => undefined,
  forget: () => undefined,
};
