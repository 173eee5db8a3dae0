/** What the server of answers needs of the sessions. Who implements it decides; the server only speaks HTTP. */

/** An answer as it came by HTTP. */
export type GivenReply = {
  /** The uid of the session. */
  readonly session: string;
  readonly project: string;
  /** The uid of the instance that it is about, where each instance is asked about by itself. */
  readonly instance?: string;
  /** ACK_ or NACK_ and the state that was asked about, if it is right. */
  readonly state: string;
  readonly instanceActions?: Readonly<Record<string, string>>;
};

type NoAnswer =
  /** There is no such session, or the project was not asked in it. */
  | { readonly kind: 'unknown' }
  /** This process cannot say now: it does not lead, does not know the session yet, or cannot reach the API server. */
  | { readonly kind: 'unavailable' };

export type Taken =
  /** It is stored, and counts. */
  | { readonly kind: 'accepted' }
  /** It changes nothing; `message` says what would be right. */
  | { readonly kind: 'refused'; readonly message: string }
  | NoAnswer;

export type AskedQuestion =
  /** The uids of the instances that the last question to the project is about. */
  { readonly kind: 'asked'; readonly instances: readonly string[] } | NoAnswer;

export interface ReplyPort {
  /** The question to a project. */
  questionOf(session: string, project: string): Promise<AskedQuestion>;
  /**
   * Judges an answer, and stores it when it counts. It resolves after that: a project that was told `accepted` may rely on
   * it. The same answer again is accepted again: a client repeats it when the response was lost.
   */
  take(reply: GivenReply): Promise<Taken>;
}
