import { GROUP } from '../crds/names.ts';
import { statusText } from '../crds/text/status-text.ts';

const NAMED = 5;

/**
 * The API server does not store all that was sent, because the CRD of the kind is not the one of this version. Nothing
 * may be decided until the CRDs of this version are there.
 */
export class OutdatedKindError extends Error {
  override readonly name = 'OutdatedKindError';

  readonly plural: string;

  /** @param object what was written, such as `HostPool default` */
  constructor(object: string, plural: string, fields: readonly string[], options?: ErrorOptions) {
    super(`${object} cannot be stored: ${withRemedy([outdatedKind(plural, fields)])}`, options);
    this.plural = plural;
  }
}

/** Why no pass can be made. */
export type OutdatedKinds = {
  /** For people, with the remedy. */
  readonly message: string;
  /** The plurals of the kinds whose CRDs are not those of this version. */
  readonly plurals: readonly string[];
};

/** Says that a CRD does not accept these fields. */
export function outdatedKind(plural: string, fields: readonly string[]): string {
  const more = fields.length > NAMED ? ` and ${String(fields.length - NAMED)} more` : '';
  return (
    `the CRD ${crdName(plural)} in this cluster does not accept ${fields.slice(0, NAMED).join(', ')}${more}, ` +
    'which this version of Careen needs'
  );
}

/** Says that a CRD does not exist. */
export function missingKind(plural: string): string {
  return `the CRD ${crdName(plural)} is not in this cluster`;
}

export function withRemedy(problems: readonly string[]): string {
  const remedy =
    'apply the CRDs of this version (chart careen-crds, or kubectl apply -k deploy/crds): the work then continues by itself';
  return `${statusText(problems.join('; '))}; ${remedy}`;
}

export function crdName(plural: string): string {
  return `${plural}.${GROUP}`;
}
