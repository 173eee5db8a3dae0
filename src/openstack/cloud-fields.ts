/** Reads single fields of a cloud, and says what is wrong with them. */

/** A `clouds.yaml` that cannot be used; the message says what to change. */
export class CloudsYamlError extends Error {
  override readonly name = 'CloudsYamlError';
}

/** What a `clouds.yaml` says about one cloud, not yet checked. */
export type Fields = {
  readonly cloudName: string;
  readonly cloud: Readonly<Record<string, unknown>>;
  readonly auth: Readonly<Record<string, unknown>>;
};

/** @param value is left out when it is secret */
export function fault({ cloudName }: Fields, field: string, value: unknown, remedy: string): CloudsYamlError {
  const is = value === undefined ? '' : ` is ${JSON.stringify(value)}`;
  return new CloudsYamlError(`cloud ${cloudName}: ${field}${is}: ${remedy}`);
}

/** A text of the cloud itself; undefined when it is not there. */
export function textOf(fields: Fields, field: string): string | undefined {
  return checkedText(fields, field, fields.cloud[field], false);
}

/** A text below `auth`; undefined when it is not there. */
export function authText(fields: Fields, field: string, { isSecret = false } = {}): string | undefined {
  return checkedText(fields, `auth.${field}`, fields.auth[field], isSecret);
}

/** A name of digits alone is a number in YAML. */
function checkedText(fields: Fields, field: string, value: unknown, isSecret: boolean): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'string') return value;
  throw fault(fields, field, isSecret ? undefined : value, 'it must be a text: put it in quotes');
}
