/**
 * The fields of a pod template as a list, for rules that read some of them. The template is kept as the user wrote it,
 * so nothing here relies on its shape.
 */
import { z } from 'zod';

export type PodField = {
  /** Its position, such as `spec.containers[0].ports[1].hostPort`. */
  readonly path: string;
  /** Its path without list indexes, such as `spec.containers.ports.hostPort`: rules match it. */
  readonly kind: string;
  /** A string, number or boolean. */
  readonly value: unknown;
};

const object = z.looseObject({}).nullish();
const listOfObjects = z.array(z.looseObject({})).nullish();
const securityContext = z
  .looseObject({
    capabilities: z.looseObject({ add: z.array(z.string()).nullish() }).nullish(),
    seccompProfile: object,
    appArmorProfile: object,
    seLinuxOptions: object,
    windowsOptions: object,
    sysctls: listOfObjects,
  })
  .nullish();
const containers = z
  .array(
    z.looseObject({
      image: z.string(),
      securityContext,
      ports: listOfObjects,
      env: z.array(z.looseObject({ valueFrom: z.looseObject({ secretKeyRef: object }).nullish() })).nullish(),
      envFrom: z.array(z.looseObject({ secretRef: object })).nullish(),
    }),
  )
  .nullish();
const volume = z.looseObject({
  image: object,
  hostPath: object,
  secret: object,
  projected: z
    .looseObject({
      sources: z
        .array(z.looseObject({ secret: object, serviceAccountToken: object, podCertificate: object }))
        .nullish(),
    })
    .nullish(),
});

const podTemplate = z.looseObject({
  spec: z.looseObject({
    containers,
    initContainers: containers,
    ephemeralContainers: containers,
    securityContext,
    volumes: z.array(volume).nullish(),
  }),
});

/** The fields of a pod template that Kubernetes cannot read: the path of each, and its expected shape. */
export function misshapen(template: unknown): { readonly path: string; readonly problem: string }[] {
  const { error } = podTemplate.safeParse(template);
  return (error?.issues ?? []).map(({ path, message }) => ({ path: pathOf(path), problem: message }));
}

/** All set fields of a pod template, at any depth. As in Kubernetes, null and empty count as not set. */
export function podFields(template: unknown): PodField[] {
  return fieldsBelow(template, []);
}

function fieldsBelow(value: unknown, path: readonly PropertyKey[]): PodField[] {
  if (value === null || value === undefined) return [];
  if (typeof value !== 'object') return [{ path: pathOf(path), kind: kindOf(path), value }];
  const inList = Array.isArray(value);
  return Object.entries(value).flatMap(([key, child]: [string, unknown]) =>
    fieldsBelow(child, [...path, inList ? Number(key) : key]),
  );
}

function pathOf(path: readonly PropertyKey[]): string {
  return path
    .map((part, at) =>
      typeof part === 'number' ? `[${String(part)}]` : `${at > 0 ? '.' : ''}${String(part)}`,
    )
    .join('');
}

function kindOf(path: readonly PropertyKey[]): string {
  return path.filter((part) => typeof part !== 'number').join('.');
}
