/** The rights that the operator and the callers of commands need. Pure; a test compares those of the operator with deploy. */
import { GROUP, LEASE_NAME, OPERATOR_NAMESPACE } from '../../crds/names.ts';
import { enumerated } from '../../crds/text/enumerated.ts';
import { STRATEGY_KIND_NAMES, STRATEGY_KINDS } from '../../crds/strategy-kinds.ts';
import { OUR_KINDS } from '../../resources/served-kinds.ts';
import { crdName } from '../../resources/outdated-kind-error.ts';
import type { StrategyKind } from '../cluster/kinds.ts';
import type { Commands } from '../status/commands.ts';
import { check, type Check } from './check.ts';

/** One right, as an access review asks for it. */
export type Right = {
  readonly group: string;
  /** Or a path that is no resource, such as `/metrics`. */
  readonly resource: string;
  readonly subresource?: string;
  readonly verb: string;
  readonly name?: string;
  readonly namespace?: string;
};

type Rule = readonly [group: string, resource: string, verbs: readonly string[], names?: readonly string[]];

const STRATEGIES = STRATEGY_KIND_NAMES.map((kind) => STRATEGY_KINDS[kind].definition.plural);

/** deploy/base/rbac/operator.yaml */
const EVERYWHERE: readonly Rule[] = [
  ['', 'nodes', ['get', 'list', 'watch', 'patch']],
  ['', 'pods', ['list', 'watch']],
  ['', 'pods/eviction', ['create']],
  ['policy', 'poddisruptionbudgets', ['list']],
  ...STRATEGIES.map((plural): Rule => [GROUP, plural, ['get', 'list', 'watch', 'patch', 'delete']]),
  [GROUP, 'hostpools', ['get', 'list', 'watch']],
  [GROUP, 'planstages', ['get', 'list', 'create', 'delete']],
  ...STRATEGIES.map((plural): Rule => [GROUP, `${plural}/status`, ['patch']]),
  [GROUP, 'planstages/status', ['patch']],
  [GROUP, 'hostpools/status', ['patch']],
  [GROUP, 'maintenancenotices', ['get', 'list', 'watch', 'create', 'delete']],
  [GROUP, 'maintenancenotices/status', ['patch']],
  [GROUP, 'instanceconstraints', ['list', 'watch']],
  [GROUP, 'instancegroupconstraints', ['list', 'watch']],
  [GROUP, 'maintenancewebhooks', ['list', 'watch']],
  [GROUP, 'maintenancewebhooks/status', ['patch']],
  [
    'apiextensions.k8s.io',
    'customresourcedefinitions',
    ['list', 'watch'],
    OUR_KINDS.map(({ plural }) => crdName(plural)),
  ],
  ['discovery.k8s.io', 'endpointslices', ['list']],
  ['events.k8s.io', 'events', ['create', 'patch']],
];

/** Paths of the API server that are no resources. */
const PATHS: readonly Right[] = ['/metrics', '/readyz', '/version'].map((path) => ({
  group: '',
  resource: path,
  verb: 'get',
}));

/** deploy/base/rbac/lease.yaml */
const LEASE: readonly Rule[] = [
  ['coordination.k8s.io', 'leases', ['get', 'list', 'watch', 'patch'], [LEASE_NAME]],
  ['coordination.k8s.io', 'leases', ['create']],
];

/** deploy/base/rbac/jobs.yaml */
const JOBS: readonly Rule[] = [
  ['batch', 'jobs', ['get', 'list', 'watch', 'create', 'patch', 'delete', 'deletecollection']],
  ['events.k8s.io', 'events', ['list']],
  ['', 'configmaps', ['get', 'create']],
];

function rightsOf(rules: readonly Rule[], namespace?: string): Right[] {
  return rules.flatMap(([group, path, verbs, names = ['']]) => {
    const [resource = '', subresource] = path.split('/');
    return names.flatMap((name) =>
      verbs.map((verb) => ({
        ...{ group, resource, verb },
        ...(subresource === undefined ? {} : { subresource }),
        ...(name === '' ? {} : { name }),
        ...(namespace === undefined ? {} : { namespace }),
      })),
    );
  });
}

/** A right as a review asks for it. */
export function attributesOf({ resource, ...right }: Right): object {
  return resource.startsWith('/')
    ? { nonResourceAttributes: { path: resource, verb: right.verb } }
    : { resourceAttributes: { ...right, resource } };
}

/** What the operator needs in any case. */
export const OPERATOR_RIGHTS: readonly Right[] = [
  ...rightsOf(EVERYWHERE),
  ...PATHS,
  ...rightsOf(LEASE, OPERATOR_NAMESPACE),
];

/** What the operator needs in a namespace of strategies. */
export function jobRights(namespace: string): readonly Right[] {
  return rightsOf(JOBS, namespace);
}

export type NeededBy = {
  readonly commands: string;
  readonly rights: readonly Right[];
  readonly role?: string;
};

