/** How a pool treats the projects whose instances run on its hosts, when a maintenance session asks them. */
import { z } from 'zod';
import { namespaceName, rules, seconds, text } from '../schema/schema.ts';

const DOMAIN = '[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*';
/** A name, a name with `*.` before it, an IPv4 address, or an IPv6 address without brackets. */
const HOST = `^(([*][.])?${DOMAIN}|[0-9a-f]*:[0-9a-f]*:[0-9a-f:.]*)$`;
const HOST_IS =
  'a host name in lower case, such as hooks.example.com, the names below one, such as *.example.com, or an IP address';

const webhookHost = text(253).meta(rules({ rule: `self.matches('${HOST}')`, message: `must be ${HOST_IS}` }));

const projectId = /^[A-Za-z0-9][-A-Za-z0-9_.]{0,62}$/;

const namespaces = z
  .record(z.string().max(63), namespaceName())
  .default({})
  .meta({
    maxProperties: 1000,
    ...rules({
      rule: `self.all(project, project.matches('${projectId.source}'))`,
      message:
        'each key must be the id of a project in Keystone, such as 3f2504e04f8911d39a0c0305e82c3301; the value is its namespace',
    }),
  })
  .describe(
    'The namespace of each Keystone project, by the id of the project: there it is told of maintenance, and answers. Of ' +
      'pools with spec.provider.openstack.',
  );

export const tenants = z
  .object({
    namespaces,
    defaultNamespace: namespaceName()
      .optional()
      .describe(
        'The namespace of the projects that namespaces does not name. Left out: nobody answers for them.',
      ),
    webhookHosts: z
      .array(webhookHost)
      .max(64)
      .default([])
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe(
        'The hosts that the webhooks of tenants may name (MaintenanceWebhook). *.example.com stands for every name below ' +
          'example.com, not for example.com itself. Empty: no webhook is called. Loopback and link-local addresses are ' +
          'refused, also when a name resolves to one, unless the address itself is in this list.',
      ),
    allowHttp: z
      .boolean()
      .default(false)
      .describe('Whether webhooks may use http. With false they must use https.'),
    extendSeconds: seconds(0, 86400)
      .default(0)
      .describe('By how many seconds in all a project may put off its answer to one question.'),
  })
  .prefault({})
  .describe(
    'The projects that own the work on the hosts: their namespaces, and which webhooks they may have.',
  );
export type TenantsPolicy = z.infer<typeof tenants>;
