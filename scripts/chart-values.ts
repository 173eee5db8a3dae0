/** What charts/careen takes as values. Helm checks them against values.schema.json, which is made from this. */
import { z } from 'zod';
import { namespaceName } from '../src/crds/schema.ts';
import type { JsonSchema } from './json-schemas.ts';

/** An object with these fields and no others. All may be left out: values.yaml has them. */
function fields<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape).partial();
}

const labels = z.record(z.string(), z.string());
/** Fields of Kubernetes that are handed on as they are: the API server checks them. */
const ofKubernetes = z.looseObject({});
const quantity = z.union([z.string(), z.number()]);
const duration = z.string().regex(/^(([0-9]+(ms|s|m|h))+)?$/);
const name = z.string().regex(/^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$/);

const image = fields({
  repository: z.string().min(1),
  tag: z
    .string()
    .regex(/^([A-Za-z0-9_][A-Za-z0-9_.-]*)?$/)
    .meta({ not: { const: 'latest' } }),
  digest: z.string().regex(/^(sha256:[0-9a-f]{64})?$/),
  pullPolicy: z.enum(['', 'Always', 'IfNotPresent', 'Never']),
});

const toleration = fields({
  key: z.string(),
  operator: z.enum(['Exists', 'Equal', 'Lt', 'Gt']),
  value: z.string(),
  effect: z.enum(['', 'NoSchedule', 'PreferNoSchedule', 'NoExecute']),
  tolerationSeconds: z.int(),
});

const scheduling = {
  nodeSelector: labels,
  tolerations: z.array(toleration),
  affinity: fields({ nodeAffinity: ofKubernetes, podAffinity: ofKubernetes, podAntiAffinity: ofKubernetes }),
  topologySpreadConstraints: z.array(ofKubernetes),
  priorityClassName: name,
};

const values = fields({
  fullnameOverride: name.max(40), // the longest name is this with "-approver" behind it, and a Service's has 63
  nameOverride: name.max(63),
  image,
  imagePullSecrets: z.array(z.strictObject({ name: z.string().min(1) })),
  replicas: z.int().min(0).max(9),
  resources: fields({ requests: z.record(z.string(), quantity), limits: z.record(z.string(), quantity) }),
  maxHeapMiB: z.int().min(64),
  extraEnv: z.array(
    z.strictObject({
      name: z.string().min(1),
      value: z.string().optional(),
      valueFrom: ofKubernetes.optional(),
    }),
  ),
  ...scheduling,
  podLabels: labels,
  podAnnotations: labels,
  serviceAccount: fields({ create: z.boolean(), name, annotations: labels }),
  roles: fields({ create: z.boolean() }),
  hostNamespaces: z.record(namespaceName(), fields({ create: z.boolean() })),
  pools: z.record(z.string(), z.unknown()),
  networkPolicy: fields({ enabled: z.boolean(), apiServerPorts: z.array(z.int().min(1).max(65535)).min(1) }),
  podDisruptionBudget: fields({ enabled: z.boolean() }),
  executePolicy: fields({ enabled: z.boolean() }),
  serviceMonitor: fields({
    enabled: z.boolean(),
    labels,
    interval: duration,
    scrapeTimeout: duration,
  }),
  prometheusRule: fields({ enabled: z.boolean(), labels, alertLabels: labels }),
  global: ofKubernetes,
});

/** The schema of all values; a pool is checked as its kind is. */
export function valuesSchema(poolSpec: JsonSchema): JsonSchema {
  const schema = z.toJSONSchema(values, { target: 'draft-7', io: 'input' });
  return {
    ...schema,
    properties: { ...schema.properties, pools: { type: 'object', additionalProperties: poolSpec } },
  };
}
