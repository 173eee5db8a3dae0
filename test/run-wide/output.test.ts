/** What all operators of the test run that this suite ends have printed: lines of JSON, and no secret in them. */
import { beforeAll, describe, expect, it } from 'vitest';
import { keptOutput, PLANTED } from '../support/operator/kept-output.ts';

const folder = process.env['CAREEN_LOG_DIR'];
const complete = process.env['CAREEN_AUDIT_COMPLETE'] !== undefined;

/** How every token of a service account begins. */
const TOKEN = /eyJ[\w-]{8,}/;
/** A kind of lines that each of the other suites must have led to, or they were not kept. */
const WORK = '"msg":"state changed"';

let lines: readonly string[];
beforeAll(async () => {
  lines = folder ? await keptOutput(folder) : [];
});

describe('what the operators printed', () => {
  it('has no secret in it that a test planted', () => {
    expect(lines.filter((line) => line.includes(PLANTED))).toEqual([]);
  });

  it('has nothing in it that looks like a token', () => {
    expect(lines.filter((line) => TOKEN.test(line))).toEqual([]);
  });

  it('is JSON, line by line', () => {
    expect(lines.filter((line) => !isJson(line))).toEqual([]);
  });

  it.runIf(complete)('was kept', () => {
    expect(lines.filter((line) => line.includes(WORK)).length).toBeGreaterThan(100);
  });
});

function isJson(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}
