/** The values of charts/careen. Helm checks them against values.schema.json, which is generated from this file. */
import { z } from 'zod';
import { namespaceName, objectName } from '../src/crds/schema/schema.ts';
import type { JsonSchema } from './json-schemas.ts';

/**
 * An object with all of these fields and no others. Helm merges the values of a user into values.yaml, so a field is
 * absent only when the user set it to null. That is refused: null would remove a check or a limit silently.
 */
function fields<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape);
}

/** An object with these fields and no others. Each may be absent, or removed by null. */
function options<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape).partial();
}

const labelKey = z
  .string()
  .regex(/^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/);
const labels = z.record(labelKey, z.string().regex(/^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/));
const annotations = z.record(labelKey, z.string());
/** Labels in Prometheus. */
const alertLabels = z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string());
/** Fields of Kubernetes, passed on unchanged: the API server checks them. */
const ofKubernetes = z.looseObject({});
const quantity = z.union([
  z.number().min(0),
  z.string().regex(/^[0-9]+(\.[0-9]*)?(m|k|[MGTPE]|[KMGTPE]i|e[0-9]+)?$/),
]);
const duration = z.string().regex(/^([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$/);
const name = z.string().regex(/^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$/);
const port = z.int().min(1).max(65535);
const nameOrNone = z.union([z.literal(''), objectName()]);

const image = fields({
  // Neither a tag nor a digest: those have fields of their own.
  repository: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]+)?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*$/),
  tag: z.string().regex(/^([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?$/),
  digest: z.string().regex(/^(sha256:[0-9a-f]{64})?$/),
  pullPolicy: z.enum(['', 'Always', 'IfNotPresent', 'Never']),
});

const toleration = options({
  key: z.string(),
  operator: z.enum(['Exists', 'Equal', 'Lt', 'Gt']),
  value: z.string(),
  effect: z.enum(['', 'NoSchedule', 'PreferNoSchedule', 'NoExecute']),
  tolerationSeconds: z.int(),
});

const scheduling = {
  nodeSelector: labels,
  tolerations: z.array(toleration),
  affinity: options({ nodeAffinity: ofKubernetes, podAffinity: ofKubernetes, podAntiAffinity: ofKubernetes }),
  topologySpreadConstraints: z.array(ofKubernetes),
  priorityClassName: nameOrNone,
  workflows: z.strictObject({ configMap: nameOrNone }),
  replies: fields({
    url: z
      .string()
      .max(64)
      .regex(/^(https?:\/\/.+)?$/),
    secretName: nameOrNone,
  }),
};

const environment = z.strictObject({
  name: z.string().min(1),
  value: z.string().optional(),
  valueFrom: ofKubernetes.optional(),
});

/** Whom a NetworkPolicy lets in. */
const peer = options({ namespaceSelector: ofKubernetes, podSelector: ofKubernetes, ipBlock: ofKubernetes });

const values = fields({
  fullnameOverride: name.max(40), // the name of the Service adds "careen-" and "-metrics" to this, and has at most 63 characters
  nameOverride: name.max(63),
  image,
  imagePullSecrets: z.array(z.strictObject({ name: objectName() })),
  replicas: z.int().min(0).max(9),
  resources: options({ requests: z.record(z.string(), quantity), limits: z.record(z.string(), quantity) }),
  maxHeapMiB: z.int().min(64),
  extraEnv: z.array(environment),
  ...scheduling,
  podLabels: labels,
  podAnnotations: annotations,
  serviceAccount: fields({ create: z.boolean(), name: nameOrNone, annotations }),
  roles: fields({ create: z.boolean(), aggregateEditor: z.boolean() }),
  hostNamespaces: z.record(namespaceName(), options({ create: z.boolean() })),
  networkPolicy: fields({
    enabled: z.boolean(),
    metricsFrom: z.array(peer),
    apiServerPorts: z.array(port).min(1),
  }),
  etcd: fields({ secretNames: z.array(objectName()), ports: z.array(port).min(1) }),
  openstack: fields({ secretNames: z.array(objectName()), ports: z.array(port).min(1) }),
  podDisruptionBudget: fields({ enabled: z.boolean() }),
  executePolicy: fields({ enabled: z.boolean() }),
  nodePolicy: fields({ enabled: z.boolean() }),
  serviceMonitor: fields({
    enabled: z.boolean(),
    labels,
    interval: duration,
    scrapeTimeout: duration,
  }),
  prometheusRule: fields({ enabled: z.boolean(), labels, alertLabels }),
  global: ofKubernetes,
  // Helm does not render a chart whose condition is false, so the chart itself never sees false.
  enabled: z.literal(true),
});

/** The schema of all values; a pool is checked like a HostPool. */
export function valuesSchema(poolSpec: JsonSchema): JsonSchema {
  const pools = z.record(objectName(), z.unknown().meta(poolSpec));
  return z.toJSONSchema(values.extend({ pools }), {
    ...{ target: 'draft-7', io: 'input' },
    override: ({ jsonSchema }) => {
      keysAsPattern(jsonSchema);
    },
  });
}

/** Helm 4.3 reports a wrong path for a key that `propertyNames` refuses, and the right one with `patternProperties`. */
function keysAsPattern(schema: z.core.JSONSchema.BaseSchema): void {
  const { propertyNames, additionalProperties } = schema;
  if (typeof propertyNames !== 'object' || additionalProperties === undefined) return;
  const { pattern, ...others } = propertyNames;
  if (pattern === undefined) return;
  schema.patternProperties = { [pattern]: additionalProperties };
  schema.additionalProperties = false;
  schema.propertyNames = others;
}
