import type { HostPoolSpec } from '../../crds/host-pool.ts';

/**
 * The namespace in which a project is told and answers: a project of nodes is a namespace; one of Keystone has the
 * namespace that its pool gives it. Undefined: nobody listens for it.
 */
export function namespaceOfProject(
  { provider, tenants }: Pick<HostPoolSpec, 'provider' | 'tenants'>,
  project: string,
): string | undefined {
  if (provider.openstack === undefined) return project;
  return Object.hasOwn(tenants.namespaces, project) ? tenants.namespaces[project] : tenants.defaultNamespace;
}
