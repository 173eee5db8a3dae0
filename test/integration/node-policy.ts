import { CoreV1Api, type KubeConfig } from '@kubernetes/client-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { MAINTENANCE_TAINT } from '../../src/crds/names.ts';
import type { Claim } from '../../src/engine/view.ts';
import { nodeState, type NodeState } from '../../src/hostops/kubernetes/node-facts.ts';
import {
  adoptPatch,
  claimPatch,
  leaveLockedPatch,
  recordonPatch,
  releasePatch,
} from '../../src/hostops/kubernetes/node-patches.ts';
import { untilGranted } from '../support/audit/rights.ts';
import { apply, mergePatch, patchStatus, remove, tryCreate } from '../support/controlplane/apply.ts';
import { eventually } from '../support/eventually.ts';
import { OPERATOR_ACCOUNT } from '../support/operator/operator.ts';

const FOREIGN_TAINT = { key: 'team/dedicated', value: 'a', effect: 'NoSchedule' };
const OUR_TAINT = { key: MAINTENANCE_TAINT, effect: 'NoSchedule' };
const OWNER = { apiVersion: 'v1', kind: 'ConfigMap', name: 'a', uid: 'b' };
const CIDR = '10.1.0.0/24';

/** Changes of a node that the operator may not make: what, the patch, and the field that the refusal names. */
const NODE_CHANGES_REFUSED: readonly [string, object, string][] = [
  ['a label', { metadata: { labels: { pool: 'a' } } }, 'metadata.labels[pool]'],
  ['a label of another', { metadata: { labels: { zone: null } } }, 'metadata.labels[zone]'],
  [
    'a label careen.dev/*',
    { metadata: { labels: { 'careen.dev/x': 'a' } } },
    'metadata.labels[careen.dev/x]',
  ],
  ['an annotation', { metadata: { annotations: { 'team/x': 'a' } } }, 'metadata.annotations[team/x]'],
  [
    'an annotation of another',
    { metadata: { annotations: { 'team/note': null } } },
    'annotations[team/note]',
  ],
  ['a look-alike', { metadata: { annotations: { 'x.careen.dev/a': 'a' } } }, 'annotations[x.careen.dev/a]'],
  ['a finalizer', { metadata: { finalizers: ['team/f'] } }, 'metadata.finalizers'],
  ['an owner', { metadata: { ownerReferences: [OWNER] } }, 'metadata.ownerReferences'],
  [
    'a taint',
    { spec: { taints: [FOREIGN_TAINT, { key: 'a', effect: 'NoSchedule' }] } },
    'spec.taints[a:NoSchedule]',
  ],
  ['no taint of another', { spec: { taints: [OUR_TAINT] } }, 'spec.taints[team/dedicated:NoSchedule]'],
  [
    'a changed taint of another',
    { spec: { taints: [{ ...FOREIGN_TAINT, value: 'b' }] } },
    'spec.taints[team/dedicated:NoSchedule]',
  ],
  [
    'our taint so that it evicts',
    { spec: { taints: [FOREIGN_TAINT, { ...OUR_TAINT, effect: 'NoExecute' }] } },
    'spec.taints[careen.dev/maintenance:NoExecute]',
  ],
  ['a provider', { spec: { providerID: 'a://b' } }, 'spec.providerID'],
  ['the network of the pods', { spec: { podCIDR: CIDR, podCIDRs: [CIDR] } }, 'spec.podCIDR'],
  [
    'something beside an allowed change',
    { metadata: { labels: { pool: 'a' } }, spec: { unschedulable: true } },
    'metadata.labels[pool]: the operator of Careen may change only',
  ],
];

