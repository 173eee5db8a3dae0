/** A reporter for vitest that writes what scripts/test.ts counts: again after each file, for a run that is cut short. */
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { Reporter, TestCase, TestModule } from 'vitest/node';
import { REPORT_VARIABLE, type FileReport } from './report.ts';
import { ROOT } from './suites.ts';

/** Enough for what a wait that ended without success saw last, which the log of CI may not hold. */
const SHOWN_CHARACTERS = 600;

export default class FileReporter implements Reporter {
  readonly #reports = new Map<string, FileReport>();

  onTestModuleEnd(module: TestModule): void {
    this.#reports.set(module.moduleId, reportOf(module));
    this.#write();
  }

  /** Also those that never came to their end are told of here. */
  onTestRunEnd(modules: readonly TestModule[]): void {
    for (const module of modules) this.#reports.set(module.moduleId, reportOf(module));
    this.#write();
  }

  #write(): void {
    const file = process.env[REPORT_VARIABLE];
    if (file) writeFileSync(file, JSON.stringify([...this.#reports.values()]));
  }
}

function reportOf(module: TestModule): FileReport {
  const file = relative(ROOT, module.moduleId);
  const tests = [...module.children.allTests()];
  const failed = tests.filter((test) => test.result().state === 'failed');
  const skipped = tests.filter((test) => test.result().state === 'skipped');
  const hasEnded = module.state() === 'passed' || module.state() === 'skipped';
  const isBroken = failed.length === 0 && !hasEnded;
  const { collectDuration, duration } = module.diagnostic();
  return {
    suite: module.project.name,
    file,
    seconds: (collectDuration + duration) / 1000,
    passed: tests.filter((test) => test.result().state === 'passed').length,
    failed: isBroken ? 1 : failed.length,
    skipped: skipped.map((test) => `${file}: ${test.fullName}: ${noteOf(test)}`),
    failures: isBroken
      ? [`${file}: ${complaintOf(module)}`]
      : failed.map((test) => `${file}: ${test.fullName}: ${inOneLine(errorsOf(test))}`),
  };
}

/** What a file says that failed without a failed test. */
function complaintOf(module: TestModule): string {
  const suites = [...module.children.allSuites()];
  return inOneLine([module, ...suites].flatMap((each) => each.errors())) || 'did not come to its end';
}

/** Why a test says that it was skipped. */
function noteOf(test: TestCase): string {
  const result = test.result();
  return (result.state === 'skipped' ? result.note : undefined) ?? 'without a reason';
}

type Complaint = { readonly message: string };

function errorsOf(test: TestCase): readonly Complaint[] {
  return test.result().errors ?? [];
}

function inOneLine([error]: readonly Complaint[]): string {
  const line = error?.message.replaceAll(/\s+/g, ' ') ?? '';
  return line.length > SHOWN_CHARACTERS ? `${line.slice(0, SHOWN_CHARACTERS)} […]` : line;
}
