/**
 * Every field of a pod template that Careen knows, and who decides about it: it is always allowed, a rule of the pool
 * decides, or it is never allowed. A field that is not here is unknown, and no pool with a policy admits it.
 * docs/reference/pod-fields.md shows this table; a test compares it with the API server's.
 */
import type { VOLUME_TYPES, PodPolicy } from '../../crds/spec/action-policy.ts';

/** A rule of the pool, or the rule about tokens, which serviceAccounts has besides. */
export type RuleId = keyof PodPolicy | 'tokens';

export type Field = {
  /** The rules that must all admit the field; none for a field that is always allowed. */
  readonly by: readonly RuleId[] | 'never';
  /** The values that no rule needs to admit. */
  readonly harmless?: readonly unknown[];
  readonly list?: Field;
  readonly object?: ObjectShape;
};

export type ObjectShape = {
  readonly fields: Readonly<Record<string, Field>>;
  /** The fields with names of the user's choice. */
  readonly named?: (name: string) => Field;
  readonly required?: readonly string[];
};

const ALWAYS: Field = { by: [] };
const NEVER: Field = { by: 'never' };

function by(rule: RuleId, ...harmless: readonly unknown[]): Field {
  return { by: [rule], harmless };
}

function object(fields: Readonly<Record<string, Field>>, shape: Omit<ObjectShape, 'fields'> = {}): Field {
  return { by: [], object: { ...shape, fields } };
}

function list(field: Field): Field {
  return { by: [], list: field };
}

/** An object of scalar fields that are always allowed. */
function plain(...names: readonly string[]): Field {
  return object(always(...names));
}

function always(...names: readonly string[]): Record<string, Field> {
  return Object.fromEntries(names.map((name) => [name, ALWAYS]));
}

function anyNames(field: Field): Field {
  return object({}, { named: () => field });
}

const texts = list(ALWAYS);
const labels = anyNames(by('labels'));
const APPARMOR = 'container.apparmor.security.beta.kubernetes.io/';
const annotations = object(
  {},
  {
    named: (name) => (name.startsWith(APPARMOR) ? by('privileged', 'runtime/default') : by('annotations')),
  },
);
const labelSelector = object({
  matchLabels: anyNames(ALWAYS),
  matchExpressions: list(object({ ...always('key', 'operator'), values: texts })),
});

/** Amounts by the name of their resource. */
const NATIVE_RESOURCES = ['cpu', 'memory', 'ephemeral-storage'];
const amounts = object(always(...NATIVE_RESOURCES), { named: () => by('devices') });
const resources = object({
  limits: amounts,
  requests: amounts,
  claims: list(plain('name', 'request')),
});

const securityProfile = object({
  type: by('privileged', 'RuntimeDefault', 'Localhost'),
  localhostProfile: ALWAYS,
});
const security = {
  appArmorProfile: securityProfile,
  seccompProfile: securityProfile,
  seLinuxOptions: object(
    Object.fromEntries(['level', 'role', 'type', 'user'].map((name) => [name, by('privileged')])),
  ),
  windowsOptions: object({
    gmsaCredentialSpec: by('privileged'),
    gmsaCredentialSpecName: by('privileged'),
    hostProcess: by('privileged', false),
    runAsUserName: ALWAYS,
  }),
  ...always('runAsGroup', 'runAsNonRoot', 'runAsUser'),
};

/** The kubelet asks, from the network of the host. */
const askedHost = by('privileged', '');
const handlers = {
  exec: object({ command: texts }),
  httpGet: object({
    host: askedHost,
    httpHeaders: list(plain('name', 'value')),
    ...always('path', 'port', 'scheme'),
  }),
  tcpSocket: object({ host: askedHost, port: ALWAYS }),
};
const hook = object({ ...handlers, sleep: plain('seconds') });
const probe = object({
  ...handlers,
  grpc: plain('port', 'service'),
  ...always('failureThreshold', 'initialDelaySeconds', 'periodSeconds', 'successThreshold', 'timeoutSeconds'),
  terminationGracePeriodSeconds: by('maxGraceSeconds'),
});

