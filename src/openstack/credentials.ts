/** The credentials of a cloud in a `clouds.yaml`, with the defaults of openstacksdk for domains. */
import type { Credentials, Domain, InDomain, TokenScope } from './cloud.ts';
import { authText, fault, textOf, type Fields } from './cloud-fields.ts';
import { Secret } from './secret.ts';

const AUTH_TYPES = ['password', 'v3password', 'v3applicationcredential'] as const;

/** Throws a CloudsYamlError that names the field. */
export function credentialsIn(fields: Fields): Credentials {
  const given = textOf(fields, 'auth_type') ?? 'password';
  const type = AUTH_TYPES.find((each) => each === given);
  if (!type) throw fault(fields, 'auth_type', given, `give one of ${AUTH_TYPES.join(', ')}`);
  return type === 'v3applicationcredential' ? applicationCredential(fields) : password(fields);
}

function password(fields: Fields): Credentials {
  return {
    kind: 'password',
    user: required(fields, inDomain(fields, 'user', 'username'), 'username', 'give it, or user_id'),
    password: secretAt(fields, 'password'),
    scope: scopeIn(fields),
  };
}

function applicationCredential(fields: Fields): Credentials {
  const secret = secretAt(fields, 'application_credential_secret');
  const id = authText(fields, 'application_credential_id');
  if (id !== undefined) return { kind: 'application-credential', credential: { id }, secret };
  const field = 'application_credential_name';
  const name = required(fields, authText(fields, field), field, 'give it, or application_credential_id');
  const why = 'give it, or user_id: the name of an application credential is unique for its user only';
  const user = required(fields, inDomain(fields, 'user', 'username'), 'username', why);
  return { kind: 'application-credential', credential: { name, user }, secret };
}

function scopeIn(fields: Fields): TokenScope {
  const project = inDomain(fields, 'project', 'project_name');
  const system = authText(fields, 'system_scope') ?? textOf(fields, 'system_scope');
  if (system !== undefined && system !== 'all')
    throw fault(fields, 'auth.system_scope', system, 'the only system scope is all');
  if (system !== undefined) return { system };
  const why = 'give it, or project_id, or system_scope: all';
  return { project: required(fields, project, 'project_name', why) };
}

/** A user or project by its ID, or by its name and domain; undefined when neither is there. */
function inDomain(fields: Fields, of: 'user' | 'project', nameField: string): InDomain | undefined {
  const legacy = of === 'project' ? 'tenant' : undefined;
  const either = (suffix: string, field: string): string | undefined =>
    authText(fields, field) ?? (legacy && authText(fields, `${legacy}_${suffix}`));
  const id = either('id', `${of}_id`);
  if (id !== undefined) return { id };
  const name = either('name', nameField);
  if (name === undefined) return undefined;
  const why = `give it, or ${of}_domain_id; most clouds have the domain Default`;
  return { name, domain: required(fields, domainOf(fields, of), `${of}_domain_name`, why) };
}

/** `domain_*` and `default_domain_*` count for the user and for the project. */
function domainOf(fields: Fields, of: 'user' | 'project'): Domain | undefined {
  for (const prefix of [`${of}_domain`, 'domain', 'default_domain']) {
    const id = authText(fields, `${prefix}_id`);
    if (id !== undefined) return { id };
    const name = authText(fields, `${prefix}_name`);
    if (name !== undefined) return { name };
  }
  return undefined;
}

function secretAt(fields: Fields, field: string): Secret {
  return new Secret(required(fields, authText(fields, field, { isSecret: true }), field, 'give it'));
}

function required<T>(fields: Fields, found: T | undefined, field: string, remedy: string): T {
  if (found === undefined) throw fault(fields, `auth.${field} is missing`, undefined, remedy);
  return found;
}
