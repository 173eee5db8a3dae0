/**
 * The CEL rules of a PatchStrategy once more, for manifests that no API server
 * has seen. The messages are those of the schema; a test compares the two.
 */
import type { JobAction } from './host-action.ts';
import type { CurrentRequirement, PatchStrategySpec } from './patch-strategy-spec.ts';
import { REBOOT } from './vocabulary.ts';

export type BrokenRule = {
  readonly path: readonly PropertyKey[];
  readonly value: unknown;
  /** What would be right. */
  readonly message: string;
};

/** The rules that a spec of the right shape breaks; empty when the API server would take it. */
export function brokenRules(spec: PatchStrategySpec): BrokenRule[] {
  const { patches, reboot, controllerApplyType, storageApplyType, workerApplyType } = spec;
  const applyTypes = { controllerApplyType, storageApplyType, workerApplyType };
  const ids = patches.map(({ id }) => id);
  return [
    ...patches.flatMap(({ id, current, action }, at) => [
      ...when(
        id === REBOOT,
        ['patches', at, 'id'],
        id,
        `must not be "${REBOOT}": that names the reboot itself`,
      ),
      ...when(ids.indexOf(id) < at, ['patches', at, 'id'], id, 'each patch needs an id of its own'),
      ...current.flatMap((each, i) => brokenByRequirement(each, ['patches', at, 'current', i])),
      ...brokenByJob(action.job, ['patches', at, 'action', 'job']),
    ]),
    ...(reboot ? brokenByJob(reboot.job, ['reboot', 'job']) : []),
    ...when(
      !reboot && patches.some(({ rebootRequired }) => rebootRequired),
      ['reboot'],
      undefined,
      'spec.reboot must say how to reboot a host, because a patch has rebootRequired: true',
    ),
    ...when(
      Object.values(applyTypes).every((type) => type === 'ignore'),
      [],
      applyTypes,
      'controllerApplyType, storageApplyType and workerApplyType must not all be ignore',
    ),
  ];
}

function brokenByRequirement(
  { operator, values = [] }: CurrentRequirement,
  path: readonly PropertyKey[],
): BrokenRule[] {
  const at = [...path, 'values'];
  switch (operator) {
    case 'In':
    case 'NotIn':
      return when(values.length === 0, at, values, 'values must have at least one entry with In and NotIn');
    case 'Exists':
      return when(values.length > 0, at, values, 'values must be left out with Exists');
    case 'AtLeast':
      return when(
        values.length !== 1 || !/^v?[0-9]/.test(values[0] ?? ''),
        at,
        values,
        'values must be one version that begins with a number, such as ["6.12.48"], with AtLeast',
      );
  }
}

function brokenByJob({ template: { spec } }: JobAction, path: readonly PropertyKey[]): BrokenRule[] {
  const at = [...path, 'template', 'spec'];
  const { nodeName, nodeSelector, affinity, restartPolicy } = spec;
  return [
    ...when(
      [nodeName, nodeSelector, affinity].some((each) => each !== undefined),
      at,
      { nodeName, nodeSelector, affinity },
      'nodeName, nodeSelector and affinity must not be set: Careen pins the pod to the host it works on',
    ),
    ...when(
      restartPolicy !== undefined && restartPolicy !== 'Never',
      [...at, 'restartPolicy'],
      restartPolicy,
      'restartPolicy must be Never or left out',
    ),
  ];
}

function when(broken: boolean, path: readonly PropertyKey[], value: unknown, message: string): BrokenRule[] {
  return broken ? [{ path, value, message }] : [];
}