const downward = {
  fieldRef: plain('apiVersion', 'fieldPath'),
  resourceFieldRef: plain('containerName', 'divisor', 'resource'),
};
const secretRef = object({ name: by('secrets') });
const configMap = by('requireImmutableConfigMaps');
const keyRef = (name: Field): Field => object({ name, ...always('key', 'optional') });
const containers = list(
  object(
    {
      ...always('name', 'workingDir', 'imagePullPolicy', 'restartPolicy', 'stdin', 'stdinOnce', 'tty'),
      ...always('terminationMessagePath', 'terminationMessagePolicy'),
      args: texts,
      command: texts,
      image: { by: ['images', 'requireDigests'] },
      env: list(
        object({
          ...always('name', 'value'),
          valueFrom: object({
            ...downward,
            configMapKeyRef: keyRef(configMap),
            fileKeyRef: plain('key', 'optional', 'path', 'volumeName'),
            secretKeyRef: keyRef(by('secrets')),
          }),
        }),
      ),
      envFrom: list(
        object({
          prefix: ALWAYS,
          configMapRef: object({ name: configMap, optional: ALWAYS }),
          secretRef: object({ name: by('secrets'), optional: ALWAYS }),
        }),
      ),
      lifecycle: object({ postStart: hook, preStop: hook, stopSignal: ALWAYS }),
      livenessProbe: probe,
      readinessProbe: probe,
      startupProbe: probe,
      ports: list(
        object({
          ...always('containerPort', 'name', 'protocol'),
          hostIP: by('privileged', ''),
          hostPort: by('privileged', 0),
        }),
      ),
      resizePolicy: list(plain('resourceName', 'restartPolicy')),
      resources,
      restartPolicyRules: list(
        object({ action: ALWAYS, exitCodes: object({ operator: ALWAYS, values: texts }) }),
      ),
      securityContext: object({
        ...security,
        allowPrivilegeEscalation: by('privileged', false),
        capabilities: object({ add: list(by('privileged')), drop: texts }),
        privileged: by('privileged', false),
        procMount: by('privileged', 'Default'),
        readOnlyRootFilesystem: ALWAYS,
      }),
      volumeDevices: list(object({ devicePath: by('privileged'), name: ALWAYS })),
      volumeMounts: list(
        object({
          ...always('mountPath', 'name', 'readOnly', 'recursiveReadOnly', 'subPath', 'subPathExpr'),
          mountPropagation: by('privileged', 'None', 'HostToContainer'),
        }),
      ),
    },
    { required: ['image'] },
  ),
);

const items = list(plain('key', 'mode', 'path'));
const downwardItems = list(object({ ...downward, ...always('mode', 'path') }));
const projectedSource = object({
  clusterTrustBundle: object({ ...always('name', 'optional', 'path', 'signerName'), labelSelector }),
  configMap: object({ items, name: configMap, optional: ALWAYS }),
  downwardAPI: object({ items: downwardItems }),
  podCertificate: object({
    ...always('certificateChainPath', 'credentialBundlePath', 'keyPath', 'keyType', 'maxExpirationSeconds'),
    signerName: by('tokens'),
    userAnnotations: anyNames(ALWAYS),
  }),
  secret: object({ items, name: by('secrets'), optional: ALWAYS }),
  serviceAccountToken: object({ ...always('audience', 'expirationSeconds'), path: by('tokens') }),
});
const claimReference = always('apiGroup', 'kind', 'name');
const claimAmounts = anyNames(ALWAYS);
const claimTemplate = object({
  metadata: object({ labels, annotations }),
  spec: object({
    ...always('storageClassName', 'volumeAttributesClassName', 'volumeMode', 'volumeName'),
    accessModes: texts,
    dataSource: object(claimReference),
    dataSourceRef: object({ ...claimReference, namespace: ALWAYS }),
    resources: object({ limits: claimAmounts, requests: claimAmounts }),
    selector: labelSelector,
  }),
});

