/** The chart refuses unknown values and values that cannot work. The error has the path and the reason. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { CHART, CRDS_CHART, rendered } from '../support/controlplane/tools.ts';

/** Levels that accept any key: fields of Kubernetes, which the API server checks, and values of other charts. */
const OPEN = [
  ...['affinity.nodeAffinity', 'affinity.podAffinity', 'affinity.podAntiAffinity'],
  ...['extraEnv.valueFrom', 'global'],
  ...['ipBlock', 'namespaceSelector', 'podSelector'].map((peer) => `networkPolicy.metricsFrom.${peer}`),
  'topologySpreadConstraints',
];

describe('the values', () => {
  const refused: readonly [value: string, complaint: RegExp][] = [
    ['replicaCount=3', /additional properties 'replicaCount' not allowed/],
    ['image.registry="a"', /at '\/image': additional properties 'registry' not allowed/],
    ['image.tag="latest"', /image\.tag: latest is not a fixed version; name a version/],
    ['image.tag="0.1.0@sha256"', /at '\/image\/tag': .* does not match pattern/],
    ['image.digest="sha256:1"', /at '\/image\/digest': .* does not match pattern/],
    ['image.repository="r.example/careen:0.1.0"', /at '\/image\/repository': .* does not match pattern/],
    ['image.repository=null', /at '\/image': missing property 'repository'/],
    ['replicas="3"', /at '\/replicas'/],
    [
      'pools.default.maxUnavalable=3',
      /at '\/pools\/default': additional properties 'maxUnavalable' not allowed/,
    ],
    ['pools.gpu={"maxUnavailable":3}', /at '\/pools\/gpu': missing property 'provider'/],
    [
      'hostNamespaces={"careen-system":{}}',
      /hostNamespaces\.careen-system: this is the namespace of the operator itself/,
    ],
    ['hostNamespaces.gpu=null', /at '\/hostNamespaces\/gpu': got null, want object/],
    ['hostNamespaces.Gpu={}', /at '\/hostNamespaces': additional properties 'Gpu' not allowed/],
    ['hostNamespaces=null', /at '': missing property 'hostNamespaces'/],
    [
      'pools.Gpu={"provider":{"kubernetes":{}},"maxUnavailable":1}',
      /at '\/pools': additional properties 'Gpu'/,
    ],
    ['pools.default.maxUnavailable="101%"', /at '\/pools\/default\/maxUnavailable': '101%' does not match/],
    ['networkPolicy=null', /at '': missing property 'networkPolicy'/],
    ['networkPolicy.enabled=null', /at '\/networkPolicy': missing property 'enabled'/],
    ['networkPolicy.metricsFrom=[{"namespace":"a"}]', /metricsFrom\/0': additional properties 'namespace'/],
    ['networkPolicy.metricsFrom=null', /at '\/networkPolicy': missing property 'metricsFrom'/],
    ['roles.aggregateEditor="yes"', /at '\/roles\/aggregateEditor': got string, want boolean/],
    ['nodePolicy.enabled=null', /at '\/nodePolicy': missing property 'enabled'/],
    ['etcd.secretNames=["A"]', /at '\/etcd\/secretNames\/0': '?A'? does not match pattern/],
    ['openstack.secretNames=["A"]', /at '\/openstack\/secretNames\/0': '?A'? does not match pattern/],
    ['networkPolicy.apiServerPorts=[0]', /at '\/networkPolicy\/apiServerPorts\/0': minimum/],
    ['resources.limits.memory="lots"', /at '\/resources\/limits\/memory': 'lots' does not match pattern/],
    ['extraEnv=[{"name":"POD_NAMESPACE","value":"a"}]', /extraEnv: the chart sets POD_NAMESPACE itself/],
    ['podLabels={"a":"b c"}', /at '\/podLabels\/a': .* does not match pattern/],
    ['podLabels={"a":true}', /at '\/podLabels\/a': got boolean, want string/],
    ['podAnnotations={"a b":"c"}', /at '\/podAnnotations': additional properties 'a b' not allowed/],
    [
      'prometheusRule.alertLabels={"a-b":"c"}',
      /at '\/prometheusRule\/alertLabels': additional properties 'a-b'/,
    ],
    ['serviceMonitor.interval="5s1h"', /at '\/serviceMonitor\/interval': .* does not match pattern/],
    ['tolerations=[{"keys":"a"}]', /at '\/tolerations\/0'/],
    ['serviceMonitor.interval="soon"', /at '\/serviceMonitor\/interval'/],
    ['enabled=false', /at '\/enabled': value must be true/],
    ['serviceAccount.create=false', /serviceAccount\.name: name an existing service account/],
  ];
  it.each(refused)('%s is refused', async (value, complaint) => {
    await expect(rendered(CHART, [value])).rejects.toThrow(complaint);
  });

  it('are refused on every level if they are unknown', async () => {
    const text = await readFile(join(CHART, 'values.schema.json'), 'utf8');
    expect(openLevels(node.parse(JSON.parse(text)), '').sort()).toEqual(OPEN);
  });

  it('do not exist for careen-crds', async () => {
    await expect(rendered(CRDS_CHART, ['keep=false'])).rejects.toThrow(
      /additional properties 'keep' not allowed/,
    );
  });
});

type Node = { readonly [key: string]: unknown };
const node: z.ZodType<Node> = z.record(z.string(), z.unknown());

/** Paths of objects that accept unknown keys. A key that matches a pattern is known. */
function openLevels(schema: Node, path: string): string[] {
  const children = Object.entries({
    ...childrenIn(schema, 'properties'),
    ...childrenIn(schema, 'patternProperties'),
  });
  const { additionalProperties: further, items } = schema;
  const typed = node.safeParse(further).data ?? {};
  const open = schema['type'] === 'object' && further !== false && !('type' in typed || 'anyOf' in typed);
  const inner = node.safeParse(items).data;
  return [
    ...(open ? [path] : []),
    ...children.flatMap(([key, child]) => openLevels(child, path === '' ? key : `${path}.${key}`)),
    ...(inner ? openLevels(inner, path) : []),
  ];
}

function childrenIn(schema: Node, key: string): Readonly<Record<string, Node>> {
  return z.record(z.string(), node).catch({}).parse(schema[key]);
}
