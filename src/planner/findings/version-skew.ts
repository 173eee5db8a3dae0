/**
 * The version skew policy of Kubernetes: the control plane goes up one minor release at a time; a kubelet is never newer
 * than the API server, and at most three minor releases older. Pure.
 */
import type { Finding } from '../../crds/observed/finding.ts';
import type { TargetRelease } from '../../crds/spec/strategy-spec.ts';
import { KUBELET_VERSION } from '../hosts/facts.ts';
import { listed } from '../listed.ts';
import { namesOf, type HostState, type Situation } from './situation.ts';
import { lacksRelease } from '../hosts/work.ts';

const OLDEST_KUBELET = 3;

/** The minor releases of a plan, such as 36 for v1.36.2. */
type Minors = { readonly target: number; readonly present: number };

/** The pairs of versions that Kubernetes does not support, during the upgrade of these hosts and after it. */
export function versionSkew(
  { hosts, platform }: Situation,
  { fact, version }: TargetRelease,
  upgraded: readonly HostState[],
): Finding[] {
  const target = fact === KUBELET_VERSION ? minorIn(version) : undefined;
  const present = minorIn(platform?.version) ?? lowestOf(hosts.filter(isController));
  if (target === undefined || present === undefined) return [];
  const controllers = upgraded.filter(isController);
  return controllers.length > 0
    ? [...skipsMinor(version, { target, present }, controllers), ...tooOld(hosts, { target, present })]
    : tooNew(version, { target, present }, upgraded);
}

function skipsMinor(version: string, { target, present }: Minors, controllers: HostState[]): Finding[] {
  if (target <= present + 1) return [];
  return [
    skew(
      namesOf(controllers),
      `${version} is ${String(target - present)} minor releases above the control plane (1.${String(present)}): it goes up one at a time`,
      `upgrade to 1.${String(present + 1)} first, then to each minor release up to this one`,
    ),
  ];
}

function tooNew(version: string, { target, present }: Minors, hosts: readonly HostState[]): Finding[] {
  if (target <= present || hosts.length === 0) return [];
  return [
    skew(
      namesOf(hosts),
      `${version} is above the control plane (1.${String(present)}), and the plan upgrades no controller: a kubelet must not be newer than the API server`,
      'upgrade the control plane first',
    ),
  ];
}

/** The hosts that are left behind as soon as the controllers have the target. */
function tooOld(hosts: readonly HostState[], { target, present }: Minors): Finding[] {
  const old = namesOf(hosts.filter((host) => (minorOf(host) ?? target) < target - OLDEST_KUBELET));
  if (old.length === 0) return [];
  return [
    skew(
      old,
      `${listed(old)} would be more than ${String(OLDEST_KUBELET)} minor releases older than the control plane with 1.${String(target)}`,
      `upgrade them to 1.${String(present)} first (controllerApplyType: ignore)`,
    ),
  ];
}

/**
 * The kubelets that keep the release when a rollback brings the control plane below it. Only a controller that never had
 * the release shows whether the one before is of the same minor release.
 */
export function skewOfRollback(
  { hosts }: Situation,
  release: TargetRelease,
  back: readonly HostState[],
): Finding[] {
  const target = release.fact === KUBELET_VERSION ? minorIn(release.version) : undefined;
  if (target === undefined || !back.some(isController)) return [];
  const before = lowestOf(hosts.filter((host) => isController(host) && lacksRelease(release, host.facts)));
  const kept = hosts.filter((host) => !back.includes(host) && (minorOf(host) ?? 0) >= target);
  if (kept.length === 0 || (before ?? 0) >= target) return [];
  const names = namesOf(kept);
  const keeps = `${listed(names)} ${names.length === 1 ? 'keeps' : 'keep'} 1.${String(target)}`;
  return [
    skew(
      names,
      `${keeps}, and the control plane is brought back from ${release.version}: a kubelet must not be newer than the API server`,
      before === undefined
        ? `make sure that the release before is of 1.${String(target)}, too; otherwise bring them back in the same plan (workerApplyType, storageApplyType)`
        : 'bring them back in the same plan (workerApplyType, storageApplyType)',
    ),
  ];
}

function skew(subjects: string[], message: string, remedy: string): Finding {
  return { severity: 'warns', reason: 'VersionSkew', subjects, message, remedy };
}

/** The APIs that somebody has used since the API server started, and that the target release no longer serves. */
export function removedApis(situation: Situation, { fact, version }: TargetRelease): Finding[] {
  const target = fact === KUBELET_VERSION ? minorIn(version) : undefined;
  if (target === undefined) return [];
  const used = situation.platform?.deprecatedApis;
  if (!used) return apisNotChecked(situation, target);
  const removed = used.filter(({ removedIn }) => (minorIn(removedIn) ?? Infinity) <= target);
  if (removed.length === 0) return [];
  const names = removed.map(({ api }) => api);
  return [
    {
      severity: 'warns',
      reason: 'RemovedApis',
      subjects: names,
      message: `the API server has had requests for APIs that ${version} does not serve: ${listed(removed.map(({ api, removedIn }) => `${api} (gone in ${removedIn})`))}`,
      remedy:
        'find out who sends them (field user of the audit log, annotation k8s.io/deprecated), and change it to the newer version of the API',
    },
  ];
}

/** Within a minor release no API goes. */
function apisNotChecked({ platform, hosts }: Situation, target: number): Finding[] {
  const present = minorIn(platform?.version) ?? lowestOf(hosts.filter(isController));
  if (present !== undefined && present >= target) return [];
  const because =
    platform?.deprecatedApisUnknown ?? 'nothing says which APIs are in use (platform.deprecatedApis)';
  return [
    {
      severity: 'tells',
      reason: 'ApisNotChecked',
      subjects: [],
      message: `whether APIs in use are gone in 1.${String(target)} was not checked, because ${because}`,
      remedy: 'look at the metric apiserver_requested_deprecated_apis of each API server',
    },
  ];
}

function isController({ roles }: HostState): boolean {
  return roles.includes('controller');
}

function minorOf({ facts }: HostState): number | undefined {
  return minorIn(facts[KUBELET_VERSION]);
}

function lowestOf(hosts: readonly HostState[]): number | undefined {
  const minors = hosts.flatMap((host) => minorOf(host) ?? []);
  return minors.length > 0 ? Math.min(...minors) : undefined;
}

function minorIn(version: string | undefined): number | undefined {
  const minor = /^v?1\.(\d+)/.exec(version ?? '')?.[1];
  return minor === undefined ? undefined : Number(minor);
}
