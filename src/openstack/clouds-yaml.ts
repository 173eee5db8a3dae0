/**
 * Reads one cloud of a `clouds.yaml`, the file of OpenStack's own clients, as openstacksdk reads it. Its messages name
 * the field and its value, but never a password, nor a piece of the text, which may be one.
 */
import { X509Certificate } from 'node:crypto';
import { load, YAML11_SCHEMA, YAMLException } from 'js-yaml';
import { z } from 'zod';
import { INTERFACES, type Cloud } from './cloud.ts';
import { credentialsIn } from './credentials.ts';
import { CloudsYamlError, fault, textOf, type Fields } from './cloud-fields.ts';

/** A Secret of Kubernetes holds no more. */
const LARGEST_CHARACTERS = 1024 * 1024;
const MOST_ALIASES = 100;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const NAMES_SHOWN = 20;

const fileSchema = z.looseObject({ clouds: z.record(z.string(), z.unknown()) });
const cloudSchema = z.looseObject({ auth: z.looseObject({}) });

/**
 * The cloud of this name. Throws a CloudsYamlError that says what to change.
 * @param files has the texts of the files that a `clouds.yaml` can only name by their paths
 */
export function cloudIn(text: string, cloudName: string, files: { readonly caText?: string } = {}): Cloud {
  const cloud = cloudNamed(cloudName, fileIn(text));
  const { data } = cloudSchema.safeParse(cloud);
  if (!data)
    throw new CloudsYamlError(`cloud ${cloudName} has no mapping auth with auth_url and credentials`);
  const fields: Fields = { cloudName, cloud: data, auth: data.auth };
  refusePaths(fields);
  return {
    name: cloudName,
    authUrl: authUrlIn(fields),
    credentials: credentialsIn(fields),
    region: textOf(fields, 'region_name'),
    interface: interfaceIn(fields),
    caText: files.caText === undefined ? undefined : checkedCa(files.caText),
    verify: verifyIn(fields),
  };
}

function fileIn(text: string): Readonly<Record<string, unknown>> {
  if (text.length > LARGEST_CHARACTERS)
    throw new CloudsYamlError(`clouds.yaml is larger than ${String(LARGEST_CHARACTERS)} characters`);
  let content: unknown;
  try {
    // PyYAML, which openstacksdk reads with, knows YAML 1.1.
    content = load(text, { schema: YAML11_SCHEMA, maxAliases: MOST_ALIASES });
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const where = error.mark ? ` near line ${String(error.mark.line + 1)}` : '';
    throw new CloudsYamlError(
      `clouds.yaml is not valid YAML${where}: put values with special characters in quotes`,
    );
  }
  const { data } = fileSchema.safeParse(content);
  if (!data) throw new CloudsYamlError('clouds.yaml has no mapping clouds with a field for each cloud');
  return data.clouds;
}

function cloudNamed(name: string, clouds: Readonly<Record<string, unknown>>): unknown {
  if (Object.hasOwn(clouds, name)) return clouds[name];
  const names = Object.keys(clouds);
  const shown = names.slice(0, NAMES_SHOWN).join(', ') || 'none';
  const more = names.length > NAMES_SHOWN ? ` and ${String(names.length - NAMES_SHOWN)} more` : '';
  throw new CloudsYamlError(`clouds.yaml has no cloud ${JSON.stringify(name)}: it has ${shown}${more}`);
}

/** Keystone's API v3, whether or not the URL names it. */
function authUrlIn(fields: Fields): string {
  const text = fields.auth['auth_url'];
  const url = typeof text === 'string' ? URL.parse(text) : null;
  const example = 'give the URL of Keystone, such as https://keystone.example.com:5000/v3';
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.username !== '' || url.password !== '')
    throw fault(fields, 'auth.auth_url', url ? undefined : text, example);
  if (/\/v2\.0\/*$/.test(url.pathname))
    throw fault(fields, 'auth.auth_url', text, 'the API v2.0 of Keystone is gone: end it with /v3');
  return `${url.origin}${url.pathname.replace(/\/+$/, '').replace(/\/v3$/, '')}/v3`;
}

function interfaceIn(fields: Fields): Cloud['interface'] {
  const field = fields.cloud['interface'] === undefined ? 'endpoint_type' : 'interface';
  const given = textOf(fields, field) ?? 'public';
  const found = INTERFACES.find((each) => each === given.replace(/URL$/, ''));
  if (!found) throw fault(fields, field, given, `give one of ${INTERFACES.join(', ')}`);
  return found;
}

function verifyIn(fields: Fields): boolean {
  const given = fields.cloud['verify'] ?? true;
  if (typeof given === 'boolean') return given;
  if (typeof given === 'string' && /^(true|false)$/i.test(given)) return given.toLowerCase() === 'true';
  throw fault(fields, 'verify', given, 'give true, or false to accept any certificate');
}

/** A Secret has no files that a path could name. */
function refusePaths(fields: Fields): void {
  const { cacert, cert, key } = fields.cloud;
  if (cacert !== undefined && cacert !== null)
    throw fault(
      fields,
      'cacert',
      cacert,
      'a path cannot be read from a Secret: put the certificate into the Secret as cacert',
    );
  if ((cert ?? key ?? null) !== null)
    throw fault(fields, cert ? 'cert' : 'key', undefined, 'client certificates are not supported: remove it');
}

function checkedCa(text: string): string {
  const certificates = text.match(CERTIFICATE) ?? [];
  if (certificates.length === 0 || !certificates.every(isCertificate))
    throw new CloudsYamlError('cacert of the Secret has no certificates as PEM, or a damaged one');
  return certificates.join('\n');
}

function isCertificate(pem: string): boolean {
  try {
    new X509Certificate(pem);
    return true;
  } catch {
    return false;
  }
}
