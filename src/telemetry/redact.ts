/** Removes secrets from log lines. Some are known by the name of their field, others by their form in a text. */
import { REDACTED, redactText } from '../crds/text/redact-text.ts';

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
