import { z } from 'zod';
import { objectName, rules, text } from './schema.ts';

const imagePattern = text(512).meta(
  rules({
    rule: "self.matches('^[^*[:space:]]*[*]?$')",
    message: 'must be an image, or a prefix that ends with *, such as "registry.example.com/patches/*"',
  }),
);

const pathPrefix = text(256).meta(
  rules({
    rule: "self.matches('^(/|(/([^/.]|[.][^/.]|[.][.][^/])[^/]*)+)$')",
    message: 'must be an absolute path without "//", "." and "..", such as /var/lib/careen',
  }),
);

const SET = { 'x-kubernetes-list-type': 'set' };

/** The administrator's limits on the actions of strategies in a pool, that is, on `template.spec` of their Jobs. */
export const actionPolicy = z
  .object({
    images: z
      .array(imagePattern)
      .max(64)
      .optional()
      .meta(SET)
      .describe(
        'The images that Jobs may run. An entry matches exactly, or as a prefix if it ends with *. ' +
          'Left out: any image.',
      ),
    privileged: z
      .boolean()
      .default(true)
      .describe(
        'Whether pods of Jobs may be privileged: run as privileged, use namespaces or ports of the host, add ' +
          'capabilities, escalate privileges, or weaken seccomp, AppArmor, SELinux, procMount or sysctls.',
      ),
    hostMounts: z
      .array(pathPrefix)
      .max(64)
      .optional()
      .meta(SET)
      .describe(
        'The paths of the host that Jobs may mount (hostPath), with all paths below them. Left out: any path. It is ' +
          'no real limit while privileged is true.',
      ),
    serviceAccounts: z
      .array(objectName())
      .max(64)
      .default([])
      .meta(SET)
      .describe(
        'The service accounts that pods of Jobs may run as. Other pods get no token for the API server.',
      ),
    secrets: z
      .array(objectName())
      .max(64)
      .default([])
      .meta(SET)
      .describe(
        'The Secrets that pods of Jobs may read, in variables or volumes. imagePullSecrets are not restricted: the ' +
          'pod cannot read them.',
      ),
  })
  .prefault({})
  .describe('The limits on the Jobs of strategies on the hosts of the pool.');
export type ActionPolicy = z.infer<typeof actionPolicy>;
