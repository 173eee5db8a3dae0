import { describe, expect, it } from 'vitest';
import {
  licenceProblems,
  packagesIn,
  unseen,
  vulnerable,
  vulnerableByAudit,
  type Package,
} from '../../../scripts/dependencies.ts';

const made = (licence: string, dev = false): Package => ({ name: 'a', version: '1.0.0', licence, dev });

describe('the check of the dependencies', () => {
  it('reads the packages of a lockfile, also nested and renamed ones', () => {
    const packages = {
      '': { name: 'careen', version: '0.1.0' },
      'node_modules/@x/a': { version: '1.0.0', license: 'MIT' },
      'node_modules/@x/a/node_modules/b': { version: '2.0.0', license: 'ISC', dev: true },
      'node_modules/c7': { name: 'c', version: '7.0.0', license: 'MIT' },
    };
    expect(packagesIn({ packages })).toEqual([
      { name: '@x/a', version: '1.0.0', licence: 'MIT', dev: false },
      { name: 'b', version: '2.0.0', licence: 'ISC', dev: true },
      { name: 'c', version: '7.0.0', licence: 'MIT', dev: false },
    ]);
  });

  it.each([
    ['GPL-3.0-only', false],
    ['GPL-3.0-only', true],
    ['MPL-2.0', false],
    ['(MIT AND GPL-2.0)', false],
    ['SEE LICENSE IN LICENSE', true],
    ['', false],
  ])('refuses the licence "%s" (a tool: %s)', (licence, dev) => {
    expect(licenceProblems([made(licence, dev)])).toEqual([expect.stringContaining('a@1.0.0 ')]);
  });

  it.each([
    ['MIT', false],
    ['(GPL-3.0-only OR MIT)', false],
    ['(Apache-2.0 AND BSD-3-Clause)', false],
    ['MPL-2.0', true],
  ])('allows the licence "%s" (a tool: %s)', (licence, dev) => {
    expect(licenceProblems([made(licence, dev)])).toEqual([]);
  });

  it.each([
    ['1.9.9', false],
    ['2.0.0', true],
    ['2.3.9', true],
    ['2.4.0-rc.1', true],
    ['2.4.0', false],
    ['2.10.0', false],
  ])('compares version %s with an advisory about 2.0.0 to 2.4.0: %s', (version, isVulnerable) => {
    const known = [{ package: 'a', from: '2.0.0', fixed: '2.4.0', id: 'CVE-1' }];
    const expected = isVulnerable ? [`a@${version} has the vulnerability CVE-1: use 2.4.0 or later`] : [];
    expect(vulnerable([{ ...made('MIT'), version }], known)).toEqual(expected);
  });

  it('reads what npm audit answers, and takes an error for no answer', () => {
    const via = [{ title: 'it leaks', url: 'https://x', range: '<2' }, 'b'];
    const vulnerabilities = { a: { severity: 'high', via }, b: { severity: 'low', via } };
    expect(vulnerableByAudit(JSON.stringify({ vulnerabilities }))).toEqual([
      'a <2 has a vulnerability: it leaks (https://x)',
    ]);
    expect(vulnerableByAudit(JSON.stringify({ vulnerabilities: {} }))).toEqual([]);
    expect(vulnerableByAudit('{"message":"405","error":{}}')).toBeUndefined();
    expect(vulnerableByAudit('')).toBeUndefined();
  });

  it('names the versions that no check has seen', () => {
    expect(unseen([made('MIT'), { ...made('MIT'), version: '1.0.1' }], ['a@1.0.0'])).toEqual(['a@1.0.1']);
  });
});
