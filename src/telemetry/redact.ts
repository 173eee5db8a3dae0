/**
 * Removes secrets from log lines and events. Some are known by the name of their
 * field, others by their form in a text.
 */
export const REDACTED = '[redacted]';

const LONGEST_TEXT = 4096;

/** A field whose name contains one of these holds a secret, in any spelling of the name. */
const SECRET_NAMES =
  /authorization|cookie|token|passw(or)?d|passphrase|secret|credential|apikey|accesskey|privatekey|kubeconfig/;
/** Fields that only say where a secret is. */
const REFERENCE_NAMES = /(name|namespace|ref|file|path)$/;
/**
 * The data of Secrets, parts of a kubeconfig, headers and bodies of requests, and
 * the copy of an object that kubectl keeps in its annotations.
 */
const SECRET_FIELDS: ReadonlySet<string> = new Set([
  'data',
  'stringdata',
  'binarydata',
  'users',
  'keydata',
  'certdata',
  'clientkeydata',
  'clientcertificatedata',
  'headers',
  'body',
  'kubectlkubernetesiolastappliedconfiguration',
]);

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
  // In JSON, also when a text contains it; then in YAML, an address or an environment.
  [/((?:password|passwd|token|secret|api[-_]?key|key-data)\\*"\s*:\s*\\*")[^"\\]*/gi, `$1${REDACTED}`],
  [
    /((?:password|passwd|token|secret|api[-_]?key|key-data)["']?\s*[:=]\s*["']?)[^\s&"',;\\]+/gi,
    `$1${REDACTED}`,
  ],
];

/** Cuts a text to 4,096 characters and redacts each part that looks like a secret. */
export function redactText(text: string): string {
  const cut =
    text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}… (${text.length} characters in all)` : text;
  return SECRET_TEXTS.reduce((clean, [pattern, replacement]) => clean.replace(pattern, replacement), cut);
}

/**
 * A copy of a JSON value without secrets. `redactText` cleans every text in it; a
 * field that holds a secret keeps only its name. True, false and null are no
 * secrets and stay.
 */
export function redactJson(value: unknown): unknown {
  if (typeof value === 'string') return redactText(value);
  if (Array.isArray(value)) return value.map(redactJson);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]: [string, unknown]) => [name, redactField(name, each)]),
  );
}

function redactField(name: string, value: unknown): unknown {
  if (value === null || typeof value === 'boolean') return value;
  if (holdsSecret(name, value)) return REDACTED;
  return name === 'env' ? redactEnvironment(value) : redactJson(value);
}

function holdsSecret(name: string, value: unknown): boolean {
  const letters = name.toLowerCase().replaceAll(/[^a-z]/g, '');
  if (SECRET_FIELDS.has(letters)) return true;
  // The user of a kubeconfig is an object; a user name as text is no secret.
  if (letters === 'user') return typeof value === 'object';
  return SECRET_NAMES.test(letters) && !REFERENCE_NAMES.test(letters);
}

/** The environment of a container (name and value) or of a process (value by name): the names stay. */
function redactEnvironment(env: unknown): unknown {
  if (Array.isArray(env)) return env.map(redactVariable);
  if (typeof env !== 'object' || env === null) return REDACTED;
  return Object.fromEntries(Object.keys(env).map((name) => [name, REDACTED]));
}

function redactVariable(variable: unknown): unknown {
  if (typeof variable !== 'object' || variable === null) return REDACTED;
  return 'value' in variable ? { ...variable, value: REDACTED } : redactJson(variable);
}
