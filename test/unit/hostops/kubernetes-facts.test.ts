import { ApiException } from '@kubernetes/client-node';
import type { V1Job, V1Node, V1NodeCondition, V1Pod } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import type { Claim } from '../../../src/engine/view.ts';
import { readClaim, writeClaim } from '../../../src/hostops/claims.ts';
import { evictionRefused } from '../../../src/hostops/kubernetes/evictions.ts';
import { Fleet } from '../../../src/hostops/fleet.ts';
import { failureOf } from '../../../src/hostops/jobs/job-failures.ts';
import { jobManifest, jobName, jobState } from '../../../src/hostops/jobs/job.ts';
import { nodeState, type NodeState } from '../../../src/hostops/kubernetes/node-facts.ts';
import { rolesOf } from '../../../src/hostops/label-selector.ts';
import { claimPatch, releasePatch } from '../../../src/hostops/kubernetes/node-patches.ts';
import { instanceOf } from '../../../src/hostops/kubernetes/pod-facts.ts';
import { hostPoolSpec } from '../../../src/crds/host-pool.ts';
import { isOlder } from '../../../src/kube/resource-versions.ts';
import { ownerNamed } from '../support/owners.ts';

const CONTROL_PLANE = 'node-role.kubernetes.io/control-plane';
const READY: V1NodeCondition = { type: 'Ready', status: 'True' };
const OWNER = ownerNamed('s');
const CLAIM: Claim = {
  run: 'r1',
  pool: 'p',
  epoch: 1,
  owner: OWNER,
  planDigest: 'd',
  stage: 0,
  level: 'away',
  closedToNewWorkBefore: false,
  since: '2026-11-23T09:00:00Z',
};
const roles = {
  controller: { matchExpressions: [{ key: CONTROL_PLANE, operator: 'Exists' as const }] },
  storage: { matchLabels: { disk: 'big' } },
  worker: { matchExpressions: [{ key: CONTROL_PLANE, operator: 'DoesNotExist' as const }] },
};
const { health } = hostPoolSpec.parse({ provider: { kubernetes: {} }, maxUnavailable: 1 });
const scope = {
  pool: 'p',
  provider: { kubernetes: { nodeSelector: { pool: 'p' } } },
  before: [],
  roles,
  health,
};

function node(
  name: string,
  { conditions = [READY], claim = '', closedToNewWork = false, taints = [] as V1Taints } = {},
): NodeState {
  const raw: V1Node = {
    metadata: {
      name,
      uid: `uid-${name}`,
      resourceVersion: '7',
      labels: { pool: 'p' },
      annotations: claim ? { 'careen.dev/claim': claim } : {},
    },
    spec: { unschedulable: closedToNewWork, taints },
    status: { conditions },
  };
  return nodeState(raw);
}
type V1Taints = NonNullable<NonNullable<V1Node['spec']>['taints']>;

describe('a node', () => {
  it('has no claim when the annotation is unreadable', () => {
    expect(node('a', { claim: '{' }).claim).toBeUndefined();
    expect(node('a', { claim: '{"run":"r1"}' }).claim).toBeUndefined();
    expect(node('a', { claim: writeClaim(CLAIM, 'uid-a') }).claim).toEqual(CLAIM);
  });

  it('has no claim when the annotation was edited, or copied from another host, and says so', () => {
    const text = writeClaim(CLAIM, 'uid-a');
    expect(readClaim(text, 'uid-a').claim).toEqual(CLAIM);
    for (const [edited, uid] of [
      [text.replace('"closedToNewWorkBefore":false', '"closedToNewWorkBefore":true'), 'uid-a'],
      [text.replace('"epoch":1', '"epoch":2'), 'uid-a'],
      [text, 'uid-b'],
    ] as const) {
      expect(readClaim(edited, uid)).toEqual({
        claim: undefined,
        spoilt: 'its annotation careen.dev/claim was edited, or copied from another host',
      });
    }
    expect(readClaim('{', 'uid-a').spoilt).toBe('its annotation careen.dev/claim cannot be read');
  });

  it('may have several roles, or none', () => {
    expect(rolesOf({ [CONTROL_PLANE]: '', disk: 'big' }, roles)).toEqual(['controller', 'storage']);
    expect(rolesOf({}, { ...roles, worker: { matchLabels: { disk: 'big' } } })).toEqual([]);
  });

  it('keeps its left-locked note while it is closed: a release leaves it locked again', () => {
    const note = { metadata: { annotations: { 'careen.dev/left-locked': null } } };
    const left = { ...node('a', { closedToNewWork: true }), leftLocked: true };
    expect(claimPatch(left, { ...CLAIM, closedToNewWorkBefore: true })).not.toMatchObject(note);
    expect(claimPatch({ ...left, closedToNewWork: false }, CLAIM)).toMatchObject(note);
    const found = { level: 'away', closedToNewWorkBefore: true } as const;
    expect(releasePatch(left, found)).not.toMatchObject(note);
    expect(releasePatch({ ...left, closedToNewWork: false }, found)).toMatchObject(note);
    expect(releasePatch(left, { level: 'away', closedToNewWorkBefore: false })).toMatchObject(note);
  });

  it('keeps the taints of others when it is claimed and released', () => {
    const foreign = { key: 'other', effect: 'NoExecute' };
    const ours = { key: 'careen.dev/maintenance', effect: 'NoSchedule' };
    expect(claimPatch(node('a', { taints: [foreign] }), CLAIM)).toMatchObject({
      metadata: { uid: 'uid-a', resourceVersion: '7' },
      spec: { unschedulable: true, taints: [foreign, ours] },
    });
    const closedToNewWork = node('a', { closedToNewWork: true, taints: [foreign, ours] });
    expect(releasePatch(closedToNewWork, CLAIM)).toMatchObject({
      spec: { unschedulable: null, taints: [foreign] },
    });
    expect(releasePatch(closedToNewWork, { ...CLAIM, closedToNewWorkBefore: true })).toHaveProperty('spec', {
      taints: [foreign],
    });
  });
});

