import { globSync, existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..', '..');
const WITHOUT_VECTORS = ['**/node_modules/**', 'test/vectors/**/*.json'];
const FILES = globSync(
  ['*.md', '{src,test,scripts}/**/*.{ts,md}', '{docs,deploy,charts,examples}/**/*.{md,yaml}'],
  {
    cwd: root,
    exclude: WITHOUT_VECTORS,
  },
);
const DOCUMENTS = globSync('docs/**/*.md', { cwd: root });
const PATHS = /^(src|test|scripts|docs|deploy|charts|examples|bin)\//;
/** A decision that tells what moved names files that are gone. */
const HISTORY = 'docs/decisions/0018-rooms.md';

/** A § without a name is one of this document, but for those inside a document that has numbered sections itself. */
const UNNAMED = 'starlingx-vim.md';
const NUMBERED = ['starlingx-vim.md', 'fenix.md', 'kubernetes-conventions.md', 'architecture.md'];
const SHORT_NAMES: Readonly<Record<string, string>> = {
  architecture: 'architecture.md',
  conventions: 'kubernetes-conventions.md',
};
const SECTION = String.raw`§\s?(\d+(?:\.\d+)*[a-z]?)`;
/** A name if there is one, then sections: `starlingx-vim.md §3 to §5, §10`, `[fenix.md](../fenix.md) §2`. */
const CITATION = new RegExp(
  String.raw`(?:\b([\w-]+\.md|architecture|conventions)(?:\]\([^)]*\))?,?\s)?(${SECTION}(?:(?:,| to| and|,? and of)\s${SECTION})*)`,
  'gi',
);

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

/** The text without line breaks and the signs of comments, in which a citation may stand on two lines. */
function onOneLine(text: string): string {
  return text.replaceAll(/\n\s*(?:\*|\/\/|#)?\s*/g, ' ');
}

interface Citation {
  readonly document: string;
  readonly section: string;
}

function citationsIn(name: string, text: string): Citation[] {
  const own = NUMBERED.includes(name) ? name : UNNAMED;
  return [...onOneLine(text).matchAll(CITATION)].flatMap(([, named, sections = '']) => {
    const document = named === undefined ? own : (SHORT_NAMES[named.toLowerCase()] ?? named);
    return [...sections.matchAll(new RegExp(SECTION, 'g'))].map(([, section = '']) => ({
      document,
      section,
    }));
  });
}

/** The numbers of the headings (`## 5. Waiting`, `### 7.5 Workers`) and of the numbered rules (`2.8 **Never …`). */
function sectionsOf(text: string): ReadonlySet<string> {
  const numbers = text.matchAll(/^(?:#+ (\d+(?:\.\d+)*)\.?|(\d+\.\d+[a-z]?)) /gm);
  return new Set([...numbers].map(([, heading, rule]) => heading ?? rule ?? ''));
}

function complaintAbout({ document, section }: Citation): string | undefined {
  const file = DOCUMENTS.find((each) => basename(each) === document);
  if (file === undefined) return `${document} §${section}: there is no such document in docs`;
  return sectionsOf(read(file)).has(section)
    ? undefined
    : `${document} §${section}: ${file} has no such section`;
}

function withoutCode(text: string): string {
  return text.replaceAll(/^```[^]*?^```|^ {4}.*$|`[^`\n]*`/gm, '');
}

/** The fragments by which GitHub and editors link to the headings of a document. */
function anchorsOf(text: string): readonly string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function brokenLinksOf(file: string): string[] {
  const links = [...withoutCode(read(file)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
  return links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? file : relative(root, join(root, dirname(file), path));
    if (!existsSync(join(root, target))) return true;
    return anchor !== undefined && !anchorsOf(read(target)).includes(anchor);
  });
}

/** The paths in backticks that begin with a folder of the repository, and none of whose files is there. */
function missingPathsOf(file: string): string[] {
  const paths = [...read(file).matchAll(/`([\w./*{},-]+)`/g)].map(([, path = '']) => path);
  return paths.filter((path) => PATHS.test(path) && globSync(path, { cwd: root }).length === 0);
}

function everyComplaint(files: readonly string[], complaints: (file: string) => readonly string[]): string[] {
  return files.flatMap((file) => complaints(file).map((complaint) => `${file}: ${complaint}`));
}

describe('what the repository cites', () => {
  it('is a numbered section of a document in docs', () => {
    const cited = FILES.flatMap((file) => citationsIn(basename(file), read(file)));
    expect(cited.length).toBeGreaterThan(80);
    expect(
      everyComplaint(FILES, (file) =>
        citationsIn(basename(file), read(file)).flatMap((citation) => complaintAbout(citation) ?? []),
      ),
    ).toEqual([]);
  });

  it('is a document that is there, where a comment names its path', () => {
    expect(
      everyComplaint(FILES, (file) =>
        [...read(file).matchAll(/\bdocs\/[\w/-]+\.md\b/g)]
          .map(([path]) => path)
          .filter((path) => !existsSync(join(root, path))),
      ),
    ).toEqual([]);
  });

  it('is a file or heading that is there, where a page links to it', () => {
    expect(everyComplaint(FILES.filter(isPage), brokenLinksOf)).toEqual([]);
  });

  it('is a file that is there, where a page names its path', () => {
    const pages = FILES.filter((file) => isPage(file) && file !== HISTORY);
    expect(everyComplaint(pages, missingPathsOf)).toEqual([]);
  });
});

function isPage(file: string): boolean {
  return file.endsWith('.md');
}

describe('the search for citations', () => {
  it.each([
    ['(starlingx-vim.md §7.1, §7.2)', 'starlingx-vim.md §7.1', 'starlingx-vim.md §7.2'],
    ['a REST answer (starlingx-vim.md\n * §2)', 'starlingx-vim.md §2'],
    ['[fenix.md](../reference/fenix.md) §2 to §4', 'fenix.md §2', 'fenix.md §4'],
    ['always hold (architecture §6)', 'architecture.md §6'],
    ['§5: not under way', 'starlingx-vim.md §5'],
  ])('finds in %j', (text, ...expected) => {
    const found = citationsIn('some.ts', text).map(({ document, section }) => `${document} §${section}`);
    expect(found).toEqual(expected);
  });

  it('takes a § in a numbered document for its own', () => {
    expect(citationsIn('fenix.md', 'see §5.')).toEqual([{ document: 'fenix.md', section: '5' }]);
  });

  it('complains of a document or section that is not there', () => {
    expect(complaintAbout({ document: 'nova.md', section: '1' })).toMatch(/no such document/);
    expect(complaintAbout({ document: 'fenix.md', section: '99' })).toMatch(/no such section/);
    expect(complaintAbout({ document: 'kubernetes-conventions.md', section: '5.5a' })).toBeUndefined();
  });
});