type VolumeType = (typeof VOLUME_TYPES)[number];
const VOLUMES: Readonly<Record<VolumeType, Field>> = {
  awsElasticBlockStore: plain('fsType', 'partition', 'readOnly', 'volumeID'),
  azureDisk: plain('cachingMode', 'diskName', 'diskURI', 'fsType', 'kind', 'readOnly'),
  azureFile: object({ ...always('readOnly', 'shareName'), secretName: by('secrets') }),
  cephfs: object({ ...always('path', 'readOnly', 'secretFile', 'user'), monitors: texts, secretRef }),
  cinder: object({ ...always('fsType', 'readOnly', 'volumeID'), secretRef }),
  configMap: object({ ...always('defaultMode', 'optional'), items, name: configMap }),
  csi: object({
    ...always('driver', 'fsType', 'readOnly'),
    nodePublishSecretRef: secretRef,
    volumeAttributes: anyNames(ALWAYS),
  }),
  downwardAPI: object({ defaultMode: ALWAYS, items: downwardItems }),
  emptyDir: plain('medium', 'sizeLimit'),
  ephemeral: object({ volumeClaimTemplate: claimTemplate }),
  fc: object({ ...always('fsType', 'lun', 'readOnly'), targetWWNs: texts, wwids: texts }),
  flexVolume: object({ ...always('driver', 'fsType', 'readOnly'), options: anyNames(ALWAYS), secretRef }),
  flocker: plain('datasetName', 'datasetUUID'),
  gcePersistentDisk: plain('fsType', 'partition', 'pdName', 'readOnly'),
  gitRepo: plain('directory', 'repository', 'revision'),
  glusterfs: plain('endpoints', 'path', 'readOnly'),
  hostPath: object({ path: by('hostMounts'), type: ALWAYS }),
  image: object({ pullPolicy: ALWAYS, reference: { by: ['images', 'requireDigests'] } }),
  iscsi: object({
    ...always('chapAuthDiscovery', 'chapAuthSession', 'fsType', 'initiatorName', 'iqn', 'iscsiInterface'),
    ...always('lun', 'readOnly', 'targetPortal'),
    portals: texts,
    secretRef,
  }),
  nfs: plain('path', 'readOnly', 'server'),
  persistentVolumeClaim: plain('claimName', 'readOnly'),
  photonPersistentDisk: plain('fsType', 'pdID'),
  portworxVolume: plain('fsType', 'readOnly', 'volumeID'),
  projected: object({ defaultMode: ALWAYS, sources: list(projectedSource) }),
  quobyte: plain('group', 'readOnly', 'registry', 'tenant', 'user', 'volume'),
  rbd: object({
    ...always('fsType', 'image', 'keyring', 'pool', 'readOnly', 'user'),
    monitors: texts,
    secretRef,
  }),
  scaleIO: object({
    ...always('fsType', 'gateway', 'protectionDomain', 'readOnly', 'sslEnabled', 'storageMode'),
    ...always('storagePool', 'system', 'volumeName'),
    secretRef,
  }),
  secret: object({ ...always('defaultMode', 'optional'), items, secretName: by('secrets') }),
  storageos: object({ ...always('fsType', 'readOnly', 'volumeName', 'volumeNamespace'), secretRef }),
  vsphereVolume: plain('fsType', 'storagePolicyID', 'storagePolicyName', 'volumePath'),
};
const volume = object({
  name: ALWAYS,
  ...Object.fromEntries(
    Object.entries(VOLUMES).map(([type, field]): [string, Field] => [type, { ...field, by: ['volumes'] }]),
  ),
});

const podSpec = object({
  ...always('activeDeadlineSeconds', 'dnsPolicy', 'enableServiceLinks', 'hostUsers', 'restartPolicy'),
  ...always('hostname', 'hostnameOverride', 'setHostnameAsFQDN', 'subdomain', 'shareProcessNamespace'),
  affinity: NEVER,
  automountServiceAccountToken: by('tokens', false),
  containers,
  dnsConfig: object({
    nameservers: texts,
    options: list(plain('name', 'value')),
    searches: texts,
  }),
  ephemeralContainers: NEVER,
  hostAliases: list(object({ hostnames: texts, ip: ALWAYS })),
  hostIPC: by('privileged', false),
  hostNetwork: by('privileged', false),
  hostPID: by('privileged', false),
  imagePullSecrets: list(plain('name')),
  initContainers: containers,
  nodeName: NEVER,
  nodeSelector: NEVER,
  os: plain('name'),
  overhead: NEVER,
  preemptionPolicy: { ...NEVER, harmless: ['Never'] },
  priority: NEVER,
  priorityClassName: by('priorityClasses'),
  readinessGates: NEVER,
  resourceClaims: list(
    object({
      name: ALWAYS,
      resourceClaimName: by('devices'),
      resourceClaimTemplateName: by('devices'),
    }),
  ),
  resources,
  runtimeClassName: by('runtimeClasses'),
  schedulerName: { ...NEVER, harmless: ['default-scheduler'] },
  schedulingGates: NEVER,
  schedulingGroup: NEVER,
  securityContext: object({
    ...security,
    ...always('fsGroup', 'fsGroupChangePolicy', 'supplementalGroupsPolicy'),
    seLinuxChangePolicy: by('privileged'),
    supplementalGroups: texts,
    sysctls: list(object({ name: by('privileged'), value: ALWAYS })),
  }),
  serviceAccount: by('serviceAccounts'),
  serviceAccountName: by('serviceAccounts'),
  terminationGracePeriodSeconds: by('maxGraceSeconds'),
  // Careen replaces them.
  tolerations: list(plain('effect', 'key', 'operator', 'tolerationSeconds', 'value')),
  topologySpreadConstraints: NEVER,
  volumes: list(volume),
});

export const POD_TEMPLATE: Field = object({ metadata: object({ labels, annotations }), spec: podSpec });
