import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Cloud } from '../../../src/openstack/cloud.ts';
import { cloudIn } from '../../../src/openstack/clouds-yaml.ts';
import { tokenRequest } from '../../../src/openstack/identity.ts';

const URL_FIELD = 'auth_url: https://keystone.test:5000';
const USER = ['username: careen', 'password: hunter2', 'user_domain_name: Default'];
const PROJECT = ['project_name: admin', 'project_domain_name: Default'];
const USUAL = [URL_FIELD, ...USER, ...PROJECT];

function yamlOf(auth: readonly string[], rest: readonly string[] = []): string {
  const lines = ['auth:', ...auth.map((each) => `  ${each}`), ...rest];
  return ['clouds:', '  lab:', ...lines.map((each) => `    ${each}`)].join('\n');
}

function labIn(auth: readonly string[], rest: readonly string[] = []): Cloud {
  return cloudIn(yamlOf(auth, rest), 'lab');
}

function messageFor(auth: readonly string[], rest: readonly string[] = []): string {
  return messageOf(() => labIn(auth, rest));
}

function messageOf(read: () => unknown): string {
  try {
    return `no error: ${inspect(read())}`;
  } catch (error) {
    if (error instanceof Error && error.name === 'CloudsYamlError') return error.message;
    throw error;
  }
}

/** What Keystone is told. */
function authOf(auth: readonly string[], rest: readonly string[] = []): unknown {
  return tokenRequest(labIn(auth, rest).credentials);
}

describe('a cloud', () => {
  it('is what its file says, with the defaults of openstacksdk', () => {
    expect(labIn(USUAL)).toMatchObject({
      name: 'lab',
      authUrl: 'https://keystone.test:5000/v3',
      interface: 'public',
      verify: true,
    });
    expect(labIn(USUAL).region).toBeUndefined();
    const rest = [
      'region_name: RegionTwo',
      'interface: internal',
      'verify: false',
      'identity_api_version: 3',
    ];
    expect(labIn(USUAL, rest)).toMatchObject({ region: 'RegionTwo', interface: 'internal', verify: false });
  });

  it.each([
    'https://k.test/identity',
    'https://k.test/identity/',
    'https://k.test/identity/v3',
    'https://k.test/identity/v3/',
  ])('is reached by the API v3 of Keystone: %s', (url) => {
    expect(labIn([`auth_url: ${url}`, ...USER, ...PROJECT]).authUrl).toBe('https://k.test/identity/v3');
  });

  it('may name its interface as older files do', () => {
    expect(labIn(USUAL, ['endpoint_type: adminURL']).interface).toBe('admin');
  });

  it('may share lines with others by YAML anchors', () => {
    const text = `${yamlOf(USUAL).replace('auth:', 'auth: &auth')}\n  other:\n    auth: { <<: *auth, project_name: two }`;
    expect(cloudIn(text, 'other').credentials).toMatchObject({ scope: { project: { name: 'two' } } });
  });
});

describe('the credentials', () => {
  it('are a password in a project, by names or by IDs', () => {
    const Default = { name: 'Default' };
    expect(authOf(USUAL)).toEqual({
      auth: {
        identity: {
          methods: ['password'],
          password: { user: { name: 'careen', domain: Default, password: 'hunter2' } },
        },
        scope: { project: { name: 'admin', domain: Default } },
      },
    });
    expect(authOf([URL_FIELD, 'user_id: u1', 'password: hunter2', 'project_id: p1'])).toMatchObject({
      auth: { identity: { password: { user: { id: 'u1' } } }, scope: { project: { id: 'p1' } } },
    });
  });

  it.each(['domain_id: d', 'default_domain_id: d'])('have one domain for both with %s', (domain) => {
    const auth = [URL_FIELD, 'username: careen', 'password: hunter2', 'project_name: admin', domain];
    expect(authOf(auth)).toMatchObject({
      auth: {
        identity: { password: { user: { domain: { id: 'd' } } } },
        scope: { project: { domain: { id: 'd' } } },
      },
    });
  });

  it('prefer the domain of the user to the one for both', () => {
    const auth = [URL_FIELD, ...USER, 'project_name: admin', 'domain_id: d'];
    expect(authOf(auth)).toMatchObject({
      auth: {
        identity: { password: { user: { domain: { name: 'Default' } } } },
        scope: { project: { domain: { id: 'd' } } },
      },
    });
  });

  it('may be for the whole system', () => {
    expect(authOf([URL_FIELD, ...USER, 'system_scope: all'])).toMatchObject({
      auth: { scope: { system: { all: true } } },
    });
    expect(authOf([URL_FIELD, ...USER], ['system_scope: all'])).toMatchObject({
      auth: { scope: { system: {} } },
    });
  });

  it('may be an application credential, which has a project of its own', () => {
    const type = ['auth_type: v3applicationcredential'];
    const secret = 'application_credential_secret: hunter2';
    expect(authOf([URL_FIELD, 'application_credential_id: a1', secret], type)).toEqual({
      auth: {
        identity: {
          methods: ['application_credential'],
          application_credential: { id: 'a1', secret: 'hunter2' },
        },
      },
    });
    const byName = [
      URL_FIELD,
      'application_credential_name: a',
      secret,
      'username: careen',
      'user_domain_id: d',
    ];
    expect(authOf(byName, type)).toMatchObject({
      auth: {
        identity: { application_credential: { name: 'a', user: { name: 'careen', domain: { id: 'd' } } } },
      },
    });
  });
});

