/**
 * The fields of a pod template one by one, for rules that look at some of them.
 * Its spec is kept as it came, so nothing here trusts that it has its proper shape.
 */
import { z } from 'zod';

export type PodField = {
  /** Where it stands, such as `spec.containers[0].ports[1].hostPort`. */
  readonly path: string;
  /** The same without positions, such as `spec.containers.ports.hostPort`: what rules are about. */
  readonly kind: string;
  /** A text, number or boolean. */
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

/** Where a pod template does not have the shape that Kubernetes reads: the path of each such place, and what was expected. */
export function misshapen(template: unknown): { readonly path: string; readonly problem: string }[] {
  const { error } = podTemplate.safeParse(template);
  return (error?.issues ?? []).map(({ path, message }) => ({ path: pathOf(path), problem: message }));
}

/** All fields of a pod template that are set, however deep. Null and empty count as not set, as in Kubernetes. */
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
