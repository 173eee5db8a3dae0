/** The operator's container, as deploy/base/deployment.yaml describes it. */
import { join } from 'node:path';
import { z } from 'zod';
import { readManifests } from '../controlplane/apply.ts';
import { DEPLOY } from '../controlplane/installation.ts';

// Strict where a test carries the field out.
const deployment = z.looseObject({
  spec: z.looseObject({
    template: z.looseObject({
      spec: z.looseObject({
        securityContext: z.strictObject({
          runAsNonRoot: z.literal(true),
          runAsUser: z.number(),
          runAsGroup: z.number(),
          seccompProfile: z.strictObject({ type: z.literal('RuntimeDefault') }),
        }),
        containers: z.tuple([
          z.looseObject({
            image: z.string(),
            env: z.array(z.looseObject({ name: z.string(), value: z.string().optional() })),
            resources: z.looseObject({ limits: z.strictObject({ memory: z.string() }) }),
            securityContext: z.strictObject({
              allowPrivilegeEscalation: z.literal(false),
              readOnlyRootFilesystem: z.literal(true),
              capabilities: z.strictObject({ drop: z.tuple([z.literal('ALL')]) }),
            }),
          }),
        ]),
      }),
    }),
  }),
});

export type DeployedContainer = {
  readonly image: string;
  /** `USER:GROUP` */
  readonly user: string;
  /** Those that have a value. */
  readonly environment: Readonly<Record<string, string>>;
  /** Such as `512Mi`. */
  readonly memoryLimit: string;
};

export async function deployedContainer(): Promise<DeployedContainer> {
  const [manifest] = await readManifests(join(DEPLOY, 'base', 'deployment.yaml'));
  const { securityContext, containers } = deployment.parse(manifest).spec.template.spec;
  const [{ image, env, resources }] = containers;
  const environment = Object.fromEntries(
    env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])),
  );
  return {
    ...{ image, environment },
    user: `${String(securityContext.runAsUser)}:${String(securityContext.runAsGroup)}`,
    memoryLimit: resources.limits.memory,
  };
}
