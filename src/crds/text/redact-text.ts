/** Removes secrets from texts, by their form. Log, events and statuses share these rules. */
export const REDACTED = '[redacted]';

const LONGEST_TEXT = 4096;

/** The name of a secret, unless it only says where the secret is, as in `secretName`, or how many there are. */
const NAME =
  '(?:passw(?:or)?d|passphrase|pwd|token|secret|credential|(?:api|access|private)[-_]?key|key-data)' +
  '[\\w-]{0,40}(?<!name|namespace|ref|file|path|secrets|tokens)';

type Replacement = readonly [pattern: RegExp, replacement: string];
const SECRET_TEXTS: readonly Replacement[] = [
  // The message of the client's ApiException repeats the body and the headers of the answer.
  [/(HTTP-Code: \d+\nMessage: [^\n]*)\nBody: [\s\S]*/g, `$1`],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, REDACTED],
  [/\b(authorization\\*["']?\s*[:=]\s*\\*["']?)(?:(?:Bearer|Basic)\s+)?[^\s"',;\\]+/gi, `$1${REDACTED}`],
  [/\b(Bearer)\s+[^\s"',;\\]+/gi, `$1 ${REDACTED}`],
  // A JSON web token, such as a service account's.
  [/\beyJ[\w-]{8,}(\.[\w-]*)*/g, REDACTED],
  // The password in an address. Without a scheme, a host name must follow: the digest of an image is no secret.
  [/(\/\/[^\s/:@]*:)[^\s/@]+@/g, `$1${REDACTED}@`],
  [/(?<![\w/.:@-])([\w.-]+:)[^\s/:@"'[\]]+@(?=[\w-]+\.)/g, `$1${REDACTED}@`],
  // In JSON, also when a text contains it; then in YAML, an address or an environment; then an option of a command.
  [new RegExp(String.raw`(${NAME}\\*"\s*:\s*\\*")[^"\\]*`, 'gi'), `$1${REDACTED}`],
  [
    new RegExp(String.raw`(${NAME}["']?\s*[:=]\s*["']?)(?:(?<=")[^"]*|(?<=')[^']*|[^\s&"',;\\]+)`, 'gi'),
    `$1${REDACTED}`,
  ],
  [new RegExp(String.raw`(--[\w-]{0,40}?${NAME}\s+)[^\s-]\S*`, 'gi'), `$1${REDACTED}`],
];

/** Each of the patterns needs one of these: most texts have none, and are read once instead of ten times. */
const SUSPICIOUS = /HTTP-Code|authorization|bearer|eyJ|@|passw|passphrase|pwd|token|secret|credential|key/i;

/** Cuts a text to 4,096 characters and redacts each part that looks like a secret. */
export function redactText(text: string): string {
  const cut =
    text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}… (${text.length} characters in all)` : text;
  if (!SUSPICIOUS.test(cut)) return cut;
  return SECRET_TEXTS.reduce((clean, [pattern, replacement]) => clean.replace(pattern, replacement), cut);
}
