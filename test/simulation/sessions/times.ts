/** How long the operator may not know what has happened. */

/** A write that was decided before may be in flight for so long, and a view may be as old. */
export const IN_FLIGHT_MS = 180_000;
/** The same while watches, requests and processes work. */
export const SEEN_MS = 10_000;
/** By then an answer is heard, while watches, requests and processes work. */
export const HEARD_MS = 20_000;
