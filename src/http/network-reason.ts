/** An error and its causes, the first five. */
export function causesOf(error: unknown): readonly unknown[] {
  const causes: unknown[] = [];
  for (let next = error; next instanceof Error && causes.length < 5; next = next.cause) causes.push(next);
  return causes;
}

/** The code of the error of the system or of TLS among these causes: its text may have words and addresses of others. */
export function networkCode(causes: readonly unknown[]): string {
  const codes = causes.flatMap((cause) =>
    cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? [cause.code] : [],
  );
  return codes.at(-1) ?? 'unknown error';
}
