/** What came of a file of tests, as scripts/testing/reporter.ts writes it and scripts/test.ts reads it. */
import { z } from 'zod';

/** For the reporter: the file that it is to write. */
export const REPORT_VARIABLE = 'CAREEN_TEST_REPORT';

const fileReport = z.object({
  /** The suite that it belongs to. */
  suite: z.string(),
  /** Its path from the root of the repository. */
  file: z.string(),
  /** From its loading to its end. */
  seconds: z.number(),
  passed: z.number(),
  /** Counts a file that failed without a failed test as one: it did not load, its hooks threw, or its worker died. */
  failed: z.number(),
  /** Each skipped test, with its reason. */
  skipped: z.array(z.string()),
  /** Each failed test, or the file itself, with the first line of what it says. */
  failures: z.array(z.string()),
});
export type FileReport = z.infer<typeof fileReport>;
export const reportSchema = z.array(fileReport);
