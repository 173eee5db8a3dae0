/** How long the operator may not know what has happened, besides the times of other hosts (host-history.ts). */

/** By then an answer is heard, while watches, requests and processes work. */
export const HEARD_MS = 20_000;
