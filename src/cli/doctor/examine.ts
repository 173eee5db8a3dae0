/** Reads everything that `careen doctor` judges. Each part is judged as far as it can be read. */
import type { KubernetesObject, V1Node } from '@kubernetes/client-node';
import { z } from 'zod';
import { DEPLOYMENT_NAME, OPERATOR_NAMESPACE } from '../../crds/names.ts';
import { call, rawList } from '../../kube/client.ts';
import { POOLS, POOLS_PATH } from '../../resources/paths.ts';
import { hostPool, type HostPool } from '../../resources/stored-pool.ts';
import { asking, isAbsent, type Ask } from '../cluster/asking.ts';
import type { Connection } from '../cluster/connection.ts';
import { STRATEGY_KINDS } from '../cluster/kinds.ts';
import { readLeader } from '../cluster/leader.ts';
import { listStrategies } from '../cluster/strategies.ts';
import { allVersions } from '../cluster/versions.ts';
import { CommandError } from '../command-error.ts';
import type { Commands } from '../status/commands.ts';
import { check, type Check } from './check.ts';
import { cloudChecks, hostChecks, permitChecks, poolChecks, strategyChecks } from './fleet-checks.ts';
import {
  deploymentCheck,
  deploymentSchema,
  kindChecks,
  operatorCheck,
  serverCheck,
  type Read,
} from './installation-checks.ts';
import {
  callerChecks,
  callerRights,
  jobRights,
  namespaceChecks,
  operatorChecks,
  attributesOf,
  OPERATOR_RIGHTS,
  type Reviewed,
  type Right,
} from './rights.ts';

/** Never throws CommandError. A server that does not answer is the only check. */
export async function examine(
  connection: Connection,
  commands: Commands,
  now: number,
): Promise<readonly Check[]> {
  const versions = await allVersions(connection, now);
  const server = serverCheck(versions, connection.server);
  if (server.level !== 'ok') return [server];
  const [leader, deployment, pools, strategies, nodes] = await Promise.all([
    readLeader(connection, now),
    deploymentOf(connection),
    poolsOf(connection),
    found(listStrategies(connection, undefined)),
    nodesOf(connection),
  ]);
  const namespaces = namespacesOf(pools, strategies);
  const rights = await rightChecks(connection, commands, namespaces);
  return [
    server,
    ...kindChecks(versions, commands),
    operatorCheck(leader, commands),
    deploymentCheck(deployment, versions, commands),
    ...rights,
    ...judged(pools, 'pools', (each) => poolChecks(each, commands)),
    ...judged(strategies, 'strategies', (each) => strategyChecks(each, commands)),
    ...judged(both(nodes, strategies), 'hosts', ([each, all]) => hostChecks(each, all, commands)),
    ...('value' in pools ? cloudChecks(pools.value, commands) : []),
    ...judged(both(pools, strategies), 'permits', ([each, all]) => permitChecks(each, all)),
  ];
}

type Known<T> = { readonly value: T } | { readonly unknown: string };

async function found<T>(reading: Promise<T>): Promise<Known<T>> {
  try {
    return { value: await reading };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return { unknown: error.message };
  }
}

function both<A, B>(a: Known<A>, b: Known<B>): Known<readonly [A, B]> {
  if ('unknown' in a) return a;
  return 'unknown' in b ? b : { value: [a.value, b.value] };
}

function judged<T>(known: Known<T>, about: string, judge: (value: T) => readonly Check[]): readonly Check[] {
  return 'unknown' in known ? [check('skipped', about, known.unknown)] : judge(known.value);
}

