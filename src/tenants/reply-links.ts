/**
 * The addresses for answers. Each begins with a token that only the operator can make: whoever knows the address was told
 * it, so no other credentials are needed, and nobody can make the address of another project from its own.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** The addresses by which a project reads what it is asked, and answers. */
export type ReplyLinks = {
  readonly ofProject: (session: string, project: string) => string;
  readonly ofInstance: (session: string, project: string, instance: string) => string;
};

/** 144 bits: nobody guesses them, and an event alarm has room for 255 characters of an address. */
const TOKEN_BYTES = 18;
/** With this base the longest address of an instance has 255 characters. */
export const LONGEST_BASE = 64;
/** A shorter key could be guessed. */
export const LEAST_KEY_BYTES = 32;

/** The path of the project routes (fenix.md §2.2). */
export const MAINTENANCE = 'v1/maintenance';

/**
 * @param base where the tenants reach the server of answers, such as https://careen.example.com/replies
 * @param key of the operator alone; addresses that were told before work only as long as it stays the same
 */
export function replyLinks(base: string, key: Uint8Array): ReplyLinks {
  const root = base.replace(/\/+$/, '');
  const ofProject = (session: string, project: string): string =>
    `${root}/${replyToken(key, session, project)}/${MAINTENANCE}/${encodeURIComponent(session)}/${encodeURIComponent(project)}`;
  return {
    ofProject,
    ofInstance: (session, project, instance) =>
      `${ofProject(session, project)}/${encodeURIComponent(instance)}`,
  };
}

function replyToken(key: Uint8Array, session: string, project: string): string {
  const digest = createHmac('sha256', key).update(`${session}/${project}`).digest();
  return digest.subarray(0, TOKEN_BYTES).toString('base64url');
}

/** Whether a token is that of the project in the session. It takes as long for a wrong one, wherever that differs. */
export function isReplyToken(key: Uint8Array, token: string, session: string, project: string): boolean {
  const right = Buffer.from(replyToken(key, session, project));
  const given = Buffer.from(token);
  return given.length === right.length && timingSafeEqual(given, right);
}
