/** The fields of our kinds that hold names of other objects, as kustomize reads them. */
import { dump } from 'js-yaml';
import { GROUP, MAINTENANCE_SESSION, PATCH_STRATEGY, UPGRADE_STRATEGY } from '../src/crds/names.ts';
import { ROLES } from '../src/crds/vocabulary.ts';
import type { StrategyKindName } from '../src/crds/strategy-kinds.ts';

type FieldSpec = { readonly group: string; readonly kind: string; readonly path: string };

/** The places of Jobs in the specs. */
const JOBS: Readonly<Record<StrategyKindName, readonly string[]>> = {
  [PATCH_STRATEGY]: ['patches/action', 'reboot'],
  [UPGRADE_STRATEGY]: [
    ...ROLES.flatMap((role) => ['action', 'stage', 'rollback'].map((action) => `hosts/${role}/${action}`)),
    ...['reboot', 'start', 'activate', 'complete'],
  ],
  [MAINTENANCE_SESSION]: ['actions'],
};

/** The Secrets with the client certificate for etcd, and with the clouds.yaml. */
const OF_PROVIDERS: readonly FieldSpec[] = ['kubernetes/etcd/secretName', 'openstack/identityRef/name'].map(
  (field) => ({ group: GROUP, kind: 'HostPool', path: `spec/provider/${field}` }),
);

const HEADER = `# Made by \`npm run generate\` from scripts/name-references.ts. Do not edit.
# The fields of our kinds that hold names of other objects, for \`configurations\` of a kustomization: the names follow
# namePrefix, nameSuffix, namespace and the hashes of generators (docs/guides/kustomize.md).
`;

export function nameReferences(): string {
  const nameReference = [
    { kind: 'HostPool', group: GROUP, fieldSpecs: inStrategies(['spec/poolRef']) },
    { kind: 'ConfigMap', fieldSpecs: inPods(configMaps()) },
    { kind: 'Secret', fieldSpecs: [...inPods(secrets()), inPools('secrets'), ...OF_PROVIDERS] },
    { kind: 'ServiceAccount', fieldSpecs: [...inPods(['serviceAccountName']), inPools('serviceAccounts')] },
    { kind: 'PersistentVolumeClaim', fieldSpecs: inPods(['volumes/persistentVolumeClaim/claimName']) },
    {
      ...{ kind: 'PriorityClass', group: 'scheduling.k8s.io' },
      fieldSpecs: [...inPods(['priorityClassName']), inPools('priorityClasses')],
    },
    {
      ...{ kind: 'RuntimeClass', group: 'node.k8s.io' },
      fieldSpecs: [...inPods(['runtimeClassName']), inPools('runtimeClasses')],
    },
    { kind: 'Namespace', fieldSpecs: [{ group: GROUP, kind: 'HostPool', path: 'spec/allowedNamespaces' }] },
    {
      ...{ kind: 'ValidatingAdmissionPolicy', group: 'admissionregistration.k8s.io' },
      fieldSpecs: [
        {
          ...{ group: 'admissionregistration.k8s.io', kind: 'ValidatingAdmissionPolicyBinding' },
          path: 'spec/policyName',
        },
      ],
    },
  ];
  return HEADER + dump({ nameReference }, { lineWidth: -1 });
}

function configMaps(): string[] {
  return [
    ...['volumes/configMap/name', 'volumes/projected/sources/configMap/name'],
    ...inContainers(['env/valueFrom/configMapKeyRef/name', 'envFrom/configMapRef/name']),
  ];
}

function secrets(): string[] {
  return [
    ...['imagePullSecrets/name', 'volumes/secret/secretName', 'volumes/projected/sources/secret/name'],
    'volumes/csi/nodePublishSecretRef/name',
    ...inContainers(['env/valueFrom/secretKeyRef/name', 'envFrom/secretRef/name']),
  ];
}

function inContainers(fields: readonly string[]): string[] {
  return ['containers', 'initContainers'].flatMap((list) => fields.map((field) => `${list}/${field}`));
}

/** Fields of a pod spec, at every place of a Job. */
function inPods(fields: readonly string[]): FieldSpec[] {
  return Object.entries(JOBS).flatMap(([kind, places]) =>
    places.flatMap((place) =>
      fields.map((field) => ({ group: GROUP, kind, path: `spec/${place}/job/template/spec/${field}` })),
    ),
  );
}

function inStrategies(paths: readonly string[]): FieldSpec[] {
  return Object.keys(JOBS).flatMap((kind) => paths.map((path) => ({ group: GROUP, kind, path })));
}

function inPools(list: string): FieldSpec {
  return { group: GROUP, kind: 'HostPool', path: `spec/actionPolicy/${list}` };
}
