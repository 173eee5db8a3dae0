/**
 * The exit codes of all commands. docs/reference/cli.md has the same table; a test compares the two.
 */
export const EXIT_CODES = {
  done: { code: 0, means: 'done, or nothing to do' },
  error: {
    code: 1,
    means: 'an error: wrong input, no cluster, no right, no such object, no plan can be made',
  },
  open: { code: 2, means: 'something is left: there is work, a run is under way, a request waits' },
  failed: { code: 3, means: 'Careen refused, or the run failed or would fail' },
  unanswered: { code: 4, means: 'no answer within --timeout' },
  waits: { code: 5, means: 'a strategy waits for a person' },
} as const satisfies Readonly<Record<string, { readonly code: number; readonly means: string }>>;

/** How a command ended. */
export type Exit = keyof typeof EXIT_CODES;
