/**
 * A version as its parts. Between two parts of different kinds, the later kind in this list is the higher one:
 * `~`, a pre-release word, the number 0, another word, a number above 0.
 */
export type Version = readonly Part[];
type Part = { readonly kind: number; readonly value: string | bigint };

const TILDE: Part = { kind: 0, value: '' };
const ZERO: Part = { kind: 2, value: 0n };
const PRE_RELEASE: ReadonlySet<string> = new Set(['alpha', 'beta', 'dev', 'pre', 'preview', 'rc']);

/** The first number that begins a word, with or without "v", or that has a point and a digit behind it. */
const BEGINNING = /(?<![a-z\d])v?\d|\d+\.\d/;
/** The epoch of a Debian or RPM package. */
const EPOCH = /^(\d+):(?=\d)/;

/**
 * The version in a text, from its first number to the end: `Talos (v1.9.5)`, `containerd://1.7.13`, `rhel9.4`.
 * Undefined when the text holds none: a number behind letters is part of a name, as in `amd64`.
 */
export function versionIn(text: string): Version | undefined {
  const lower = text.toLowerCase();
  const at = lower.search(BEGINNING);
  if (at < 0) return undefined;
  const version = lower.slice(at).replace(/^v/, '');
  const epoch = EPOCH.exec(version)?.[1] ?? '0';
  return [partOf(epoch), ...(version.replace(EPOCH, '').match(/\d+|[a-z]+|~/g) ?? []).map(partOf)];
}

/**
 * Compares two versions part by part; negative when `a` is the lower one. Numbers count as numbers, words by the
 * alphabet; whatever stands between them only separates. Missing parts are zero, so more is higher:
 * `1.30.4` < `1.30.4+k3s1` < `1.30.4+k3s2`.
 *
 * These are the rules of dpkg (deb-version(7)) and rpm (rpmvercmp), with two differences: the words of a pre-release
 * are below the release without "~", too (`1.36.0-rc.1` < `1.36.0`), and a zero at the end does not count
 * (`1.36` = `1.36.0`).
 */
export function compareVersions(a: Version, b: Version): number {
  for (let i = 0; i < Math.max(a.length, b.length); i += 1) {
    const difference = compareParts(a[i] ?? ZERO, b[i] ?? ZERO);
    if (difference !== 0) return difference;
  }
  return 0;
}

function partOf(text: string): Part {
  if (text === '~') return TILDE;
  if (/\d/.test(text)) return text.replaceAll('0', '') === '' ? ZERO : { kind: 4, value: BigInt(text) };
  return { kind: PRE_RELEASE.has(text) ? 1 : 3, value: text };
}

function compareParts(a: Part, b: Part): number {
  if (a.kind !== b.kind) return a.kind - b.kind;
  return a.value < b.value ? -1 : Number(a.value > b.value);
}
