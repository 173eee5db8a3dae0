/** `careen vectors`: plays recorded cases with the production code. */
import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { playContent, type Played } from './play-vector.ts';
import { isSessionsFile, playSessions } from './sessions/session-vectors.ts';

export type Output = { readonly out: (line: string) => void; readonly err: (line: string) => void };

/**
 * Compares the results of planner and engine with each recorded case. The last
 * line is `N passed, N failed`, with the skipped and deviating cases if there are any.
 * @param paths files, or folders whose JSON files are taken
 * @returns the exit status: 1 when anything failed
 */
export async function checkVectors(paths: readonly string[], { out, err }: Output): Promise<0 | 1> {
  const counts = { passed: 0, failed: 0, skipped: 0, deviates: 0 };
  for await (const played of playAll(paths, err)) {
    const { kind, name, reason } = played.kind === 'played' ? played.judge() : played;
    counts[kind] += 1;
    if (kind === 'failed') out(`failed ${name}: ${reason}`);
    if (kind === 'deviates') out(`${name} deviates by design: ${reason}`);
  }
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
  const deviating = counts.deviates > 0 ? `, ${counts.deviates} deviating by design` : '';
  out(`${counts.passed} passed, ${counts.failed} failed${skipped}${deviating}`);
  return counts.failed > 0 ? 1 : 0;
}

/**
 * Prints the results of planner and engine for each case, one JSON document a line: `{"name", "actual"}`.
 * @returns the exit status: 1 when a case could not be played
 */
export async function emitVectors(paths: readonly string[], { out, err }: Output): Promise<0 | 1> {
  let status: 0 | 1 = 0;
  for await (const played of playAll(paths, err)) {
    if (played.kind === 'played') out(JSON.stringify({ name: played.name, actual: played.actual }));
    if (played.kind === 'failed') {
      err(`failed ${played.name}: ${played.reason}`);
      status = 1;
    }
  }
  return status;
}

/** Plays one file at a time: there may be many, and some are large. Findings and skipped files go to `note`. */
async function* playAll(paths: readonly string[], note: (line: string) => void): AsyncGenerator<Played> {
  const skipped = new Map<string, number>();
  for (const file of paths.values().flatMap(filesOf)) {
    for (const played of await playFile(file)) {
      yield played;
      if (played.kind === 'played')
        for (const finding of played.findings) note(`note ${played.name}: ${finding}`);
      if (played.kind === 'skipped') skipped.set(played.reason, (skipped.get(played.reason) ?? 0) + 1);
    }
  }
  for (const [reason, count] of skipped) note(`skipped ${count}: ${reason}`);
}

type File = { readonly path: string; readonly named: boolean } | { readonly failed: Played };

function* filesOf(path: string): Generator<File> {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats) {
    yield { failed: { kind: 'failed', name: path, reason: 'there is no such file or folder' } };
  } else if (stats.isFile()) {
    yield { path, named: true };
  } else {
    const files = globSync('**/*.json', { cwd: path }).toSorted();
    if (files.length === 0)
      yield { failed: { kind: 'failed', name: path, reason: 'there is no JSON file below it' } };
    for (const file of files) yield { path: join(path, file), named: false };
  }
}

async function playFile(file: File): Promise<readonly Played[]> {
  if ('failed' in file) return [file.failed];
  const { path, named } = file;
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const reason = `it cannot be read as JSON: ${error instanceof Error ? error.message : String(error)}`;
    return [{ kind: 'failed', name: path, reason }];
  }
  return isSessionsFile(content) ? playSessions(path, content) : [playContent(path, content, named)];
}