/** What the caller needs, by commands. */
export function callerRights(kinds: readonly StrategyKind[], namespace: string): readonly NeededBy[] {
  const strategies = (verbs: readonly string[]): Right[] =>
    rightsOf(
      kinds.map(({ definition: { plural } }): Rule => [GROUP, plural, verbs]),
      namespace,
    );
  return [
    { commands: 'status, watch', rights: strategies(['get', 'list', 'watch']), role: 'careen-viewer' },
    {
      commands: 'apply, approve, hold, suspend, abort, retry, resume, release, skip',
      rights: strategies(['get', 'list', 'watch', 'patch']),
      role: 'careen-approver',
    },
    {
      commands: 'plan, simulate, fleet',
      rights: rightsOf([
        [GROUP, 'hostpools', ['list']],
        ['', 'nodes', ['list']],
      ]),
    },
    {
      commands: 'explain',
      rights: rightsOf([
        [GROUP, 'hostpools', ['list']],
        ['', 'nodes', ['get', 'list']],
      ]),
    },
    {
      commands: 'the budgets that status names',
      rights: rightsOf([
        ['', 'pods', ['list']],
        ['policy', 'poddisruptionbudgets', ['list']],
      ]),
    },
  ];
}

/** Which of these rights somebody has. */
export type Reviewed = ReadonlyMap<Right, boolean>;

export function callerChecks(
  needed: readonly NeededBy[],
  reviewed: Reviewed,
  namespace: string,
  { kubectl }: Commands,
): Check[] {
  return needed.map(({ commands, rights, role }) => {
    const missing = rights.filter((right) => reviewed.get(right) !== true);
    if (missing.length === 0) return check('ok', 'your rights', `all that ${commands} need`);
    const message = `no right to ${listed(missing)}: ${commands} ${missing.length === rights.length ? 'do not work' : 'work in part'}`;
    return check('warning', 'your rights', message, {
      does: `an administrator grants it in ${namespace}`,
      command: kubectl(`create rolebinding NAME --clusterrole=${role ?? 'NAME'} --user=NAME`),
    });
  });
}

/** @param reviewed undefined when the caller may not ask for the rights of others, `why` says so */
export function operatorChecks(
  reviewed: Reviewed | undefined,
  why: string,
  { kubectlCluster }: Commands,
): Check[] {
  if (!reviewed) return [check('skipped', 'rights of the operator', why)];
  const missing = OPERATOR_RIGHTS.filter((right) => reviewed.get(right) !== true);
  if (missing.length === 0) return [check('ok', 'rights of the operator', 'all of deploy/base/rbac')];
  return [
    check('problem', 'rights of the operator', `its service account has no right to ${listed(missing)}`, {
      does: 'apply the rights of this version, or the chart again',
      command: kubectlCluster('apply -k deploy/base'),
    }),
  ];
}

/** @param namespaces each with whether strategies are there */
export function namespaceChecks(
  namespaces: ReadonlyMap<string, boolean>,
  reviewed: Reviewed | undefined,
  why: string,
  { kubectlCluster }: Commands,
): Check[] {
  if (!reviewed) return [check('skipped', 'namespaces', why)];
  return [...namespaces].map(([namespace, hasStrategies]) => {
    const missing = [...reviewed].filter(
      ([right, has]) => right.namespace === namespace && isOfJobs(right) && !has,
    );
    if (missing.length === 0)
      return check('ok', 'namespaces', `${namespace} is prepared for the Jobs of strategies`);
    const message =
      `${namespace} is not prepared: the operator has no right there to ${listed(missing.map(([right]) => right))}` +
      (hasStrategies ? ', and there are strategies' : '');
    return check(hasStrategies ? 'problem' : 'warning', 'namespaces', message, {
      does: 'let the operator run Jobs there',
      command: kubectlCluster(
        `-n ${namespace} create rolebinding careen-jobs --clusterrole=careen-jobs --serviceaccount=${OPERATOR_NAMESPACE}:careen`,
      ),
    });
  });
}

function isOfJobs({ group }: Right): boolean {
  return group !== 'coordination.k8s.io';
}

const NAMED = 4;

/** `get nodes, patch patchstrategies and upgradestrategies` */
function listed(rights: readonly Right[]): string {
  const words = [...Map.groupBy(rights, ({ verb }) => verb)].map(
    ([verb, ofVerb]) => `${verb} ${enumerated(atMost([...new Set(ofVerb.map(resourceText))]), 'and')}`,
  );
  return words.length > NAMED ? enumerated(atMost(words), 'and') : words.join(', ');
}

function atMost(words: readonly string[]): readonly string[] {
  const more = words.length - NAMED;
  return more > 0 ? [...words.slice(0, NAMED), `${String(more)} more`] : words;
}

function resourceText({ resource, subresource }: Right): string {
  return `${resource}${subresource === undefined ? '' : `/${subresource}`}`;
}
