/** The output of all operators of the test run that this suite ends: lines of JSON without a secret. */
import { beforeAll, describe, expect, it } from 'vitest';
import { keptOutput, PLANTED } from '../support/operator/kept-output.ts';

const folder = process.env['CAREEN_LOG_DIR'];
const complete = process.env['CAREEN_AUDIT_COMPLETE'] !== undefined;

/** The beginning of every token of a service account. */
const TOKEN = /eyJ[\w-]{8,}/;
/** A line that each of the other suites must have produced; otherwise their output was not kept. */
const WORK = '"msg":"state changed"';

let lines: readonly string[];
beforeAll(async () => {
  lines = folder ? await keptOutput(folder) : [];
});

describe('the output of the operators', () => {
  it('contains no secret that a test planted', () => {
    expect(lines.filter((line) => line.includes(PLANTED))).toEqual([]);
  });

  it('contains nothing that looks like a token', () => {
    expect(lines.filter((line) => TOKEN.test(line))).toEqual([]);
  });

  it('is JSON, line by line', () => {
    expect(lines.filter((line) => !isJson(line))).toEqual([]);
  });

  it('was kept', ({ skip }) => {
    skip(!complete, 'only a run of all suites without a failure is sure to write it');
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
