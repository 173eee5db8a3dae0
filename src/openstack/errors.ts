/** The errors of this folder. Nothing in them is secret: the session hides passwords and tokens in all texts of a server. */

/**
 * - `auth`: Keystone refuses the credentials, or a service refuses a new token
 * - `forbidden`: the user has no role that permits the request
 * - `unavailable`: no connection, or the service or a proxy answered with a 5xx
 * - `timeout`: no whole answer in time
 * - `closed`: we have closed the session meanwhile
 * - `certificate`: the certificate of the server is not accepted
 * - `no-endpoint`: the catalogue has no such service in this region
 * - `unsupported`: the service is too old or too new for the request
 * - `unexpected-answer`: it is not of the shape that the API promises
 */
export type OpenStackErrorKind =
  | ('auth' | 'forbidden' | 'not-found' | 'conflict' | 'bad-request' | 'too-many-requests')
  | (
      | 'unavailable'
      | 'timeout'
      | 'closed'
      | 'certificate'
      | 'no-endpoint'
      | 'unsupported'
      | 'unexpected-answer'
    );

export type OpenStackErrorDetails = {
  readonly status?: number | undefined;
  readonly serviceMessage?: string | undefined;
  readonly requestId?: string | undefined;
  readonly retryAfterSeconds?: number | undefined;
  readonly mayHaveHappened?: boolean;
};

export class OpenStackError extends Error {
  override readonly name = 'OpenStackError';
  readonly kind: OpenStackErrorKind;
  /** The HTTP status; undefined when there was no answer. */
  readonly status: number | undefined;
  /** The service's own words; undefined when it gave none. */
  readonly serviceMessage: string | undefined;
  /** By which the service's log names the request. */
  readonly requestId: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  /** Whether the request may have taken effect. False for reads. */
  readonly mayHaveHappened: boolean;

  constructor(kind: OpenStackErrorKind, message: string, details: OpenStackErrorDetails = {}) {
    super(message);
    this.kind = kind;
    this.status = details.status;
    this.serviceMessage = details.serviceMessage;
    this.requestId = details.requestId;
    this.retryAfterSeconds = details.retryAfterSeconds;
    this.mayHaveHappened = details.mayHaveHappened ?? false;
  }
}