async function deploymentOf({
  config,
  ...rest
}: Connection): Promise<Read<z.infer<typeof deploymentSchema>>> {
  const namespace = OPERATOR_NAMESPACE;
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${DEPLOYMENT_NAME}`;
  const ask: Ask = { verb: 'get', resource: 'deployments', namespace };
  try {
    const object = await asking({ config, ...rest }, ask, () =>
      call<unknown>(config, { method: 'GET', path }),
    );
    return { found: deploymentSchema.parse(object) };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return isAbsent(error.cause) ? { found: undefined } : { unknown: error.message };
  }
}

async function poolsOf(connection: Connection): Promise<Known<readonly HostPool[]>> {
  const objects = await found(
    asking(connection, { verb: 'list', resource: POOLS }, () =>
      rawList<KubernetesObject>(connection.config, POOLS_PATH, {}),
    ),
  );
  if ('unknown' in objects) return objects;
  return { value: objects.value.flatMap((object) => hostPool.safeParse(object).data ?? []) };
}

async function nodesOf(connection: Connection): Promise<Known<readonly V1Node[]>> {
  const ask: Ask = { verb: 'list', resource: 'nodes' };
  return found(asking(connection, ask, () => rawList<V1Node>(connection.config, '/api/v1/nodes', {})));
}

/** The namespaces that pools allow and those of strategies, each with whether strategies are there. */
function namespacesOf(
  pools: Known<readonly HostPool[]>,
  strategies: Awaited<ReturnType<typeof found<Awaited<ReturnType<typeof listStrategies>>>>>,
): ReadonlyMap<string, boolean> {
  const all =
    'value' in strategies ? strategies.value.map(({ strategy }) => strategy.metadata.namespace) : [];
  const allowed = 'value' in pools ? pools.value.flatMap(({ spec }) => spec.allowedNamespaces) : [];
  return new Map([
    ...allowed.map((each) => [each, false] as const),
    ...all.map((each) => [each, true] as const),
  ]);
}

async function rightChecks(
  connection: Connection,
  commands: Commands,
  namespaces: ReadonlyMap<string, boolean>,
): Promise<readonly Check[]> {
  const needed = callerRights(STRATEGY_KINDS, connection.namespace);
  const ofOperator = [...OPERATOR_RIGHTS, ...[...namespaces.keys()].flatMap(jobRights)];
  const [own, operator] = await Promise.all([
    found(
      reviewed(
        connection,
        needed.flatMap(({ rights }) => rights),
      ),
    ),
    found(reviewed(connection, ofOperator, OPERATOR)),
  ]);
  const why = 'unknown' in operator ? operator.unknown : '';
  const known = 'value' in operator ? operator.value : undefined;
  return [
    ...judged(own, 'your rights', (each) => callerChecks(needed, each, connection.namespace, commands)),
    ...operatorChecks(known, why, commands),
    ...namespaceChecks(namespaces, known, why, commands),
  ];
}

type Subject = { readonly user: string; readonly groups: readonly string[] };

/** The service account of the operator, with the groups that every service account has. */
const OPERATOR: Subject = {
  user: `system:serviceaccount:${OPERATOR_NAMESPACE}:careen`,
  groups: ['system:serviceaccounts', `system:serviceaccounts:${OPERATOR_NAMESPACE}`, 'system:authenticated'],
};

const review = z.object({ status: z.object({ allowed: z.boolean() }) });

/** Asks the API server which of these rights the caller, or somebody else, has. A review stores nothing. */
async function reviewed(
  connection: Connection,
  rights: readonly Right[],
  subject?: Subject,
): Promise<Reviewed> {
  const [kind, resource] = subject
    ? (['SubjectAccessReview', 'subjectaccessreviews'] as const)
    : (['SelfSubjectAccessReview', 'selfsubjectaccessreviews'] as const);
  const apiVersion = 'authorization.k8s.io/v1';
  const answers = await Promise.all(
    rights.map(async (right) => {
      const body = { apiVersion, kind, spec: { ...subject, ...attributesOf(right) } };
      const request = () =>
        call<unknown>(connection.config, { method: 'POST', path: `/apis/${apiVersion}/${resource}`, body });
      const { status } = review.parse(await asking(connection, { verb: 'create', resource }, request));
      return [right, status.allowed] as const;
    }),
  );
  return new Map(answers);
}
