/** A fresh id for a request that is placed at this time: an id that was answered before would do nothing. */
export function requestId(verb: string, now: number): string {
  return `${verb}-${new Date(now).toISOString().replaceAll(/[-:.]/g, '')}`;
}
