/** What is wrong with pools, hosts and strategies. Pure. */
import type { V1Node } from '@kubernetes/client-node';
import { counted } from '../../crds/text/counted.ts';
import { CLAIM_ANNOTATION, HOST_CLAIM_LABEL, OPERATOR_NAMESPACE } from '../../crds/names.ts';
import { ownerText } from '../../crds/owner-ref.ts';
import { nodeState, type NodeState } from '../../hostops/kubernetes/node-facts.ts';
import type { HostPool } from '../../resources/stored-pool.ts';
import type { Located } from '../cluster/strategies.ts';
import type { Commands } from '../status/commands.ts';
import { isObserved, standingOf } from '../status/standing.ts';
import { check, type Check } from './check.ts';

export function poolChecks(pools: readonly HostPool[], commands: Commands): Check[] {
  if (pools.length === 0)
    return [
      check('problem', 'pools', 'there is no HostPool, so no strategy can work on any host', {
        does: 'make one',
        command: commands.kubectlCluster('apply -k deploy/pools'),
      }),
    ];
  return pools.map((pool) => poolCheck(pool, commands));
}

function poolCheck({ metadata, spec, status, unreadable }: HostPool, { kubectlCluster }: Commands): Check {
  const { name, generation } = metadata;
  const edit = kubectlCluster(`edit hostpool ${name}`);
  const about = `pool ${name}`;
  const stalled = status.conditions?.find(({ type, status: is }) => type === 'Stalled' && is === 'True');
  if (unreadable !== undefined)
    return check('problem', about, unreadable, { does: 'correct the named field', command: edit });
  if (stalled)
    return check('problem', about, stalled.message, {
      does: 'correct it: it grants nothing until then',
      command: edit,
    });
  if ((status.observedGeneration ?? -1) < generation)
    return check('warning', about, 'the operator has not seen it as it is now');
  if (spec.paused)
    return check('warning', about, 'it is paused (spec.paused): no outage begins', {
      does: 'end the pause, if it is over',
      command: kubectlCluster(`patch hostpool ${name} --type merge -p '{"spec":{"paused":false}}'`),
    });
  const { limit = 0, hosts = 0, away = 0, outOfService } = status;
  const others = outOfService?.count ?? 0;
  const message = `${counted(hosts, 'host')}, at most ${String(limit)} out of service at once; now ${String(away)} by Careen, ${String(others)} by others`;
  if (hosts === 0)
    return check('warning', about, 'it selects no host', { does: 'correct spec.provider', command: edit });
  return check('ok', about, message);
}

/** The pools whose hosts are no nodes: `hostChecks` says nothing of these. */
export function cloudChecks(pools: readonly HostPool[], commands: Commands): Check[] {
  return pools
    .filter(({ spec }) => spec.provider.openstack)
    .map(({ metadata: { name } }) =>
      check(
        'skipped',
        `hosts of pool ${name}`,
        'compute hosts of OpenStack, which this command does not read',
        {
          does: 'see which of them are claimed',
          command: commands.kubectlCluster(`-n ${OPERATOR_NAMESPACE} get leases -l ${HOST_CLAIM_LABEL}`),
        },
      ),
    );
}

/** Claims that nobody ends, and hosts that stay locked until a person opens them. */
export function hostChecks(
  nodes: readonly V1Node[],
  strategies: readonly Located[],
  commands: Commands,
): Check[] {
  const owners = new Set(strategies.map(({ strategy }) => strategy.metadata.uid));
  const found = nodes.map((node) => nodeState(node)).flatMap((node) => hostCheck(node, owners, commands));
  return found.length > 0
    ? found
    : [check('ok', 'hosts', `${counted(nodes.length, 'node')}: no stuck claim, and none left locked`)];
}

function hostCheck(node: NodeState, owners: ReadonlySet<string>, commands: Commands): Check[] {
  const { name, claim, spoiltClaim, leftLocked, closedToNewWork } = node;
  const about = `host ${name}`;
  if (spoiltClaim !== undefined)
    return [
      check('problem', about, `${spoiltClaim}: nobody acts on it, and no run may take the host`, {
        does: 'when nobody works on it, remove the annotation',
        command: commands.kubectlCluster(`annotate node ${name} ${CLAIM_ANNOTATION}-`),
      }),
    ];
  if (claim && !owners.has(claim.owner.uid))
    return [
      check(
        'problem',
        about,
        `it is claimed by ${ownerText(claim.owner)}, which does not exist; a running operator ends that by itself`,
        {
          does: 'see what it is, and whether the operator runs',
          command: commands.other(`explain ${name}`),
        },
      ),
    ];
  if (leftLocked && closedToNewWork && !claim)
    return [
      check('warning', about, 'Careen left it locked, for a person to inspect', {
        does: 'see why, then open it by kubectl uncordon',
        command: commands.other(`explain ${name}`),
      }),
    ];
  return [];
}

/** Permits of runs that do not exist: they keep others from being granted. */
export function permitChecks(pools: readonly HostPool[], strategies: readonly Located[]): Check[] {
  const alive = new Set(strategies.flatMap(({ strategy: { status } }) => status.run?.id ?? []));
  const checks = pools.flatMap(({ metadata: { name }, status: { permits = [], runs = [] } }) => {
    const stray = permits.filter(({ run }) => !alive.has(run));
    if (stray.length === 0) return [];
    const owners = runs.filter(({ id }) => !alive.has(id)).map(({ owner }) => ownerText(owner));
    const of = owners.length > 0 ? ` (of ${owners.join(', ')})` : '';
    const message =
      `permits for ${stray
        .slice(0, 3)
        .map(({ host }) => host)
        .join(', ')} are held by runs that do not exist${of}; ` + 'a running operator frees them by itself';
    return [check('problem', `pool ${name}`, message)];
  });
  return checks.length > 0 ? checks : [check('ok', 'permits', 'each belongs to a run that exists')];
}

export function strategyChecks(strategies: readonly Located[], commands: Commands): Check[] {
  const found = strategies.flatMap(({ strategy }) => {
    const { namespace, name } = strategy.metadata;
    const about = `strategy ${namespace}/${name}`;
    const todo = { does: 'see what to do', command: commands.other(`status ${name} -n ${namespace}`) };
    const { message = '' } = strategy.status;
    if (!isObserved(strategy))
      return [check('warning', about, 'the operator has not seen it as it is now', todo)];
    return standingOf(strategy) === 'failed' ? [check('problem', about, message, todo)] : [];
  });
  return found.length > 0
    ? found
    : [
        check(
          'ok',
          'strategies',
          `${counted(strategies.length, 'strategy').replace(/ys$/, 'ies')}: none is stopped`,
        ),
      ];
}
