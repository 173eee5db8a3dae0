/** The fleet file: a pool and its hosts, the input of a plan (docs/reference/fleet-file.md). */
import { z } from 'zod';
import { hostPoolDefinition, hostPoolSpec, type HostPoolSpec } from '../../crds/host-pool.ts';
import { API_VERSION } from '../../crds/names.ts';
import { namespaceName, objectName, stringMap, text } from '../../crds/schema/schema.ts';
import { CLAIM_LEVELS } from '../../crds/vocabulary.ts';
import type { NODE_INFO } from '../../crds/spec/requirement.ts';
import { selects } from '../../hostops/membership.ts';
import { CommandError, type Problem } from '../command-error.ts';
import { checkDocument, header, readDocument, refuse } from './documents.ts';
import { brokenRules } from './schema-rules.ts';
import { yamlText } from './yaml.ts';

const reported = z.string().max(1024).optional();
const nodeInfo = z.object({
  kernelVersion: reported,
  osImage: reported,
  kubeletVersion: reported,
  containerRuntimeVersion: reported,
  architecture: reported,
  operatingSystem: reported,
} satisfies Record<(typeof NODE_INFO)[number], typeof reported>);

/** A pod that a drain may not evict without consent, or not now. */
const pod = z.object({
  namespace: namespaceName(),
  name: objectName(),
  controller: text(400).optional(),
  localData: z.boolean().default(false),
  heldBy: objectName().optional(),
});
export type FleetPod = z.infer<typeof pod>;

const host = z.object({
  name: objectName(),
  labels: stringMap(1000, 63).default({}),
  nodeInfo: nodeInfo.default({}),
  ready: z.boolean().default(true),
  wasReady: z.boolean().default(true),
  closedToNewWork: z.boolean().default(false),
  alarms: z.array(text(1024)).default([]),
  outOfServiceTaints: z.array(text(400)).default([]),
  claimedBy: z
    .object({
      owner: z.string().regex(/^[^/]+(\/[^/]+){2}$/, 'expected KIND/NAMESPACE/NAME of the owner'),
      level: z.enum(CLAIM_LEVELS),
    })
    .optional(),
  spoiltClaim: text(1024).optional(),
  pods: z.array(pod).default([]),
});
export type FleetHost = z.infer<typeof host>;

/** What the API server says about itself. */
const platform = z.object({
  version: text(128).optional(),
  deprecatedApis: z
    .array(z.object({ api: text(400), removedIn: text(128) }))
    .readonly()
    .optional(),
  deprecatedApisUnknown: text(1024).optional(),
});

const fleet = z.object({
  pool: z.object({
    name: objectName(),
    spec: hostPoolSpec,
    keptByOtherPools: z.array(objectName()).default([]),
    /** The host of the leading operator; absent when it is not among the hosts, or not known. */
    activeHost: objectName().optional(),
  }),
  platform: platform.optional(),
  hosts: z.array(host),
});
export type Fleet = z.infer<typeof fleet>;

const document = fleet.extend(header('Fleet'));

/** Reads a fleet. Throws CommandError with a line for each problem: file, path, value and remedy. */
export async function readFleet(path: string): Promise<Fleet> {
  const found = await readDocument(path, ['Fleet']);
  const { pool, platform: known, hosts } = checkDocument(found, document);
  refuse(found, [
    ...brokenInPool(pool),
    ...duplicates(hosts),
    ...strangers(pool, hosts),
    ...absent(pool, hosts),
  ]);
  return { pool, ...(known ? { platform: known } : {}), hosts };
}

/** Refuses a pool whose hosts are no nodes: the commands that plan do not know such hosts. Throws CommandError. */
export function refuseCloud(name: string, { provider }: HostPoolSpec): void {
  if (!provider.openstack) return;
  throw new CommandError(
    `the hosts of HostPool ${name} are compute hosts of OpenStack (spec.provider.openstack), and this command knows only ` +
      'nodes; careen plan without --fleet plans them',
  );
}

/** The text of a file that `readFleet` reads. */
export function fleetText({ pool, platform: known, hosts }: Fleet): string {
  return yamlText({
    ...{ apiVersion: API_VERSION, kind: 'Fleet', pool },
    ...(known ? { platform: known } : {}),
    hosts: hosts.map(withoutDefaults),
  });
}

function withoutDefaults(host: FleetHost): Partial<FleetHost> {
  const { wasReady, alarms, outOfServiceTaints, claimedBy, spoiltClaim, pods, ...rest } = host;
  return {
    ...rest,
    ...(wasReady ? {} : { wasReady }),
    ...(alarms.length > 0 ? { alarms } : {}),
    ...(outOfServiceTaints.length > 0 ? { outOfServiceTaints } : {}),
    ...(claimedBy ? { claimedBy } : {}),
    ...(spoiltClaim === undefined ? {} : { spoiltClaim }),
    ...(pods.length > 0 ? { pods } : {}),
  };
}

/** The pool is a HostPool without its header. */
function brokenInPool({ name, spec }: Fleet['pool']): Problem[] {
  const broken = brokenRules(hostPoolDefinition, { metadata: { name }, spec });
  return broken.map((each) => ({ ...each, path: ['pool', ...each.path] }));
}

function duplicates(hosts: readonly FleetHost[]): Problem[] {
  const first = new Map<string, number>();
  return hosts.flatMap(({ name }, at) => {
    const before = first.get(name);
    if (before === undefined) {
      first.set(name, at);
      return [];
    }
    const remedy = `hosts[${String(before)}] has that name already; each host is listed once`;
    return [{ path: ['hosts', at, 'name'], value: name, remedy }];
  });
}

/** A claimed host stays in the pool of its claim, whatever its labels say. */
function strangers({ name: pool, spec }: Fleet['pool'], hosts: readonly FleetHost[]): Problem[] {
  const { kubernetes } = spec.provider;
  if (!kubernetes) return [];
  const { nodeSelector, exclude } = kubernetes;
  const excluding = exclude ? ` and excludes ${JSON.stringify(exclude)}` : '';
  return hosts.flatMap(({ labels, claimedBy }, at) =>
    claimedBy || selects(spec.provider, labels)
      ? []
      : [
          {
            path: ['hosts', at, 'labels'],
            value: labels,
            remedy: `the nodeSelector of pool ${pool} asks for ${JSON.stringify(nodeSelector)}${excluding}; correct the labels, or leave the host out`,
          },
        ],
  );
}

/** The active host decides the order of hosts, so it must be one of them. */
function absent({ activeHost }: Fleet['pool'], hosts: readonly FleetHost[]): Problem[] {
  if (activeHost === undefined || hosts.some(({ name }) => name === activeHost)) return [];
  const remedy = 'no host of the file has that name; name one of hosts, or leave it out';
  return [{ path: ['pool', 'activeHost'], value: activeHost, remedy }];
}
