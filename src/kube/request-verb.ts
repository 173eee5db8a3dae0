/** The Kubernetes verb of a request, as RBAC rules and metrics name it. */

export const VERBS = ['get', 'list', 'watch', 'create', 'patch', 'delete', 'deletecollection'] as const;
export type Verb = (typeof VERBS)[number];

type Request = {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: { readonly watch?: unknown };
};

const COLLECTION = /^\/(api\/[^/]+|apis\/[^/]+\/[^/]+)(\/namespaces\/[^/]+(?=\/))?\/[^/]+$/;

export function verbOf({ method, path, query }: Request): Verb {
  switch (method) {
    case 'POST':
      return 'create';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return COLLECTION.test(path) ? 'deletecollection' : 'delete';
    case 'GET':
      if (query?.watch) return 'watch';
      return COLLECTION.test(path) ? 'list' : 'get';
  }
}