describe('a pod', () => {
  const controlledBy = (kind: string, apiVersion: string): V1Pod => ({
    metadata: { ownerReferences: [{ kind, apiVersion, name: 'o', uid: 'o', controller: true }] },
  });

  it('stays when a DaemonSet or the kubelet runs it, or when it has ended', () => {
    const staying: V1Pod[] = [
      controlledBy('DaemonSet', 'apps/v1'),
      controlledBy('DaemonSet', 'apps.kruise.io/v1alpha1'),
      { metadata: { annotations: { 'kubernetes.io/config.mirror': 'x' } } },
      { status: { phase: 'Succeeded' } },
    ];
    expect(staying.map(instanceOf)).toEqual(staying.map(() => undefined));
  });

  it('is drained in spite of a label of ours, and of a DaemonSet that does not control it', () => {
    expect(instanceOf({ metadata: { labels: { 'careen.dev/run': 'r1' } } })).toMatchObject({
      controller: undefined,
    });
    const owner = { kind: 'DaemonSet', apiVersion: 'apps/v1', name: 'o', uid: 'o' };
    expect(instanceOf({ metadata: { ownerReferences: [owner] } })).toMatchObject({ controller: undefined });
    expect(instanceOf(controlledBy('ReplicaSet', 'apps/v1'))).toMatchObject({ controller: 'ReplicaSet o' });
  });

  it.each([
    [true, { operator: 'Exists' }],
    [true, { operator: 'Exists', effect: 'NoSchedule' }],
    [true, { key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }],
    [true, { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }],
    [false, { operator: 'Exists', effect: 'NoExecute' }],
    [false, { key: 'node.kubernetes.io/unschedulable', value: 'no', operator: 'Equal' }],
    [false, { key: 'node.kubernetes.io/not-ready', operator: 'Exists' }],
  ])('may come back to a cordoned host: %s, with the toleration %j', (ignoresClosing, toleration) => {
    const { metadata } = controlledBy('ReplicaSet', 'apps/v1');
    const spec = { containers: [], tolerations: [toleration] };
    expect(instanceOf({ metadata: metadata ?? {}, spec })?.ignoresClosing).toBe(ignoresClosing);
  });

  it('may come back when a controller of another group places it, which need not ask the scheduler', () => {
    const groups = ['v1', 'apps/v1', 'batch/v1', 'apps.example.com/v1'];
    const pods = groups.map((apiVersion) => controlledBy('X', apiVersion));
    expect(pods.map((pod) => instanceOf(pod)?.ignoresClosing)).toEqual([false, false, false, true]);
  });

  it('that is shutting down says since when, until when, and who holds it', () => {
    const metadata = {
      creationTimestamp: '2026-11-26T10:00:00Z',
      deletionTimestamp: '2026-11-26T12:00:30Z',
      deletionGracePeriodSeconds: 30,
      finalizers: ['example.com/hold'],
    };
    // A cast: the watch delivers texts, the type has dates.
    expect(instanceOf({ metadata } as unknown as V1Pod)).toMatchObject({
      createdAt: Date.parse('2026-11-26T10:00:00.999Z'),
      leaving: {
        since: Date.parse('2026-11-26T12:00:00Z'),
        due: Date.parse('2026-11-26T12:00:30Z'),
        heldBy: ['example.com/hold'],
      },
    });
  });

  it('has local data when a volume is an emptyDir', () => {
    expect(instanceOf({ spec: { containers: [], volumes: [{ name: 'v', emptyDir: {} }] } })?.localData).toBe(
      true,
    );
  });
});

