const PARTS =
  /^(\/api\/[^/]+|\/apis\/[^/]+\/[^/]+)(\/namespaces\/[^/]+(?=\/(?!status$|finalize$)))?\/([^/]+)(?:\/([^/]+)(\/.+)?)?$/;

/** A path of the API with `{namespace}` and `{name}` where one object's are: `/api/v1/nodes/{name}`. */
export function pathTemplate(path: string): string {
  const [, base, namespace, resource, name, rest = ''] = PARTS.exec(path) ?? [];
  if (base === undefined || resource === undefined) return path;
  return `${base}${namespace ? '/namespaces/{namespace}' : ''}/${resource}${name ? `/{name}${rest}` : ''}`;
}
