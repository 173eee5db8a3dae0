import type { HostPoolSpec } from '../../crds/host-pool.ts';
import type { StrategySpec } from '../../crds/spec/strategy-spec.ts';
import { KUBELET_VERSION } from './facts.ts';
import { isGoal } from './work.ts';

/**
 * The spec as far as the hosts of this provider can show it. An upgrade that names no fact compares the version of the
 * kubelet, which compute hosts of an OpenStack do not have: there nothing shows the release. Each run then upgrades each
 * host once, and brings none back.
 */
export function shownBy({ openstack }: HostPoolSpec['provider'], spec: StrategySpec): StrategySpec {
  if (!openstack || spec.release?.fact !== KUBELET_VERSION) return spec;
  const { fact: _, ...release } = spec.release;
  return {
    ...spec,
    release: { ...release, waysBack: [] },
    patches: spec.patches.map((work) => (isGoal(work) ? { ...work, current: [] } : work)),
  };
}
