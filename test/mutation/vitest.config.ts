/** The tests by which the planner's mutants must be found: those of the planner alone, so that a mutant costs little. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/unit/planner/**/*.test.ts'],
    // Plans every recorded case dozens of times.
    exclude: ['test/unit/planner/vim-spec-mutations.test.ts'],
    deps: { interopDefault: false },
  },
});
