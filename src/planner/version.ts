/**
 * Compares two versions number by number; negative when `a` is the lower one.
 *
 * Only the leading numbers count, with any separators, so the suffix of a package does not matter: `6.12.48-amd64`
 * equals `6.12.48`, `5.14.0-427.el9` is below `5.14.0-503.el9`, `1.1.1w` equals `1.1.1`. Missing numbers are zero. A
 * pre-release is below its release: `v1.36.0-rc.1` < `v1.36.0`.
 */
export function compareVersions(a: string, b: string): number {
  const left = parse(a);
  const right = parse(b);
  for (let i = 0; i < Math.max(left.numbers.length, right.numbers.length); i += 1) {
    const difference = (left.numbers[i] ?? 0) - (right.numbers[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return Number(right.preRelease) - Number(left.preRelease);
}

function parse(version: string): { numbers: number[]; preRelease: boolean } {
  const numbers: number[] = [];
  for (const part of version.replace(/^v/, '').split(/[.\-+_~:]/)) {
    const suffix = part.replace(/^\d+/, '');
    if (suffix !== part) numbers.push(parseInt(part, 10));
    if (suffix === part || suffix !== '') return { numbers, preRelease: /^(alpha|beta|rc|pre)/.test(suffix) };
  }
  return { numbers, preRelease: false };
}
