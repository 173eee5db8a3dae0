/** Short notations for platforms of the VIM's planner, and for its plans. */
import { buildVim, type VimBuild } from '../../../src/planner/vim/build.ts';
import { parseRequest } from '../../../src/planner/vim/request.ts';
import type { Stage, Step } from '../../../src/planner/vim/steps.ts';

type Personality = 'controller' | 'worker' | 'storage' | 'swift';
type Fields = Readonly<Record<string, unknown>>;

export const CURRENT = { patchCurrent: true };
export const IN_PLACE = { requiresReboot: false };
/** The only state besides in service that a plain worker may have. */
export const LOCKED = { adminState: 'locked', operState: 'disabled', availStatus: 'online' };

/** An unlocked host that lacks a patch with a reboot and an upgrade; `patch` and `more` give the differences. */
export function host(
  name: string,
  personality: Personality | readonly Personality[],
  patch: Fields = {},
  more: Fields = {},
) {
  return {
    name,
    uuid: `uuid-of-${name}`,
    personality: [personality].flat(),
    adminState: 'unlocked',
    operState: 'enabled',
    availStatus: 'available',
    openstackCompute: false,
    openstackControl: false,
    softwareLoad: '20.01',
    patch: { requiresReboot: true, patchCurrent: false, patchFailed: false, interimState: false, ...patch },
    ...more,
  };
}
export type TestHost = ReturnType<typeof host>;

export function worker(name: string, patch: Fields = {}, more: Fields = {}): TestHost {
  return host(name, 'worker', patch, { openstackCompute: true, ...more });
}

/** Two controllers without anything to apply: most plans for other hosts need them. */
export const CONTROLLERS = ['controller-0', 'controller-1'].map((name) =>
  host(name, 'controller', CURRENT, { softwareLoad: '20.06', openstackControl: true }),
);

export function instance(name: string, on: string, adminState = 'unlocked') {
  return { name, uuid: name, host: on, adminState, operState: 'enabled' };
}

export function group(name: string, policy: string, ...memberUuids: string[]) {
  return { uuid: `uuid-of-${name}`, name, policies: [policy], memberUuids };
}

export const aggregate = (name: string, ...hostNames: string[]) => ({ name, hostNames });

export function alarm(alarmId: string, mgmtAffecting: unknown = 'True') {
  return {
    alarmId,
    mgmtAffecting,
    severity: 'major',
    entityInstanceId: 'host',
    reasonText: '',
    uuid: alarmId,
  };
}

const PLATFORM = {
  systemMode: 'standard',
  singleController: false,
  activeController: 'controller-0',
  openstackInstalled: true,
  ignoreAlarms: [],
  alarms: [],
  instances: [],
  instanceGroups: [],
  hostGroups: [],
  hostAggregates: [],
};

type Given = { readonly profile?: string; readonly params?: Fields } & Fields;

/** A build of sw-patch: by default `vim-2024`, serial everywhere and with instances migrated. */
export function patchBuild(
  hosts: readonly TestHost[],
  { profile = 'vim-2024', params, ...given }: Given = {},
): VimBuild {
  return buildVim(profile, parseRequest('sw-patch', patchInputs(hosts, { params, ...given })));
}

export function patchInputs(hosts: readonly TestHost[], { params, ...given }: Fields = {}) {
  const defaults = {
    'controller-apply-type': 'serial',
    'storage-apply-type': 'serial',
    'swift-apply-type': 'serial',
    'worker-apply-type': 'serial',
    'default-instance-action': 'migrate',
  };
  const patches = [{ name: 'PATCH_0001' }];
  return { ...PLATFORM, patches, hosts, ...given, params: { ...defaults, ...fields(params) } };
}

/** A build of sw-upgrade, by default in `vim-2020`. */
export function upgradeBuild(
  hosts: readonly TestHost[],
  { profile = 'vim-2020', ...given }: Given = {},
): VimBuild {
  return buildVim(profile, parseRequest('sw-upgrade', upgradeInputs(hosts, given)));
}

export function upgradeInputs(hosts: readonly TestHost[], { params, ...given }: Fields = {}) {
  const upgrade = { state: 'upgrading-hosts', fromRelease: '20.01', toRelease: '20.06' };
  const defaults = { 'storage-apply-type': 'serial', 'worker-apply-type': 'serial' };
  return { ...PLATFORM, upgrade, hosts, ...given, params: { ...defaults, ...fields(params) } };
}

function fields(value: unknown): Fields {
  return { ...(typeof value === 'object' ? value : {}) };
}

/** `lock-hosts worker-0 worker-1`, and `system-stabilize 60` for steps that only pass time. */
function stepText({ name, timeoutSeconds, entities }: Step): string {
  const waits = ['system-stabilize', 'wait-data-sync', 'wait-alarms-clear'].includes(name);
  return [name, ...(waits ? [timeoutSeconds] : []), ...entities.names].join(' ');
}

export function stepsOf({ stages }: VimBuild, index = 0): string[] {
  return (stages[index]?.steps ?? []).map(stepText);
}

/** One line a stage: the variable part of its name, and its hosts. */
export function stageTexts({ stages }: VimBuild): string[] {
  return stages.map(
    (stage) => `${stage.name.replace(/^sw-(patch|upgrade)-/, '')}: ${hostsOf(stage).join(' ')}`,
  );
}

export function hostsOf({ steps }: Stage): readonly string[] {
  return (
    steps.find(({ name }) => name === 'sw-patch-hosts' || name === 'upgrade-hosts')?.entities.names ?? []
  );
}
