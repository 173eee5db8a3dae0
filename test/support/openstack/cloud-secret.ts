/** What an administrator of the cluster makes for pools on an OpenStack: the login, and the rights to use it. */
import { join } from 'node:path';
import { OPERATOR_NAMESPACE } from '../../../src/crds/names.ts';
import { readManifests, type Manifest } from '../controlplane/apply.ts';
import { DEPLOY } from '../controlplane/installation.ts';
import type { OpenStack } from './openstack.ts';

/** The name that the optional manifests have. */
export const SECRET = 'careen-openstack';

/** The Secret with the clouds.yaml of the cloud's administrator. */
export function cloudSecret({ credentials }: OpenStack, password = credentials.password) {
  const { authUrl, region, username, projectName, userDomainId, projectDomainId } = credentials;
  const auth = {
    ...{ auth_url: authUrl, username, password, user_domain_id: userDomainId },
    ...{ project_name: projectName, project_domain_id: projectDomainId },
  };
  return {
    ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: SECRET, namespace: OPERATOR_NAMESPACE } },
    // JSON is YAML too.
    stringData: { 'clouds.yaml': JSON.stringify({ clouds: { lab: { region_name: region, auth } } }) },
  };
}

/** What an administrator applies for pools on OpenStack, besides the Secret. */
export async function openstackRights(): Promise<Manifest[]> {
  return readManifests(join(DEPLOY, 'optional', 'openstack', 'rights.yaml'));
}
