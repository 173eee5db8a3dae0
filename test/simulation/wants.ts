/** What the spec of a plan wants of a host, judged by the facts of the host alone. */
import { at } from './world/api-server.ts';
import type { Json } from './world/objects.ts';
import type { HostState } from './host-history.ts';
import { NEW } from './scenario.ts';
import { HOOKS, isAtLeast, ROLES, STAGED } from './upgrade-scenario.ts';

type Shown = Pick<HostState, 'nodeInfo' | 'labels'>;
export type Role = (typeof ROLES)[number];

/** The release of an UpgradeStrategy; undefined for a PatchStrategy. */
export function releaseOf(spec: Json): string | undefined {
  const version = at(spec, 'release', 'version');
  return typeof version === 'string' ? version : undefined;
}

export function roleOf({ labels }: Pick<Shown, 'labels'>): Role {
  if (labels['node-role.kubernetes.io/control-plane'] !== undefined) return 'controller';
  return labels['node-role.kubernetes.io/storage'] === undefined ? 'worker' : 'storage';
}

/** Whether the spec asks for the release before. */
export function isRollback(spec: Json): boolean {
  return releaseOf(spec) !== undefined && spec['rollback'] === true;
}

/** The role whose hosts an action brings back; undefined for another action. */
export function broughtBackBy(action: string): Role | undefined {
  return ROLES.find((role) => action === `rollback-${role}`);
}

/** Whether a host shows that a piece of work was done: a patch, or a part of an upgrade. */
export function shows(spec: Json, id: string, { nodeInfo, labels }: Shown): boolean {
  const release = releaseOf(spec);
  // No fact of a host shows an action of a session: the result of its Job counts.
  if (Array.isArray(spec['actions'])) return true;
  if (release === undefined)
    return id === 'kernel'
      ? nodeInfo['kernelVersion'] === NEW.kernelVersion
      : isAtLeast(String(nodeInfo['kubeletVersion']), NEW.kubeletVersion);
  const role = ROLES.find((each) => id === `stage-${each}`);
  if (role) return stagedBy(spec, role) !== 'label' || labels[STAGED] === release;
  const hasRelease = isAtLeast(String(nodeInfo['kubeletVersion']), release);
  return broughtBackBy(id) ? !hasRelease : !isRole(id) || hasRelease;
}

/** The ids of the work that makes a host as the spec wants it. */
export function goalsFor(spec: Json, host: Shown): readonly string[] {
  if (releaseOf(spec) !== undefined) return [isRollback(spec) ? `rollback-${roleOf(host)}` : roleOf(host)];
  const patches = spec['patches'];
  return Array.isArray(patches) ? patches.map((each) => String(at(each, 'id'))) : [];
}

/** By which sign the hosts of a role are staged; undefined when they are not. */
export function stagedBy(spec: Json, role: Role): 'label' | 'Job' | undefined {
  const stage = at(spec, 'hosts', role, 'stage');
  if (stage === undefined) return undefined;
  return at(stage, 'staged') === undefined ? 'Job' : 'label';
}

export function rebootRequired(spec: Json, id: string): boolean {
  if (releaseOf(spec) === undefined) return id === 'kernel';
  return at(spec, 'hosts', broughtBackBy(id) ?? id, 'rebootRequired') === true;
}

/** Whether the hosts of a role are drained for their upgrade. */
export function isDrained(spec: Json, role: Role): boolean {
  const drain = at(spec, 'hosts', role, 'drain');
  return drain === 'always' || (drain === 'ifRebootRequired' && rebootRequired(spec, role));
}

export function hasHook(spec: Json, hook: string): boolean {
  return isHook(hook) && spec[hook] !== undefined;
}

/** Whether an action is a hook of an upgrade, where its run is one. */
export function isHook(action: string): boolean {
  return HOOKS.some((hook) => hook === action);
}

export function isRole(id: string): id is Role {
  return ROLES.some((role) => role === id);
}