describe('a mistake is named with what would be right', () => {
  const without = (field: string): string[] => USUAL.filter((each) => !each.startsWith(field));

  it.each([
    [without('auth_url'), [], /^cloud lab: auth.auth_url: give the URL of Keystone, such as https/],
    [[...without('auth_url'), 'auth_url: keystone'], [], /auth.auth_url is "keystone": give the URL/],
    [[...without('auth_url'), 'auth_url: http://k/v2.0'], [], /auth.auth_url is "http:\/\/k\/v2.0".*\/v3/],
    [without('username'), [], /auth.username is missing: give it, or user_id/],
    [without('password'), [], /auth.password is missing/],
    [without('user_domain'), [], /auth.user_domain_name is missing: give it, or user_domain_id.*Default/],
    [without('project_name'), [], /auth.project_name is missing: give it, or project_id, or system_scope/],
    [without('project_domain'), [], /auth.project_domain_name is missing/],
    [
      [...without('project_name'), 'project_name: 1234'],
      [],
      /auth.project_name is 1234: it must be a text.*quotes/,
    ],
    [[...USUAL, 'system_scope: some'], [], /auth.system_scope is "some": the only system scope is all/],
    [USUAL, ['auth_type: v3token'], /auth_type is "v3token": give one of password, /],
    [[URL_FIELD], ['auth_type: v3applicationcredential'], /auth.application_credential_secret is missing/],
    [USUAL, ['interface: outer'], /interface is "outer": give one of public, internal, admin/],
    [USUAL, ['region_name: [a, b]'], /region_name is \["a","b"\]: it must be a text/],
    [USUAL, ['verify: 7'], /verify is 7: give true, or false/],
    [
      USUAL,
      ['cacert: /etc/ca.pem'],
      /cacert is "\/etc\/ca.pem".*put the certificate into the Secret as cacert/,
    ],
    [USUAL, ['key: /etc/key.pem'], /key: client certificates are not supported/],
  ])('%j %j', (auth, rest, message) => {
    expect(messageFor(auth, rest)).toMatch(message);
  });

  it('names the clouds that there are', () => {
    const text = `${yamlOf(USUAL)}\n  prod: {}`;
    expect(messageOf(() => cloudIn(text, 'pord'))).toBe('clouds.yaml has no cloud "pord": it has lab, prod');
    expect(messageOf(() => cloudIn(text, 'toString'))).toMatch(/has no cloud "toString"/);
    expect(messageOf(() => cloudIn(text, 'prod'))).toMatch(/^cloud prod has no mapping auth/);
    expect(messageOf(() => cloudIn('clouds: {}', 'a'))).toBe('clouds.yaml has no cloud "a": it has none');
    expect(messageOf(() => cloudIn('lab: {}', 'a'))).toMatch(/no mapping clouds/);
  });

  it('never shows the password, in whatever place it stands', () => {
    const broken = [
      yamlOf([...USUAL.slice(0, 2), 'password: *hunter2']),
      yamlOf([...USUAL.slice(0, 2), 'password: "hunter2']),
      yamlOf([...USUAL.slice(0, 2), 'password: !hunter2 x']),
      yamlOf([...USUAL.slice(0, 2), 'password: hunter2: x']),
      yamlOf([...USUAL.slice(0, 2), 'password: [hunter2]']),
      yamlOf(['auth_url: https://careen:hunter2@keystone.test', ...USER, ...PROJECT]),
    ];
    for (const text of broken) {
      const message = messageOf(() => cloudIn(text, 'lab'));
      expect(message).toMatch(/^cloud|^clouds.yaml is not valid YAML/);
      expect(message).not.toContain('hunter2');
    }
  });

  it('says near which line the text is no YAML', () => {
    expect(messageOf(() => cloudIn(yamlOf([...USUAL, 'a: b: c']), 'lab'))).toMatch(
      /^clouds.yaml is not valid YAML near line 10:/,
    );
  });

  it('refuses a text that is larger than a Secret, or repeats itself too often', () => {
    expect(messageOf(() => cloudIn('#'.repeat(1024 * 1024 + 1), 'lab'))).toMatch(/is larger than/);
    const aliases = `a: &a x\nb: [${Array.from({ length: 101 }, () => '*a').join(', ')}]`;
    expect(messageOf(() => cloudIn(`${yamlOf(USUAL)}\n${aliases}`, 'lab'))).toMatch(/not valid YAML/);
  });
});

describe('the CA certificate of the Secret', () => {
  it.each(['', 'no certificate', '-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n'])(
    'must be one: %j',
    (caText) => {
      expect(messageOf(() => cloudIn(yamlOf(USUAL), 'lab', { caText }))).toMatch(/^cacert of the Secret/);
    },
  );
});
