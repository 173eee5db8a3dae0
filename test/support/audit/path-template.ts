const PARTS =
  /^(\/api\/[^/]+|\/apis\/[^/]+\/[^/]+)(\/namespaces\/[^/]+(?=\/(?!status$|finalize$)))?\/([^/]+)(?:\/([^/]+)(\/.+)?)?$/;

/** A path of the API with `{namespace}` and `{name}` instead of those of one object: `/api/v1/nodes/{name}`. */
export function pathTemplate(path: string): string {
  const [, base, namespace, resource, name, rest = ''] = PARTS.exec(path) ?? [];
  if (base === undefined || resource === undefined) return path;
  return `${base}${namespace ? '/namespaces/{namespace}' : ''}/${resource}${name ? `/{name}${rest}` : ''}`;
}
