/** What a pool without a rule admits, and a pool with any rule refuses unless it allows it on purpose. */
import { describe, expect, it } from 'vitest';
import { AT, running, violations } from '../support/judged-pods.ts';

describe('a pool with any rule', () => {
  const STRICT = { images: ['good/*'], privileged: false, hostMounts: ['/var/lib/patches'] };
  const mounting = (volume: object): [object] => [{ volumes: [{ name: 'a', ...volume }] }];
  const within = (container: object): [object, object] => [{}, container];
  /** The ways around a strict pool that a review found, each with the field that names it in the refusal. */
  const ways: readonly [string, object, object?, object?][] = [
    ['spec.volumes[0].gitRepo', ...mounting({ gitRepo: { repository: '--upload-pack=touch /x' } })],
    ['spec.volumes[0].flexVolume', ...mounting({ flexVolume: { driver: 'a/b', options: { a: 'b' } } })],
    ['spec.volumes[0].nfs', ...mounting({ nfs: { server: '10.0.0.1', path: '/' } })],
    ['spec.volumes[0].iscsi', ...mounting({ iscsi: { targetPortal: 'a', iqn: 'b', lun: 0 } })],
    ['spec.volumes[0].fc', ...mounting({ fc: { wwids: ['a'] } })],
    ['spec.volumes[0].rbd', ...mounting({ rbd: { monitors: ['a'], image: 'b' } })],
    ['spec.volumes[0].cephfs', ...mounting({ cephfs: { monitors: ['a'] } })],
    ['spec.volumes[0].csi', ...mounting({ csi: { driver: 'a' } })],
    ['spec.volumes[0].ephemeral', ...mounting({ ephemeral: {} })],
    ['spec.volumes[0].persistentVolumeClaim', ...mounting({ persistentVolumeClaim: { claimName: 'a' } })],
    ['spec.volumes[0].laterVolume', ...mounting({ laterVolume: {} })],
    [
      'spec.containers[0].volumeDevices[0].devicePath',
      ...within({ volumeDevices: [{ name: 'a', devicePath: '/dev/sda' }] }),
    ],
    ['spec.priorityClassName', { priorityClassName: 'system-node-critical' }],
    ['spec.priority', { priority: 2_000_001_000 }],
    ['spec.preemptionPolicy', { preemptionPolicy: 'PreemptLowerPriority' }],
    ['spec.runtimeClassName', { runtimeClassName: 'unconfined' }],
    ['spec.schedulerName', { schedulerName: 'mine' }],
    ['spec.resourceClaims[0].resourceClaimName', { resourceClaims: [{ name: 'a', resourceClaimName: 'b' }] }],
    [
      'spec.containers[0].resources.limits.example.com/gpu',
      ...within({ resources: { limits: { cpu: '1', 'example.com/gpu': 1 } } }),
    ],
    [
      'spec.containers[0].resources.requests.hugepages-2Mi',
      ...within({ resources: { requests: { 'hugepages-2Mi': '1Gi' } } }),
    ],
    [
      'spec.containers[0].startupProbe.httpGet.host',
      ...within({ startupProbe: { httpGet: { host: '169.254.169.254', path: '/', port: 80 } } }),
    ],
    [
      'spec.containers[0].lifecycle.postStart.httpGet.host',
      ...within({ lifecycle: { postStart: { httpGet: { host: 'a', port: 80 } } } }),
    ],
    [
      'spec.containers[0].lifecycle.preStop.tcpSocket.host',
      ...within({ lifecycle: { preStop: { tcpSocket: { host: 'a', port: 80 } } } }),
    ],
    [
      'metadata.annotations.sidecar.istio.io/inject',
      {},
      {},
      { annotations: { 'sidecar.istio.io/inject': 'true' } },
    ],
    [
      'metadata.labels.azure.workload.identity/use',
      {},
      {},
      { labels: { 'azure.workload.identity/use': 'true' } },
    ],
    ['spec.laterField', { laterField: { a: 1 } }],
    ['spec.containers[0].laterField', ...within({ laterField: {} })],
    ['spec.containers[0].securityContext.laterField', ...within({ securityContext: { laterField: true } })],
    ['spec.readinessGates', { readinessGates: [{ conditionType: 'a' }] }],
    ['spec.schedulingGates', { schedulingGates: [] }],
    ['spec.ephemeralContainers', { ephemeralContainers: [{ name: 'a', image: 'good/a' }] }],
  ];

  it.each(ways)('refuses %s by name, and a pool without a rule does not', (path, ...pod) => {
    expect(violations(running(...pod), STRICT)).toEqual([expect.stringContaining(`${AT}.${path} is `)]);
    expect(violations(running(...pod))).toEqual([]);
  });

  it.each([
    { images: ['*'] },
    { hostMounts: ['/'] },
    { privileged: false },
    { serviceAccounts: ['patcher'] },
    { secrets: ['keys'] },
    { volumes: ['nfs'] },
    { priorityClasses: [] },
    { labels: ['a'] },
    { maxGraceSeconds: 30 },
    { requireImmutableConfigMaps: true },
  ])('is each of these: %j', (policy) => {
    expect(violations(running({ laterField: 1 }), policy)).toEqual([
      `${AT}.spec.laterField is set, which no rule of HostPool default admits; leave it out`,
    ]);
  });

  it('admits what it allows on purpose', () => {
    const metadata = { labels: { app: 'patch' }, annotations: { 'example.com/a': 'b' } };
    const container = {
      resources: { limits: { memory: '1Gi', 'example.com/gpu': 1 }, claims: [{ name: 'a' }] },
      livenessProbe: { httpGet: { port: 80 }, terminationGracePeriodSeconds: 60 },
    };
    const spec = {
      ...{ priorityClassName: 'low', preemptionPolicy: 'Never', runtimeClassName: 'gvisor' },
      ...{ schedulerName: 'default-scheduler', terminationGracePeriodSeconds: 60 },
      resourceClaims: [{ name: 'a', resourceClaimTemplateName: 'one-gpu' }],
      volumes: [{ name: 'a', nfs: { server: 'a', path: '/' } }],
    };
    const policy = {
      ...STRICT,
      ...{ volumes: ['nfs'], priorityClasses: ['low'], runtimeClasses: ['gvisor'] },
      ...{ devices: ['example.com/gpu', 'one-gpu'], labels: ['app'], annotations: ['example.com/*'] },
      maxGraceSeconds: 60,
    };
    expect(violations(running(spec, container, metadata), policy)).toEqual([]);
  });

  it('says what it would admit, and shows no value that may be secret', () => {
    const annotations = { 'example.com/token': 'hunter2' };
    const pod = running({ volumes: [{ name: 'a', nfs: {} }], secretField: 'hunter2' }, {}, { annotations });
    const found = violations(pod, { ...STRICT, volumes: ['emptyDir', 'csi'], annotations: ['a/*'] });
    expect(found).toEqual([
      `${AT}.metadata.annotations.example.com/token is set, which rule actionPolicy.annotations of HostPool ` +
        'default does not admit; use a/*',
      `${AT}.spec.volumes[0].nfs is set, which rule actionPolicy.volumes of HostPool default does not admit; ` +
        'use a volume of type emptyDir, csi',
      `${AT}.spec.secretField is set, which no rule of HostPool default admits; leave it out`,
    ]);
  });

  it('admits the volumes without a host, and mounts of the host where it lists paths or pods may be privileged', () => {
    const volumes = ['configMap', 'downwardAPI', 'emptyDir', 'projected', 'image'];
    const spec = { volumes: volumes.map((type) => ({ name: type, [type]: {} })) };
    expect(violations(running(spec), { privileged: false })).toEqual([]);
    const mount = running(...mounting({ hostPath: { path: '/opt' } }));
    expect(violations(mount, { privileged: false })).toHaveLength(1);
    expect(violations(mount, { privileged: false, hostMounts: ['/opt'] })).toEqual([]);
    expect(violations(mount, { images: ['*'] })).toEqual([]);
  });

  it('bounds the time that a pod may take to end', () => {
    const slow = running(
      { terminationGracePeriodSeconds: 3600 },
      { livenessProbe: { exec: { command: ['a'] }, terminationGracePeriodSeconds: 61 } },
    );
    expect(violations(slow, { maxGraceSeconds: 60 })).toEqual([
      expect.stringMatching(/livenessProbe\.terminationGracePeriodSeconds is 61, .*; set it to 60 or less$/),
      expect.stringMatching(/spec\.terminationGracePeriodSeconds is 3600, .*; set it to 60 or less$/),
    ]);
  });

  it('names the first fields only', () => {
    const labels = Object.fromEntries(Array.from({ length: 32 }, (_, at) => [`l${String(at)}`, '']));
    const found = violations(running({}, {}, { labels }), STRICT);
    expect(found).toHaveLength(21);
    expect(found.at(-1)).toBe('further fields break rules of HostPool default');
  });
});
