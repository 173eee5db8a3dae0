/** The hosts of a pool are nodes of the cluster that Careen runs in. */
import { z } from 'zod';
import { labelMap, objectName, rules } from '../schema/schema.ts';
import { exclusions } from './label-selector.ts';

const etcd = z
  .object({
    secretName: objectName().describe(
      'The Secret in the namespace of Careen with the keys ca.crt, tls.crt and tls.key: the CA of etcd, and a client ' +
        'certificate that etcd accepts.',
    ),
    port: z
      .int()
      .min(1)
      .max(65535)
      .default(2379)
      .describe('The port of etcd for clients, on the internal address of each controller.'),
  })
  .describe(
    'How the members of etcd are asked for their health, before a controller is taken out of service. Left out: only ' +
      'the API servers are asked.',
  );

export const kubernetesProvider = z
  .object({
    nodeSelector: labelMap(64)
      .default({})
      // The API server keeps the null of a nullable field, and has() does not see it. Otherwise it would
      // replace the null that a template left by the default, which selects all nodes.
      .meta({ nullable: true })
      .describe('The pool selects the nodes that have all these labels. Empty: all nodes of this cluster.'),
    exclude: exclusions.describe(
      'The pool does not select the nodes that one of these selectors selects, such as virtual nodes, which ' +
        'no Job can patch. Left out: none.',
    ),
    etcd: etcd.optional(),
  })
  .meta(
    rules({
      rule: 'has(self.nodeSelector)',
      message: 'nodeSelector must not be null: write {} to select all nodes, or the labels of those wanted',
      fieldPath: '.nodeSelector',
    }),
  )
  .describe('The hosts are nodes of the cluster that Careen runs in.');
