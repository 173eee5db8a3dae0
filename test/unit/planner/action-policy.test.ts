import { posix } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VOLUME_TYPES } from '../../../src/crds/spec/action-policy.ts';
import { STRATEGY_KINDS } from '../../../src/crds/strategy-kinds.ts';
import { kernelPatch } from '../../support/operator/strategies.ts';
import { AT, running, violations } from '../support/judged-pods.ts';

describe('the namespace of a strategy', () => {
  const inNamespace = (namespace: string, ...allowedNamespaces: string[]): string[] =>
    violations(running({}), {}, { namespace, allowedNamespaces });

  it('must be one that the pool allows', () => {
    expect(inNamespace('team-a', 'careen-hosts', 'team-a')).toEqual([]);
    expect(inNamespace('team-b', 'careen-hosts', 'team-a')).toEqual([
      'metadata.namespace is "team-b", which rule allowedNamespaces of HostPool default does not admit; ' +
        'make the strategy in careen-hosts, team-a',
    ]);
  });

  it("must not be the operator's own, whatever the pool says", () => {
    expect(inNamespace('careen-system', 'careen-system', 'team-a')).toEqual([
      'metadata.namespace is "careen-system", which rule allowedNamespaces of HostPool default never admits: ' +
        'Careen itself runs there; make the strategy in team-a',
    ]);
  });
});

describe('an image', () => {
  const of = (image: string, ...images: string[]): string[] => violations(running({}, { image }), { images });

  it('may be any when the pool says nothing', () => {
    expect(violations(running({}))).toEqual([]);
  });

  it('must be in the list, or begin with an entry of it', () => {
    expect(of('good/patch:1', 'good/patch:1')).toEqual([]);
    expect(of('good/patch:1', 'other', 'good/*')).toEqual([]);
    expect(of('good/patch:12', 'good/patch:1')).toHaveLength(1);
    expect(of('evil/good/patch', 'good/*')).toEqual([
      `${AT}.spec.containers[0].image is "evil/good/patch", ` +
        'which rule actionPolicy.images of HostPool default does not admit; use an image of good/*',
    ]);
    expect(of('good/patch:1')[0]).toContain('it admits none');
  });

  it('is named beside five allowed ones, and is cut where it is long', () => {
    const listed = ['a', 'b', 'c', 'd', 'e'];
    expect(of('evil', ...listed)[0]).toMatch(/; use an image of a, b, c, d, e$/);
    expect(of('evil', ...listed, 'f', 'g')[0]).toMatch(/; use an image of a, b, c, d, e or 2 others$/);
    expect(of('e'.repeat(118), 'a')[0]).toContain(` is "${'e'.repeat(118)}", which`);
    expect(of('e'.repeat(119), 'a')[0]).toContain(` is "${'e'.repeat(118)}…, which`);
  });

  it.each([
    ['spec.initContainers[1].image', { initContainers: [{ image: 'good/a' }, { image: 'evil' }] }],
    ['spec.volumes[0].image.reference', { volumes: [{ name: 'a', image: { reference: 'evil' } }] }],
  ])('is checked wherever it is run or mounted: %s', (path, spec) => {
    expect(violations(running(spec), { images: ['good/*'] })).toEqual([
      expect.stringContaining(`${AT}.${path} is "evil"`),
    ]);
  });

  it('is checked in every patch and in the reboot', () => {
    const job = { template: { spec: { containers: [{ name: 'a', image: 'evil' }] } } };
    const strategy = STRATEGY_KINDS.PatchStrategy.readSpec.parse({
      patches: [kernelPatch, { ...kernelPatch, id: 'b', action: { job } }],
      reboot: { job },
    });
    expect(violations(strategy, { images: ['registry.example.com/*'] })).toEqual([
      expect.stringMatching(
        /^spec\.patches\[1\]\.action\.job\.template\.spec\.containers\[0\]\.image is "evil"/,
      ),
      expect.stringMatching(/^spec\.reboot\.job\.template\.spec\.containers\[0\]\.image is "evil"/),
    ]);
  });
});

