import { describe, expect, it } from 'vitest';
import type { Manifest } from '../../support/controlplane/apply.ts';
import { forbiddenUses, usedRights } from '../../support/audit/audit.ts';
import { covers, describeRight, grantedRights } from '../../support/audit/rights.ts';

const account = { namespace: 'careen-system', name: 'careen' };
const subjects = [{ kind: 'ServiceAccount', ...account }];
const nodes = { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'patch'] };
const leases = { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get'] };

const manifest = (kind: string, name: string, fields: object, namespace?: string): Manifest => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind,
  metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
  ...fields,
});
const bound = (kind: string, name: string, namespace?: string, fields: object = { subjects }): Manifest =>
  manifest(
    namespace === undefined ? 'ClusterRoleBinding' : 'RoleBinding',
    name,
    { roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name }, ...fields },
    namespace,
  );
const granted = (...manifests: Manifest[]): string[] => grantedRights(manifests, account).map(describeRight);

describe('granted rights', () => {
  it('apply where the binding applies', () => {
    const role = manifest('ClusterRole', 'a', { rules: [nodes] });
    expect(granted(role, bound('ClusterRole', 'a'))).toEqual([
      'core/nodes get (cluster)',
      'core/nodes patch (cluster)',
    ]);
    expect(granted(role, bound('ClusterRole', 'a', 'here'))).toEqual([
      'core/nodes get (here)',
      'core/nodes patch (here)',
    ]);
    expect(granted(role)).toEqual([]);
  });

  it('are for paths that are no resources, too', () => {
    const metrics = { nonResourceURLs: ['/metrics'], verbs: ['get'] };
    const role = manifest('ClusterRole', 'a', { rules: [metrics] });
    expect(granted(role, bound('ClusterRole', 'a'))).toEqual(['/metrics get (cluster)']);
  });

  it('name the objects of a limited rule', () => {
    const role = manifest('Role', 'a', { rules: [{ ...leases, resourceNames: ['careen'] }] }, 'here');
    expect(granted(role, bound('Role', 'a', 'here'))).toEqual([
      'coordination.k8s.io/leases "careen" get (here)',
    ]);
  });

  it('are those of the one account', () => {
    const role = manifest('ClusterRole', 'a', { rules: [nodes] });
    const others = { subjects: [{ ...subjects[0], name: 'other' }] };
    expect(granted(role, bound('ClusterRole', 'a', undefined, others))).toEqual([]);
  });

  it('come from no role of another namespace, and from no wildcard', () => {
    const elsewhere = manifest('Role', 'a', { rules: [nodes] }, 'there');
    expect(() => granted(elsewhere, bound('Role', 'a', 'here'))).toThrow(
      'RoleBinding a binds Role a, which is not there',
    );
    const all = manifest('ClusterRole', 'a', { rules: [{ ...nodes, verbs: ['*'] }] });
    expect(() => granted(all, bound('ClusterRole', 'a'))).toThrow(
      'ClusterRole a has a wildcard: core/nodes * (cluster)',
    );
  });
});

describe('a granted right covers a use', () => {
  const get = { group: '', resource: 'pods', verb: 'get' };

  it('in every namespace unless it names one, and on every object unless it names one', () => {
    expect(covers(get, { ...get, namespace: 'here', objectName: 'a' })).toBe(true);
    expect(covers({ ...get, namespace: 'here' }, { ...get, namespace: 'here' })).toBe(true);
    expect(covers({ ...get, namespace: 'here' }, { ...get, namespace: 'there' })).toBe(false);
    expect(covers({ ...get, namespace: 'here' }, get)).toBe(false);
    expect(covers({ ...get, objectName: 'a' }, { ...get, objectName: 'b' })).toBe(false);
  });

  it('with the same verb and resource', () => {
    expect(covers(get, { ...get, verb: 'list' })).toBe(false);
    expect(covers(get, { ...get, resource: 'pods/status' })).toBe(false);
  });
});

describe('an audit log', () => {
  const line = (verb: string, objectRef: object | undefined, decision: string): string =>
    JSON.stringify({
      verb,
      requestURI: '/the/path',
      ...(objectRef ? { objectRef } : {}),
      annotations: { 'authorization.k8s.io/decision': decision },
    });
  const eviction = { resource: 'pods', subresource: 'eviction', namespace: 'a', name: 'p' };

  it('gives the used rights, each once', () => {
    const lines = [
      line('create', eviction, 'allow'),
      line('create', eviction, 'allow'),
      line('get', undefined, 'allow'),
    ];
    expect(usedRights(lines).map(describeRight)).toEqual([
      'core/pods/eviction "p" create (a)',
      '/the/path get (cluster)',
    ]);
    expect(forbiddenUses(lines)).toEqual([]);
  });

  it('gives the forbidden requests, including paths that are no resources', () => {
    const lines = [line('create', eviction, 'forbid'), line('get', undefined, 'forbid')];
    expect(usedRights(lines)).toEqual([]);
    expect(forbiddenUses(lines).map(({ message }) => message)).toEqual([
      'core/pods/eviction "p" create (a): /the/path',
      '/the/path get (cluster): /the/path',
    ]);
  });
});