describe('a Job', () => {
  const fence = { owner: OWNER, run: 'r1', epoch: 4 };
  const job = { template: { spec: { containers: [{ name: 'apply', image: 'i' }] } } };
  const effect = {
    kind: 'create-job',
    key: 'r1/0/sw-patch-hosts/h/k.1/1',
    host: 'h',
    action: 'k.1',
    job,
  } as const;

  it('has a name that fits a label, always the same for one effect', () => {
    expect(jobName({ ...effect, action: 'a.'.repeat(31) }).length).toBeLessThanOrEqual(63);
    expect(jobName(effect)).toBe(jobName({ ...effect }));
    expect(jobName(effect)).not.toBe(jobName({ ...effect, key: 'r1/0/sw-patch-hosts/h/k/2' }));
  });

  it('is created suspended, pinned and without retries, and is read back as its effect', () => {
    const made = jobManifest(effect, fence);
    expect(made).toMatchObject({
      spec: { suspend: true, backoffLimit: 0, template: { spec: { nodeName: 'h', restartPolicy: 'Never' } } },
    });
    expect(jobState(made)).toMatchObject({ key: effect.key, host: 'h', state: 'suspended' });
  });

  it('gives its pod a token only for a named service account', () => {
    const token = (fields: object): unknown => {
      const { spec, ...rest } = effect.job.template;
      const job = { template: { ...rest, spec: { ...spec, ...fields } } };
      const made = jobManifest({ ...effect, job }, fence) as V1Job;
      return made.spec?.template.spec?.automountServiceAccountToken;
    };
    expect(token({})).toBe(false);
    expect(token({ automountServiceAccountToken: true })).toBe(false);
    expect(token({ serviceAccountName: '', automountServiceAccountToken: true })).toBe(false);
    expect(token({ serviceAccountName: 'patcher' })).toBe(true);
    expect(token({ serviceAccountName: 'patcher', automountServiceAccountToken: false })).toBe(false);
  });

  it('fails for the reason of the first container with another exit code than 0', () => {
    const ended = (name: string, exitCode: number, reason: string) => ({
      ...{ name, image: 'i', imageID: '', ready: false, restartCount: 0 },
      state: { terminated: { exitCode, reason } },
    });
    const pod = (...containerStatuses: ReturnType<typeof ended>[]): V1Pod => ({
      status: { containerStatuses },
    });
    expect(failureOf([pod(ended('a', 0, 'Completed'), ended('b', 7, 'Error'))])).toBe(
      'container b exited with code 7',
    );
    expect(failureOf([pod(ended('b', 137, 'OOMKilled'))])).toBe(
      'container b exited with code 137 (OOMKilled)',
    );
    expect(failureOf([])).toBeUndefined();
  });
});

describe('a fleet', () => {
  it('has the same revision for any order of its hosts, and after a host left and returned', () => {
    const [a, b] = [node('a'), node('b')];
    const fleet = new Fleet(scope, [a, b]);
    const before = fleet.facts.revision;
    expect(new Fleet(scope, [b, a]).facts.revision).toBe(before);
    fleet.change(a, undefined);
    expect(fleet.facts).toMatchObject({ total: 1 });
    expect(fleet.facts.revision).not.toBe(before);
    fleet.change(undefined, a);
    expect(fleet.facts.revision).toBe(before);
  });

  it('counts a closed host as out of service by others only without a claim, and a claim changes no plan', () => {
    const open = node('a');
    const closedToNewWork = node('a', { closedToNewWork: true });
    const claimed = node('a', { closedToNewWork: true, claim: writeClaim(CLAIM, 'uid-a') });
    const fleet = new Fleet(scope, [open]);
    const { revision } = fleet.facts;
    expect(fleet.change(open, closedToNewWork)).toBe(true);
    expect([...fleet.facts.outOfServiceByOthers]).toEqual(['a']);
    fleet.change(closedToNewWork, claimed);
    expect([...fleet.facts.outOfServiceByOthers]).toEqual([]);
    expect(fleet.facts.revision).toBe(revision);
  });

  it('has no alarm about a host that was never Ready, and has one from its first readiness on', () => {
    const joining = node('a', { conditions: [] });
    const fleet = new Fleet(scope, [joining]);
    expect([fleet.alarms, [...fleet.facts.outOfServiceByOthers]]).toEqual([[], ['a']]);
    expect(fleet.change(joining, { ...joining, wasReady: true })).toBe(true);
    expect(fleet.alarms).toHaveLength(1);
  });

  it('has no alarm about a host under work', () => {
    const conditions = [{ type: 'Ready', status: 'Unknown' }];
    const sick = node('a', { conditions });
    const fleet = new Fleet(scope, [sick]);
    expect(fleet.alarms).toHaveLength(1);
    fleet.change(sick, node('a', { conditions, claim: writeClaim(CLAIM, 'uid-a') }));
    expect(fleet.alarms).toEqual([]);
  });
});