/** Cases of the policy careen-node, on a control plane that has it. `operator` has the rights of an administrator besides. */
export function nodePolicy(
  configs: () => { readonly admin: KubeConfig; readonly operator: KubeConfig },
): void {
  describe('the policy about nodes', () => {
    let admin: KubeConfig;
    let operator: KubeConfig;
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'w-1' } };
    const uid = 'strategy-1';
    const claim: Claim = {
      ...{ run: 'r-1', pool: 'default', epoch: 1, planDigest: 'd', stage: 0, level: 'away' },
      ...{ owner: { kind: 'PatchStrategy', namespace: 'careen-hosts', name: 'kernel', uid } },
      ...{ closedToNewWorkBefore: false, since: '2026-11-25T09:00:00.000Z' },
    };

    beforeAll(async () => {
      ({ admin, operator } = configs());
      // More than RBAC grants: it is the policy that must refuse.
      await apply(admin, {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRoleBinding',
        metadata: { name: 'careen-too-much' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
        subjects: [{ kind: 'ServiceAccount', ...OPERATOR_ACCOUNT }],
      });
      await untilGranted(admin, OPERATOR_ACCOUNT, [{ group: '', resource: 'nodes', verb: 'delete' }]);
      await apply(admin, {
        ...node,
        metadata: { ...node.metadata, labels: { zone: 'a' }, annotations: { 'team/note': 'a' } },
        spec: { taints: [FOREIGN_TAINT] },
      });
      await eventually('the policy is in force', async () =>
        mergePatch(operator, node, { metadata: { labels: { probe: 'a' } } }).then(
          () => false,
          () => true,
        ),
      );
      await mergePatch(admin, node, { metadata: { labels: { probe: null } } });
    });

    async function state(): Promise<NodeState> {
      return nodeState(await admin.makeApiClient(CoreV1Api).readNode({ name: node.metadata.name }));
    }

    /** Makes a write of the operator; again when another controller has changed the node meanwhile. */
    async function write(patch: (node: NodeState) => object): Promise<void> {
      await eventually('the operator writes', async () => {
        const made = mergePatch(operator, node, patch(await state()));
        return made.then(
          () => true,
          (error: unknown) => {
            if (!/the object has been modified/.test(String(error))) throw error;
            return false;
          },
        );
      });
    }

    it('lets the operator make all its writes', async () => {
      const note = { run: 'r-1', owner: claim.owner, reason: 'its Job failed' };
      const touched = { ...claim, level: 'touched' } as const;
      await write((found) => claimPatch(found, claim));
      await write((found) => adoptPatch(found, { ...claim, epoch: 2 }));
      await mergePatch(admin, node, { spec: { unschedulable: null } });
      await write((found) => recordonPatch(found, claim));
      await write((found) => releasePatch(found, claim));
      await write((found) => claimPatch(found, claim));
      await write((found) => leaveLockedPatch(found, note));
      await write((found) => claimPatch(found, touched));
      await write((found) => releasePatch(found, touched));
      // A taint of this key with another effect is removed with the mark.
      await mergePatch(admin, node, {
        spec: { taints: [FOREIGN_TAINT, { ...OUR_TAINT, effect: 'NoExecute' }] },
      });
      await write((found) => releasePatch(found, claim));
      const { taints, claim: left } = await state();
      expect(taints).toContainEqual(expect.objectContaining(FOREIGN_TAINT));
      expect(taints.filter(({ key }) => key === OUR_TAINT.key)).toEqual([]);
      expect(left).toBeUndefined();
    });

    it.each(NODE_CHANGES_REFUSED)('refuses %s', async (_what, patch, field) => {
      await expect(mergePatch(operator, node, patch)).rejects.toThrow(field);
      await mergePatch(admin, node, { spec: { unschedulable: null } });
    });

    it('refuses the status, a creation, a deletion and the kubelet', async () => {
      const status = { conditions: [{ type: 'Ready', status: 'True', reason: 'a', message: 'a' }] };
      await expect(patchStatus(operator, node, status)).rejects.toThrow('UPDATE nodes/status');
      const other = { ...node, metadata: { name: 'w-2' } };
      await expect(tryCreate(operator, other)).rejects.toThrow('CREATE nodes');
      await expect(remove(operator, node)).rejects.toThrow('DELETE nodes');
      const proxied = operator.makeApiClient(CoreV1Api).connectGetNodeProxy({ name: node.metadata.name });
      await expect(proxied).rejects.toThrow('CONNECT nodes/proxy');
    });

    it('concerns nobody else', async () => {
      await mergePatch(admin, node, { metadata: { labels: { pool: 'b' } } });
    });
  });
}
