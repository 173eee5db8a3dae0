/** Whether the API server, the kinds and the operator are there, and of one version. Pure. */
import { z } from 'zod';
import { DEPLOYMENT_NAME, OPERATOR_NAMESPACE } from '../../crds/names.ts';
import { crdName } from '../../resources/outdated-kind-error.ts';
import { LEASE, type Leader } from '../cluster/leader.ts';
import { versionSkew, type Versions } from '../cluster/versions.ts';
import type { Commands } from '../status/commands.ts';
import { lasted } from '../text/since.ts';
import { check, type Check } from './check.ts';

export const deploymentSchema = z.object({
  spec: z.object({ replicas: z.int().default(1) }),
  status: z.object({ readyReplicas: z.int().default(0) }).prefault({}),
});
export type Deployment = z.infer<typeof deploymentSchema>;

/** What was read of something, or why it could not be read. */
export type Read<T> = { readonly found: T | undefined } | { readonly unknown: string };

export function serverCheck({ server }: Versions, address: string): Check {
  const version = server?.version;
  return version === undefined
    ? check('problem', 'API server', server?.unknown ?? 'its version is not known')
    : check('ok', 'API server', `${version} at ${address}`);
}

export function kindChecks({ kinds = [] }: Versions, { kubectlCluster }: Commands): Check[] {
  return kinds.map(({ plural, problem, unknown }) => {
    if (problem !== undefined)
      return check('problem', 'kinds', problem, {
        does: 'apply the CRDs of this version, or the chart careen-crds',
        command: kubectlCluster('apply --server-side -k deploy/crds'),
      });
    if (unknown !== undefined)
      return check('skipped', 'kinds', `${crdName(plural)} cannot be read: ${unknown}`);
    return check('ok', 'kinds', `${crdName(plural)} is that of this version`);
  });
}

export function operatorCheck(leader: Leader, { kubectlCluster }: Commands): Check {
  const todo = {
    does: 'see why none runs; to try Careen out, careen run',
    command: kubectlCluster(`-n ${OPERATOR_NAMESPACE} get pods`),
  };
  switch (leader.kind) {
    case 'none':
      return check('problem', 'operator', `none runs: nobody holds ${LEASE}`, todo);
    case 'unknown':
      return check('skipped', 'operator', leader.because);
    case 'held': {
      const { holder, fresh, secondsAgo } = leader;
      const ago = secondsAgo === undefined ? '' : `, ${lasted(secondsAgo)} ago`;
      return fresh
        ? check('ok', 'operator', `${holder} leads; it renewed ${LEASE}${ago}`)
        : check(
            'problem',
            'operator',
            `none runs: ${holder} holds ${LEASE} and does not renew it${ago}`,
            todo,
          );
    }
  }
}

export function deploymentCheck(
  read: Read<Deployment>,
  versions: Versions,
  { kubectlCluster }: Commands,
): Check {
  const about = 'deployment';
  const name = `${OPERATOR_NAMESPACE}/${DEPLOYMENT_NAME}`;
  if ('unknown' in read) return check('skipped', about, read.unknown);
  if (!read.found)
    return check(
      'warning',
      about,
      `there is no Deployment ${name}: whatever leads was started by hand, as by careen run`,
      {
        does: 'install the operator',
        command: kubectlCluster('apply -k deploy'),
      },
    );
  const { spec, status } = read.found;
  const ready = `${String(status.readyReplicas)} of ${String(spec.replicas)} replicas of ${name} are ready`;
  const skew = versionSkew(versions);
  if (skew !== undefined) return check('warning', about, `${ready}; ${skew}`);
  if (status.readyReplicas >= spec.replicas && spec.replicas > 0)
    return check('ok', about, `${ready}, image ${versions.operator?.image ?? 'not known'}`);
  return check(status.readyReplicas === 0 ? 'problem' : 'warning', about, ready, {
    does: 'see why the others are not ready',
    command: kubectlCluster(`-n ${OPERATOR_NAMESPACE} describe pods`),
  });
}
