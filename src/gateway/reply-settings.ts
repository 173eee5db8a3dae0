/** Where the operator takes answers by HTTP, from its environment. Pure. */
import { LONGEST_BASE } from '../tenants/reply-links.ts';

export type ReplySettings = {
  /** Where tenants reach the server, such as https://careen.example.com. */
  readonly base: string;
  /** Where the server listens; 0 takes any free port. */
  readonly port: number;
  /** The file with the key of the links. */
  readonly keyFile: string;
};

const PORT = 8081;

/**
 * Reads CAREEN_REPLIES_URL, CAREEN_REPLIES_PORT (8081) and CAREEN_REPLIES_KEY_FILE. Undefined without the first: no answers
 * are taken by HTTP then. Throws an error that names every variable with a value that cannot work.
 */
export function replySettingsIn(
  environment: Readonly<Record<string, string | undefined>>,
): ReplySettings | undefined {
  const base = environment['CAREEN_REPLIES_URL'] ?? '';
  if (base === '') return undefined;
  const keyFile = environment['CAREEN_REPLIES_KEY_FILE'] ?? '';
  const portText = environment['CAREEN_REPLIES_PORT'] || String(PORT);
  const port = /^\d{1,5}$/.test(portText) ? Number(portText) : NaN;
  const problems = [
    ...baseProblems(base),
    ...(port <= 65_535
      ? []
      : [
          `CAREEN_REPLIES_PORT is ${JSON.stringify(portText)}: set a whole number from 0 to 65535, or leave it out`,
        ]),
    ...(keyFile === ''
      ? [
          'CAREEN_REPLIES_KEY_FILE is not set: name a file with 32 random bytes or more, the same in each replica',
        ]
      : []),
  ];
  if (problems.length > 0) throw new Error(problems.join('; '));
  return { base, port, keyFile };
}

/** An event alarm has no room for a longer one. */
function baseProblems(base: string): readonly string[] {
  const url = URL.parse(base);
  const isPlain = url && /^https?:$/.test(url.protocol) && !url.search && !url.hash && !url.username;
  if (isPlain && base.length <= LONGEST_BASE) return [];
  return [
    `CAREEN_REPLIES_URL is ${JSON.stringify(base)}: set an address of at most ${String(LONGEST_BASE)} characters, such as ` +
      'https://careen.example.com, without user, query and fragment',
  ];
}
