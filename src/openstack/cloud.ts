/** How a cloud is reached and as whom: what `clouds.yaml` says about one cloud. */
import type { Secret } from './secret.ts';

/** By its ID, or by its name in a domain. */
export type Domain = { readonly id: string } | { readonly name: string };
export type InDomain = { readonly id: string } | { readonly name: string; readonly domain: Domain };

/** What a token is valid for. */
export type TokenScope = { readonly project: InDomain } | { readonly system: 'all' };

export type Credentials =
  | {
      readonly kind: 'password';
      readonly user: InDomain;
      readonly password: Secret;
      readonly scope: TokenScope;
    }
  | {
      readonly kind: 'application-credential';
      /** Its name is unique for its user only. */
      readonly credential: { readonly id: string } | { readonly name: string; readonly user: InDomain };
      readonly secret: Secret;
    };

export const INTERFACES = ['public', 'internal', 'admin'] as const;
export type Interface = (typeof INTERFACES)[number];

export type Cloud = {
  readonly name: string;
  /** Of Keystone's API v3, without a slash at its end. */
  readonly authUrl: string;
  readonly credentials: Credentials;
  /** Undefined when the cloud has one region. */
  readonly region: string | undefined;
  readonly interface: Interface;
  /** The certificates, as PEM, that sign those of the cloud; undefined for the well-known ones. */
  readonly caText: string | undefined;
  /** Whether certificates are checked. */
  readonly verify: boolean;
};

/** Names the user without anything secret, such as `user "careen"`. */
export function userOf(credentials: Credentials): string {
  if (credentials.kind === 'password') return `user ${wordOf(credentials.user)}`;
  return `application credential ${wordOf(credentials.credential)}`;
}

function wordOf(named: { readonly id: string } | { readonly name: string }): string {
  return 'id' in named ? named.id : JSON.stringify(named.name);
}
