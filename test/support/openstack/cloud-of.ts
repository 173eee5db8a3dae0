import type { Cloud } from '../../../src/openstack/cloud.ts';
import { cloudIn } from '../../../src/openstack/clouds-yaml.ts';
import type { OpenStack } from './openstack.ts';

type Changes = Readonly<Record<string, string>>;

/** The cloud as its administrator's `clouds.yaml` has it, but for what is given: fields of `auth`, and beside it. */
export function cloudOf({ credentials }: OpenStack, auth: Changes = {}, beside: Changes = {}): Cloud {
  const { authUrl, region, username, password, projectName, userDomainId, projectDomainId } = credentials;
  const usual = {
    ...{ auth_url: authUrl, username, password, user_domain_id: userDomainId },
    ...{ project_name: projectName, project_domain_id: projectDomainId },
  };
  // JSON is YAML too.
  const clouds = { lab: { region_name: region, ...beside, auth: { ...usual, ...auth } } };
  return cloudIn(JSON.stringify({ clouds }), 'lab');
}
