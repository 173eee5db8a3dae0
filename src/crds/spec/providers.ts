/** The sources of the hosts of a pool. Each pool has one. */
import { z } from 'zod';
import { rules } from '../schema/schema.ts';
import { kubernetesProvider } from './kubernetes-provider.ts';
import { openstackProvider } from './openstack-provider.ts';

export const provider = z
  .object({ kubernetes: kubernetesProvider.optional(), openstack: openstackProvider.optional() })
  .meta(
    rules(
      {
        rule: 'has(self.kubernetes) || has(self.openstack)',
        message:
          'must have kubernetes or openstack: write kubernetes: {} for the nodes of this cluster, or openstack with the ' +
          'identityRef of a cloud',
      },
      {
        rule: '!(has(self.kubernetes) && has(self.openstack))',
        message: 'must not have both kubernetes and openstack: make a pool for each',
      },
      {
        rule: 'has(self.openstack) == has(oldSelf.openstack)',
        message:
          'must not change from kubernetes to openstack, or back: claims on the hosts of before would be lost; make another pool',
      },
    ),
  )
  .describe('The source of the hosts of the pool: exactly one of kubernetes and openstack.');
