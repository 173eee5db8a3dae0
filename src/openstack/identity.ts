/** The request for a token of Keystone v3, and its answer. */
import { z } from 'zod';
import { catalogueSchema, type Catalogue } from './catalogue.ts';
import type { Credentials, Domain, InDomain, TokenScope } from './cloud.ts';
import { OpenStackError } from './errors.ts';
import { Secret } from './secret.ts';
import type { HttpAnswer } from './transport.ts';

export type Token = {
  readonly token: Secret;
  /** By the clock of Keystone, which may differ from ours. */
  readonly lifetimeMs: number;
  readonly userId: string;
  readonly catalogue: Catalogue;
};

/** The body of `POST /auth/tokens`. It has the password in it. */
export function tokenRequest(credentials: Credentials): unknown {
  if (credentials.kind === 'password') {
    const { user, password, scope } = credentials;
    const identity = {
      methods: ['password'],
      password: { user: { ...inDomain(user), password: password.reveal() } },
    };
    return { auth: { identity, scope: scopeOf(scope) } };
  }
  const { credential, secret } = credentials;
  const which = 'id' in credential ? credential : { name: credential.name, user: inDomain(credential.user) };
  const identity = {
    methods: ['application_credential'],
    application_credential: { ...which, secret: secret.reveal() },
  };
  return { auth: { identity } };
}

function inDomain(named: InDomain): { id: string } | { name: string; domain: Domain } {
  return 'id' in named ? { id: named.id } : { name: named.name, domain: named.domain };
}

function scopeOf(scope: TokenScope): unknown {
  return 'system' in scope ? { system: { all: true } } : { project: inDomain(scope.project) };
}

const answerSchema = z.object({
  token: z.object({
    issued_at: z.iso.datetime(),
    expires_at: z.iso.datetime(),
    user: z.object({ id: z.string() }),
    catalog: catalogueSchema.default([]),
  }),
});

export function tokenIn({ headers, text }: HttpAnswer): Token {
  const { data } = answerSchema.safeParse(parseJson(text));
  const token = headers.get('x-subject-token');
  if (!data || !token)
    throw new OpenStackError(
      'unexpected-answer',
      'Keystone answered without a token: is auth_url that of Keystone?',
    );
  const { issued_at: issued, expires_at: expires, catalog: catalogue, user } = data.token;
  const lifetimeMs = Date.parse(expires) - Date.parse(issued);
  return { token: new Secret(token), lifetimeMs, userId: user.id, catalogue };
}

/** Undefined when it is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