describe('a pod that reaches beyond its container', () => {
  const secured = (fields: object): [object, object] => [{}, { securityContext: fields }];
  const cases: readonly [string, object, object?, object?][] = [
    ['spec.hostPID', { hostPID: true }],
    ['spec.hostIPC', { hostIPC: true }],
    ['spec.hostNetwork', { hostNetwork: true }],
    ['spec.hostNetwork', { hostNetwork: 'true' }],
    ['spec.containers[0].securityContext.privileged', ...secured({ privileged: true })],
    [
      'spec.containers[0].securityContext.allowPrivilegeEscalation',
      ...secured({ allowPrivilegeEscalation: true }),
    ],
    [
      'spec.containers[0].securityContext.capabilities.add[0]',
      ...secured({ capabilities: { add: ['CHOWN'] } }),
    ],
    ['spec.containers[0].securityContext.procMount', ...secured({ procMount: 'Unmasked' })],
    [
      'spec.containers[0].securityContext.seLinuxOptions.type',
      ...secured({ seLinuxOptions: { type: 'spc_t' } }),
    ],
    [
      'spec.containers[0].securityContext.windowsOptions.hostProcess',
      ...secured({ windowsOptions: { hostProcess: true } }),
    ],
    ['spec.containers[0].ports[0].hostPort', {}, { ports: [{ containerPort: 80, hostPort: 80 }] }],
    [
      'spec.securityContext.seccompProfile.type',
      { securityContext: { seccompProfile: { type: 'Unconfined' } } },
    ],
    [
      'spec.securityContext.appArmorProfile.type',
      { securityContext: { appArmorProfile: { type: 'Unconfined' } } },
    ],
    [
      'spec.securityContext.sysctls[0].name',
      { securityContext: { sysctls: [{ name: 'kernel.x', value: '1' }] } },
    ],
    [
      'spec.initContainers[0].securityContext.privileged',
      { initContainers: [{ image: 'a', securityContext: { privileged: true } }] },
    ],
    [
      'spec.containers[0].volumeMounts[0].mountPropagation',
      {},
      { volumeMounts: [{ name: 'a', mountPath: '/a', mountPropagation: 'Bidirectional' }] },
    ],
    [
      'spec.containers[0].volumeDevices[0].devicePath',
      {},
      { volumeDevices: [{ name: 'a', devicePath: '/dev/a' }] },
    ],
    [
      'spec.containers[0].livenessProbe.httpGet.host',
      {},
      { livenessProbe: { httpGet: { host: '169.254.169.254', port: 80 } } },
    ],
    [
      'spec.containers[0].readinessProbe.tcpSocket.host',
      {},
      { readinessProbe: { tcpSocket: { host: '10.0.0.1', port: 22 } } },
    ],
    [
      'spec.containers[0].lifecycle.preStop.httpGet.host',
      {},
      { lifecycle: { preStop: { httpGet: { host: '127.0.0.1', port: 10250 } } } },
    ],
    [
      'metadata.annotations.container.apparmor.security.beta.kubernetes.io/apply',
      {},
      {},
      { annotations: { 'container.apparmor.security.beta.kubernetes.io/apply': 'unconfined' } },
    ],
  ];

  it.each(cases)('by %s is refused where the pool forbids it, and only there', (path, ...pod) => {
    expect(violations(running(...pod), { privileged: false })).toEqual([
      expect.stringMatching(
        /^\S+ is \S+, which rule actionPolicy\.privileged of HostPool default does not admit; leave it out$/,
      ),
    ]);
    expect(violations(running(...pod), { privileged: false })[0]).toContain(`${AT}.${path} is `);
    expect(violations(running(...pod), { privileged: true })).toEqual([]);
  });

  it('is not a pod that turns the privilege off explicitly', () => {
    const modest = {
      hostPID: false,
      hostNetwork: null,
      securityContext: { runAsUser: 0, seccompProfile: { type: 'RuntimeDefault' }, sysctls: [] },
    };
    const container = {
      ports: [{ containerPort: 80, hostPort: 0 }],
      securityContext: {
        privileged: false,
        seccompProfile: { type: 'Localhost', localhostProfile: 'patch.json' },
        windowsOptions: { hostProcess: false },
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'], add: [] },
        procMount: 'Default',
      },
    };
    const metadata = {
      annotations: { 'container.apparmor.security.beta.kubernetes.io/apply': 'runtime/default' },
    };
    expect(violations(running(modest, container, metadata), { privileged: false })).toEqual([]);
  });
});

