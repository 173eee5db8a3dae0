import { describe, expect, it } from 'vitest';
import { isWhole, selectSuites, SUITES, turnsOf, UsageError } from '../../../scripts/testing/suites.ts';
import { projects } from '../../../vitest.config.ts';

const namesOf = (suites: readonly { readonly name: string }[]): readonly string[] =>
  suites.map(({ name }) => name);

describe('the suites of tests', () => {
  it('have a project each', () => {
    expect(projects.map(({ test }) => test?.name).toSorted()).toEqual(namesOf(SUITES).toSorted());
  });

  it('run beside each other when they wait, else one after another', () => {
    expect(turnsOf(selectSuites([])).map(namesOf)).toEqual([
      ['unit'],
      ['simulation'],
      ['standin', 'contract', 'integration', 'e2e', 'gitops', 'chart'],
      ['run-wide'],
    ]);
    expect(turnsOf(selectSuites(['run-wide', 'long', 'e2e'])).map(namesOf)).toEqual([
      ['e2e'],
      ['long'],
      ['run-wide'],
    ]);
  });

  it('are whole without the long one, and without no other', () => {
    expect(isWhole(selectSuites([]))).toBe(true);
    for (const left of selectSuites([]))
      expect(isWhole(SUITES.filter((suite) => suite !== left))).toBe(false);
  });

  it('that nobody knows are named', () => {
    expect(() => selectSuites(['unit', 'units'])).toThrow(UsageError);
    expect(() => selectSuites(['unit', 'units'])).toThrow(/^there is no suite units; the suites are unit, /);
  });
});
