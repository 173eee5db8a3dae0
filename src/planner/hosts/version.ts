/**
 * A version as its parts. Between two parts of different kinds, the later kind in this list is the higher one:
 * `~`, a pre-release word, the number 0, another word, a number above 0.
 */
export type Version = readonly Part[];
type Part = { readonly kind: number; readonly value: string | bigint };

const TILDE: Part = { kind: 0, value: '' };
const ZERO: Part = { kind: 2, value: 0n };

/** The first number that stands by itself, with or without "v", or that has a point and a digit behind it. */
const BEGINNING = /(?<![a-z\d_])v?\d+(?![a-z\d])|\d+\.\d/;
/** The architecture that a kernel or a package ends with, and the flavour behind it: `.aarch64+64k`. */
const ARCHITECTURE = /[._-](x86_64|aarch64|amd64|arm64|ppc64le|riscv64|s390x|i[3-6]86|noarch)(\+\w+)?$/;
/** The epoch of a Debian or RPM package. */
const EPOCH = /^(\d+):(?=\d)/;
const RELEASE = /^\d+(\.\d+)*/;
/** `ec` and `ea` count as pre-releases only without digits: a hash can begin with them (`+ec12f3a`), and EC2 is a name. */
const PARTS =
  /((?<![a-z])(?:alpha|beta|canary|dev|eap|nightly|pre|prerelease|preview|rc|snapshot)(?![a-z])|(?<![a-z\d])e[ac](?![a-z\d]))|\d+|[a-z]+|~/g;

/**
 * The version in a text, from its first number to the end or to the architecture: `Talos (v1.9.5)`,
 * `containerd://1.7.13`, `rhel9.4`. Undefined when the text holds none: a number behind or before letters is part of a
 * name or of a hash, as in `amd64` and `0x2b`.
 */
export function versionIn(text: string): Version | undefined {
  const lower = text.toLowerCase();
  const at = lower.search(BEGINNING);
  if (at < 0) return undefined;
  const version = lower.slice(at).replace(/^v/, '').replace(ARCHITECTURE, '');
  const epoch = EPOCH.exec(version)?.[1] ?? '0';
  const parts = version.replace(EPOCH, '').replace(RELEASE, inThreeNumbers).matchAll(PARTS);
  return [
    partOf(epoch),
    ...Array.from(parts, ([part, preRelease]) => partOf(part, preRelease !== undefined)),
  ];
}

/** `1.30` as `1.30.0`, so that what follows the short form is compared with what follows the long one. */
function inThreeNumbers(release: string): string {
  const missing = Math.max(0, 3 - release.split('.').length);
  return release + '.0'.repeat(missing);
}

/**
 * Compares two versions part by part; negative when `a` is the lower one. Numbers count as numbers, words by the
 * alphabet; whatever stands between them only separates. Missing parts are zero, so more is higher:
 * `1.30.4` < `1.30.4+k3s1` < `1.30.4+k3s2`.
 *
 * These are the rules of dpkg (deb-version(7)) and rpm (rpmvercmp), with four differences: the words of a pre-release
 * are below the release without "~", too (`1.36.0-rc.1` < `1.36.0`), the short form of a version is equal to the long
 * one (`1.36+k3s1` = `1.36.0+k3s1`), a zero at the end does not count (`1.36.0.0` = `1.36.0`), nor does the
 * architecture.
 */
export function compareVersions(a: Version, b: Version): number {
  for (let i = 0; i < Math.max(a.length, b.length); i += 1) {
    const difference = compareParts(a[i] ?? ZERO, b[i] ?? ZERO);
    if (difference !== 0) return difference;
  }
  return 0;
}

function partOf(text: string, preRelease = false): Part {
  if (text === '~') return TILDE;
  if (/\d/.test(text)) return text.replaceAll('0', '') === '' ? ZERO : { kind: 4, value: BigInt(text) };
  return { kind: preRelease ? 1 : 3, value: text };
}

function compareParts(a: Part, b: Part): number {
  if (a.kind !== b.kind) return a.kind - b.kind;
  return a.value < b.value ? -1 : Number(a.value > b.value);
}

/** Whether a version is a build of a release that names none: `1.36.4+k3s1` of `1.36.4`. */
export function isBuildOf(version: Version, release: Version): boolean {
  const isSame = compareVersions(version.slice(0, release.length), release) === 0;
  return isSame && version[release.length]?.kind === 3;
}

/** The word by which versions tell who built them: `k` in `1.36.4+k3s1`. Undefined where a version has none. */
export function buildWord(version: Version): string | undefined {
  const word = version.find(({ kind }) => kind === 3)?.value;
  return word === undefined ? undefined : String(word);
}

/** Whether both are builds of one release by different builders: `1.36.4+k3s1` and `1.36.4+rke2r1`. */
export function isOtherBuild(a: Version, b: Version): boolean {
  const [ours, theirs] = [buildWord(a), buildWord(b)];
  if (ours === undefined || theirs === undefined || ours === theirs) return false;
  return compareVersions(releaseOf(a), releaseOf(b)) === 0;
}

function releaseOf(version: Version): Version {
  return version.slice(
    0,
    version.findIndex(({ kind }) => kind === 3),
  );
}

/** Whether both texts hold the same version: `1.36.2` and `v1.36.2` do. */
export function isSameRelease(one: string, other: string): boolean {
  const [left, right] = [versionIn(one), versionIn(other)];
  return left && right ? compareVersions(left, right) === 0 : one === other;
}