describe('a mount of the host', () => {
  const mounting = (path: string, ...hostMounts: string[]): string[] =>
    violations(running({ volumes: [{ name: 'a', hostPath: { path, type: 'Directory' } }] }), { hostMounts });

  it('may be any when the pool says nothing', () => {
    expect(violations(running({ volumes: [{ name: 'a', hostPath: { path: '/' } }] }))).toEqual([]);
  });

  it('must be a listed path or a path below one', () => {
    expect(mounting('/var/lib', '/opt', '/var/lib')).toEqual([]);
    expect(mounting('/var/lib/careen/', '/var/lib')).toEqual([]);
    expect(mounting('/./var//lib/./a', '/var/lib')).toEqual([]);
    expect(mounting('/', '/')).toEqual([]);
    expect(mounting('/var/library', '/opt', '/var/lib')).toEqual([
      `${AT}.spec.volumes[0].hostPath.path is "/var/library", ` +
        'which rule actionPolicy.hostMounts of HostPool default does not admit; mount a path below /opt, /var/lib',
    ]);
  });

  it.each(['/var', 'var/lib', '', '/var/lib/../../etc', '/var/lib/..'])(
    'is not %j below /var/lib',
    (path) => {
      expect(mounting(path, '/var/lib')).toHaveLength(1);
    },
  );

  it('is refused when no path is listed', () => {
    expect(mounting('/opt')[0]).toContain('it admits none, leave it out');
  });

  it('never lies outside the list, however it is written', () => {
    const path = fc
      .array(fc.constantFrom('a', 'b', 'ab', '.', '..', ''), { maxLength: 6 })
      .map((parts) => `/${parts.join('/')}`);
    fc.assert(
      fc.property(path, (written) => {
        const real = posix.normalize(written).replace(/(?<=.)\/$/, '');
        const below = real === '/a' || real.startsWith('/a/');
        if (mounting(written, '/a').length === 0) expect(below).toBe(true);
        else if (below) expect(written).toContain('..');
      }),
    );
  });
});

describe('a service account', () => {
  const token = {
    volumes: [{ name: 't', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }],
  };

  it('must be in the list', () => {
    expect(violations(running({ serviceAccountName: 'patcher' }), { serviceAccounts: ['patcher'] })).toEqual(
      [],
    );
    expect(violations(running({ serviceAccountName: 'admin' }), { serviceAccounts: ['patcher'] })).toEqual([
      `${AT}.spec.serviceAccountName is "admin", ` +
        'which rule actionPolicy.serviceAccounts of HostPool default does not admit; use patcher',
    ]);
    expect(violations(running({ serviceAccount: 'admin' }))[0]).toContain(
      `${AT}.spec.serviceAccount is "admin"`,
    );
  });

  it('gives no token unless it is listed, not even the default one', () => {
    for (const spec of [{ automountServiceAccountToken: true }, token]) {
      expect(violations(running(spec))).toEqual([
        expect.stringContaining('rule actionPolicy.serviceAccounts'),
      ]);
      expect(violations(running(spec), { serviceAccounts: ['patcher'] })).toEqual([
        expect.stringContaining('set serviceAccountName to patcher'),
      ]);
      const named = running({ ...spec, serviceAccountName: 'patcher' });
      expect(violations(named, { serviceAccounts: ['patcher'] })).toEqual([]);
    }
    expect(violations(running({ automountServiceAccountToken: false }))).toEqual([]);
    const inNameOnly = running({ automountServiceAccountToken: true }, { name: 'patcher' });
    expect(violations(inNameOnly, { serviceAccounts: ['patcher'] })).toHaveLength(1);
  });
});

