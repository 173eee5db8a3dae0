/** Microversions such as `2.96`: whole numbers on both sides of the dot. */
import { z } from 'zod';

/** The versions that a service has, and the segment that its URL lacks, such as `/v2.1`. */
export type VersionRange = { readonly min: string; readonly max: string; readonly missingSegment: string };

export function isAtLeast(version: string, other: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [otherMajor = 0, otherMinor = 0] = other.split('.').map(Number);
  return major > otherMajor || (major === otherMajor && minor >= otherMinor);
}

export function isWithin({ min, max }: VersionRange, version: string): boolean {
  return isAtLeast(version, min) && isAtLeast(max, version);
}

const versionSchema = z.object({
  id: z.string(),
  /** Nova's name of the newest version. */
  version: z.string().optional(),
  max_version: z.string().optional(),
  min_version: z.string().optional(),
  links: z.array(z.object({ rel: z.string(), href: z.string() })).catch([]),
});
/** The first form is that of a URL with a version, the second that of a root. */
const documentSchema = z.union([
  z.object({ version: versionSchema }),
  z.object({ versions: z.array(versionSchema) }),
]);

const MICROVERSION = /^\d+\.\d+$/;

/** Reads the version document of a service; undefined when it has no microversions. */
export function rangeOf(document: unknown): VersionRange | undefined {
  const { data } = documentSchema.safeParse(document);
  if (!data) return undefined;
  const all = 'versions' in data ? data.versions : [data.version];
  const ranges = all.flatMap(({ version, max_version: max = version, min_version: min, links }) => {
    if (!min || !max || !MICROVERSION.test(min) || !MICROVERSION.test(max)) return [];
    const self = links.find(({ rel }) => rel === 'self')?.href ?? '';
    const missingSegment = 'versions' in data ? (/\/v\d+(\.\d+)?(?=\/?$)/.exec(self)?.[0] ?? '') : '';
    return [{ min, max, missingSegment }];
  });
  return ranges.reduce<VersionRange | undefined>(
    (best, range) => (best && isAtLeast(best.max, range.max) ? best : range),
    undefined,
  );
}
