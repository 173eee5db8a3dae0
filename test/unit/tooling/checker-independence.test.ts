import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

/** The files of ours that a file imports at run time; type imports share no line. */
function imports(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  const found = text.matchAll(/^(?:import|export) (?!type )[^;]*?from '(\.[^']+)';/gms);
  return [...found].map(([, path = '']) => normalize(join(dirname(file), path)));
}

function reach(file: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const each of imports(file)) reach(each, seen);
  return seen;
}

describe('the checker of the simulation', () => {
  it('shares no line with the code that it judges, imports included', () => {
    const checks = ['test/simulation/checker.ts', 'test/simulation/cloud/cloud-check.ts'];
    const files = checks.flatMap((each) => [...reach(each)]);
    expect(files).toContain('test/simulation/progress-check.ts');
    expect(files).toContain('test/simulation/world/api-server.ts');
    expect(files).toContain('test/simulation/cloud/cloud-view.ts');
    expect(files.filter((file) => /^src\/(?!simulation\/)/.test(file))).toEqual([]);
  });
});
