/** The advice to use one of the allowed values; the first of them are named. */
export function oneOf(advice: string, allowed: readonly string[]): string {
  if (allowed.length === 0) return 'it admits none, leave it out';
  const more = allowed.length > 5 ? ` or ${String(allowed.length - 5)} others` : '';
  return `${advice} ${allowed.slice(0, 5).join(', ')}${more}`;
}
