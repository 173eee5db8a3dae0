/** What an administrator of the cluster makes for pools on an OpenStack: the login, and the rights to use it. */
import { join } from 'node:path';
import { OPERATOR_NAMESPACE } from '../../../src/crds/names.ts';
import { readManifests, type Manifest } from '../controlplane/apply.ts';
import { DEPLOY } from '../controlplane/installation.ts';
import type { OpenStack } from './openstack.ts';

/** The name that the optional manifests have. */
export const SECRET = 'careen-openstack';

type Auth = Readonly<Record<string, string>>;

/**
 * The Secret with the clouds.yaml of the cloud's administrator: the cloud `lab`.
 * @param others are further clouds, by what they have in `auth` in place of its fields
 * @param caText signs the certificates of those that have one
 */
export function cloudSecret(
  { credentials }: OpenStack,
  others: Readonly<Record<string, Auth>> = {},
  caText?: string,
) {
  const { authUrl, region, username, password, projectName, userDomainId, projectDomainId } = credentials;
  const auth = {
    ...{ auth_url: authUrl, username, password, user_domain_id: userDomainId },
    ...{ project_name: projectName, project_domain_id: projectDomainId },
  };
  const all = Object.entries({ lab: {}, ...others }).map(([name, changes]) => {
    return [name, { region_name: region, auth: { ...auth, ...changes } }] as const;
  });
  return {
    ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: SECRET, namespace: OPERATOR_NAMESPACE } },
    stringData: {
      // JSON is YAML too.
      'clouds.yaml': JSON.stringify({ clouds: Object.fromEntries(all) }),
      ...(caText === undefined ? {} : { cacert: caText }),
    },
  };
}

/** What an administrator applies for pools on OpenStack, besides the Secret. */
export async function openstackRights(): Promise<Manifest[]> {
  return readManifests(join(DEPLOY, 'optional', 'openstack', 'rights.yaml'));
}