describe('a Secret', () => {
  const env = (from: object): object => ({ env: [{ name: 'A', valueFrom: from }] });
  const cases: readonly [string, object, object?][] = [
    ['spec.volumes[0].secret.secretName', { volumes: [{ name: 'a', secret: { secretName: 'keys' } }] }],
    [
      'spec.volumes[0].projected.sources[0].secret.name',
      { volumes: [{ name: 'a', projected: { sources: [{ secret: { name: 'keys' } }] } }] },
    ],
    [
      'spec.volumes[0].csi.nodePublishSecretRef.name',
      { volumes: [{ name: 'a', csi: { driver: 'd', nodePublishSecretRef: { name: 'keys' } } }] },
    ],
    [
      'spec.containers[0].env[0].valueFrom.secretKeyRef.name',
      {},
      env({ secretKeyRef: { name: 'keys', key: 'k' } }),
    ],
    ['spec.containers[0].envFrom[0].secretRef.name', {}, { envFrom: [{ secretRef: { name: 'keys' } }] }],
    [
      'spec.initContainers[0].envFrom[0].secretRef.name',
      { initContainers: [{ image: 'a', envFrom: [{ secretRef: { name: 'keys' } }] }] },
    ],
  ];

  it.each(cases)('read by %s must be in the list', (path, ...pod) => {
    const volumes = [...VOLUME_TYPES];
    expect(violations(running(...pod), { secrets: ['other'], volumes })).toEqual([
      `${AT}.${path} is "keys", which rule actionPolicy.secrets of HostPool default does not admit; use other`,
    ]);
    expect(violations(running(...pod), { secrets: ['other', 'keys'], volumes })).toEqual([]);
  });

  it('for pulling images needs no listing', () => {
    expect(violations(running({ imagePullSecrets: [{ name: 'pull' }] }))).toEqual([]);
  });
});

describe('an unreadable field', () => {
  it.each([
    ['spec.initContainers', { initContainers: 'alpine' }],
    ['spec.initContainers[0].image', { initContainers: [{ name: 'a' }] }],
    ['spec.initContainers[0]', { initContainers: [null] }],
    ['spec.hostname', { hostname: { a: 1 } }],
    ['spec.volumes', { volumes: { a: { hostPath: { path: '/' } } } }],
    ['spec.volumes[0].hostPath', { volumes: [{ name: 'a', hostPath: '/etc' }] }],
    [
      'spec.volumes[0].projected.sources[0].secret',
      { volumes: [{ projected: { sources: [{ secret: 'keys' }] } }] },
    ],
    [
      'spec.initContainers[0].env[0].valueFrom.secretKeyRef',
      { initContainers: [{ image: 'a', env: [{ name: 'A', valueFrom: { secretKeyRef: 'keys' } }] }] },
    ],
    ['spec.securityContext', { securityContext: 'privileged' }],
  ])('is refused whatever the policy: %s', (path, spec) => {
    expect(violations(running(spec))).toContainEqual(
      expect.stringContaining(`${AT}.${path} cannot be read, so no rule of HostPool default admits it: `),
    );
  });
});

describe('an image by its digest', () => {
  const of = (image: string): string[] => violations(running({}, { image }), { requireDigests: true });
  const digest = `sha256:${'0'.repeat(64)}`;

  it.each([`good/patch@${digest}`, `good/patch:1@${digest}`, `good/patch@sha512:${'f'.repeat(128)}`])(
    'is admitted where the pool requires digests: %s',
    (image) => {
      expect(of(image)).toEqual([]);
    },
  );

  it.each(['good/patch', 'good/patch:1', 'good/patch@sha256:0', `good/patch@${digest}:1`, `good/${digest}`])(
    'is not any other image: %s',
    (image) => {
      expect(of(image)).toEqual([
        `${AT}.spec.containers[0].image is ${JSON.stringify(image)}, which rule actionPolicy.requireDigests ` +
          'of HostPool default does not admit; name it by its digest, IMAGE@sha256:…',
      ]);
    },
  );
});
