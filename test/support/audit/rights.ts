/** Rights in Kubernetes' RBAC: those that manifests grant, and those that requests need. */
import { AuthorizationV1Api, type KubeConfig } from '@kubernetes/client-node';
import { z } from 'zod';
import type { Manifest } from '../controlplane/apply.ts';
import { eventually } from '../eventually.ts';

export type Account = { readonly namespace: string; readonly name: string };

/** One verb on one kind of resource. */
export type Right = {
  readonly group: string;
  /** `pods`, or with its subresource `pods/eviction`; or a path that is no resource, such as `/metrics`. */
  readonly resource: string;
  readonly verb: string;
  /** Only in this namespace; without it in all, and on cluster-scoped objects. */
  readonly namespace?: string;
  /** Only on the object of this name. */
  readonly objectName?: string;
};

/** For people: `batch/jobs create (careen-hosts)`, `core/nodes patch (cluster)`. */
export function describeRight({ group, resource, verb, namespace, objectName }: Right): string {
  const object = objectName === undefined ? '' : ` "${objectName}"`;
  const kind = isPath(resource) ? resource : `${group || 'core'}/${resource}`;
  return `${kind}${object} ${verb} (${namespace ?? 'cluster'})`;
}

function isPath(resource: string): boolean {
  return resource.startsWith('/');
}

/** Whether a granted right is enough for a needed one. */
export function covers(granted: Right, needed: Right): boolean {
  return (
    granted.group === needed.group &&
    granted.resource === needed.resource &&
    granted.verb === needed.verb &&
    (granted.namespace === undefined || granted.namespace === needed.namespace) &&
    (granted.objectName === undefined || granted.objectName === needed.objectName)
  );
}

const role = z.looseObject({
  rules: z.array(
    z.union([
      z.strictObject({
        apiGroups: z.array(z.string()),
        resources: z.array(z.string()),
        verbs: z.array(z.string()),
        resourceNames: z.array(z.string()).min(1).optional(),
      }),
      z
        .strictObject({ nonResourceURLs: z.array(z.string()), verbs: z.array(z.string()) })
        .transform(({ nonResourceURLs: resources, verbs }) => ({
          ...{ apiGroups: [''], resources, verbs },
          resourceNames: undefined,
        })),
    ]),
  ),
});
const binding = z.looseObject({
  roleRef: z.object({ kind: z.string(), name: z.string(), apiGroup: z.string() }),
  subjects: z.array(z.object({ kind: z.string(), name: z.string(), namespace: z.string().optional() })),
});

/**
 * The rights that the manifests grant to a service account by its own name.
 * Throws when a binding's role is not among them, or on a wildcard, because a
 * list cannot express it.
 */
export function grantedRights(manifests: readonly Manifest[], account: Account): Right[] {
  return manifests
    .filter(({ kind }) => kind === 'ClusterRoleBinding' || kind === 'RoleBinding')
    .filter((manifest) =>
      binding
        .parse(manifest)
        .subjects.some(
          ({ kind, name, namespace }) =>
            kind === 'ServiceAccount' && name === account.name && namespace === account.namespace,
        ),
    )
    .flatMap((manifest) => {
      const { namespace } = manifest.metadata;
      const scope = manifest.kind === 'RoleBinding' && namespace !== undefined ? { namespace } : {};
      return rightsOf(roleOf(manifests, manifest)).map((right) => ({ ...right, ...scope }));
    });
}

function roleOf(manifests: readonly Manifest[], bound: Manifest): Manifest {
  const { kind, name } = binding.parse(bound).roleRef;
  const found = manifests.find(
    (each) =>
      each.kind === kind &&
      each.metadata.name === name &&
      (kind === 'ClusterRole' || each.metadata.namespace === bound.metadata.namespace),
  );
  if (!found)
    throw new Error(`${bound.kind} ${bound.metadata.name} binds ${kind} ${name}, which is not there`);
  return found;
}

function rightsOf(manifest: Manifest): Right[] {
  const rights = role.parse(manifest).rules.flatMap(({ apiGroups, resources, verbs, resourceNames }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) =>
        verbs.flatMap((verb) => {
          const right = { group, resource, verb };
          return resourceNames?.map((objectName) => ({ ...right, objectName })) ?? [right];
        }),
      ),
    ),
  );
  const wildcard = rights.find(({ group, resource, verb }) => `${group}/${resource} ${verb}`.includes('*'));
  if (wildcard)
    throw new Error(`${manifest.kind} ${manifest.metadata.name} has a wildcard: ${describeRight(wildcard)}`);
  return rights;
}

/**
 * Waits until the API server grants the rights: a new binding takes effect a
 * moment after it was stored.
 */
export async function untilGranted(
  admin: KubeConfig,
  { namespace, name }: Account,
  rights: readonly Right[],
): Promise<void> {
  const api = admin.makeApiClient(AuthorizationV1Api);
  const user = `system:serviceaccount:${namespace}:${name}`;
  let missing = rights;
  await eventually(
    `the rights of ${user}`,
    async () => {
      const answers = missing.map(async (right) => {
        const asked = isPath(right.resource)
          ? { nonResourceAttributes: { path: right.resource, verb: right.verb } }
          : { resourceAttributes: attributesOf(right) };
        const body = { spec: { user, ...asked } };
        return (await api.createSubjectAccessReview({ body })).status?.allowed === true;
      });
      const allowed = await Promise.all(answers);
      missing = missing.filter((_, index) => !allowed[index]);
      return missing.length === 0;
    },
    { describe: () => missing.map(describeRight) },
  );
}

function attributesOf({ group, resource: path, verb, namespace, objectName }: Right): {
  group: string;
  resource: string;
  subresource: string;
  verb: string;
  namespace?: string;
  name?: string;
} {
  const [resource = '', subresource = ''] = path.split('/');
  return {
    ...{ group, resource, subresource, verb },
    ...(namespace === undefined ? {} : { namespace }),
    ...(objectName === undefined ? {} : { name: objectName }),
  };
}
