/** The signature of a notification: its receiver knows by it who sent the body, and when. */
import { createHmac } from 'node:crypto';

export const SIGNATURE_HEADER = 'Careen-Signature';
/** A shorter key could be guessed. */
export const LEAST_SECRET_BYTES = 16;

/**
 * `t=<Unix time in seconds>,v1=<HMAC-SHA256 in hex>` of the time, a full stop and the body. The receiver computes the same
 * from the header and the body as it came, compares in constant time, and refuses a time that is minutes away from its own
 * clock. Further parts may join later, so it ignores those that it does not know.
 */
export function signature(secret: Uint8Array, seconds: number, body: string): string {
  const digest = createHmac('sha256', secret)
    .update(`${String(seconds)}.${body}`)
    .digest('hex');
  return `t=${String(seconds)},v1=${digest}`;
}