describe('a refused eviction', () => {
  const refusal = (code: number, body: object, headers = {}): unknown =>
    evictionRefused(new ApiException(code, 'POST', JSON.stringify(body), headers), 'pod n/p', 1_000);
  const budget = {
    details: { causes: [{ reason: 'DisruptionBudget', message: 'The disruption budget b is exhausted' }] },
  };

  it('by a budget names the pod and the budget, and waits as long as the server requests', () => {
    const reason = 'pod n/p may not leave now: The disruption budget b is exhausted';
    expect(refusal(429, budget, { 'retry-after': '10' })).toEqual({
      kind: 'blocked',
      reason,
      retryAt: 11_000,
    });
    expect(refusal(429, budget)).toEqual({ kind: 'blocked', reason, retryAt: 2_000 });
  });

  it('without a budget or a webhook means that the server is overloaded', () => {
    const message = 'Too many requests, please try again later.';
    expect(refusal(429, { message })).toMatchObject({
      kind: 'blocked',
      reason: `evicting pod n/p: the API server is overloaded: ${message}`,
    });
  });

  it.each([400, 401, 403, 404, 409, 422, 429, 500, 503])(
    'by a webhook with code %i names the webhook and its words, and is only for now',
    (code) => {
      const message = 'admission webhook "db.example.com" denied the request: the primary still moves';
      const said = 'pod n/p may not leave now: webhook "db.example.com" denies it: the primary still moves';
      expect(refusal(code, { message })).toEqual({ kind: 'blocked', reason: said, retryAt: 2_000 });
      expect(refusal(code, { message, ...budget })).toMatchObject({ kind: 'blocked', reason: said });
    },
  );

  it.each([
    [
      'a policy',
      422,
      "pods \"p\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: not at night",
      'policy "p" denies it: not at night',
    ],
    [
      'a webhook that does not answer',
      500,
      'Internal error occurred: failed calling webhook "w": failed to call webhook: Post "https://w": EOF',
      'webhook "w" must be asked and does not answer: failed to call webhook: Post "https://w": EOF; start it again, ' +
        'or set its failurePolicy to Ignore',
    ],
    [
      'a budget that is out of step',
      403,
      'poddisruptionbudget.policy "b" is forbidden: pdb disruptions allowed is negative',
      'poddisruptionbudget.policy "b" is forbidden: pdb disruptions allowed is negative',
    ],
  ])('by %s is only for now, and says so', (_, code, message, said) => {
    const reason = `pod n/p may not leave now: ${said}`;
    expect(refusal(code, { message })).toMatchObject({ kind: 'blocked', reason });
  });

  it('in a namespace that is being deleted is only for now', () => {
    expect(refusal(403, { details: { causes: [{ reason: 'NamespaceTerminating' }] } })).toMatchObject({
      kind: 'blocked',
    });
  });

  it('waits no longer than half a minute, whatever a webhook asks for', () => {
    const message = 'admission webhook "w" denied the request: no';
    expect(refusal(429, { message }, { 'retry-after': '3600' })).toMatchObject({ retryAt: 31_000 });
  });

  it('is final for an invalid request, and for a missing right, which it names', () => {
    expect(refusal(422, { message: 'Eviction is invalid: gracePeriodSeconds' })).toMatchObject({
      kind: 'refused',
    });
    const message = 'pods "p" is forbidden: User "u" cannot create resource "pods/eviction" in API group ""';
    expect(refusal(403, { message })).toEqual({
      kind: 'refused',
      reason: `evicting pod n/p: the operator lacks a right that deploy/base/rbac has: ${message}`,
    });
  });

  it('is stale for another pod, already done for a missing pod, unknown after a server error', () => {
    expect([409, 404, 500].map((code) => refusal(code, {}))).toMatchObject([
      { kind: 'stale' },
      { kind: 'already' },
      { kind: 'unknown' },
    ]);
  });
});

describe('a resource version', () => {
  it('is compared by number, not by text, and is never older when it is no number', () => {
    expect([isOlder('9', '10'), isOlder('10', '9'), isOlder('9', '9'), isOlder('a', 'b')]).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });
});
