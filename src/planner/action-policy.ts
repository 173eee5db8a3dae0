/**
 * The rules of a pool for the actions of strategies. A pod template is judged field by field: a rule refuses every
 * value that it does not know to be harmless.
 */
import type { ActionPolicy } from '../crds/action-policy.ts';
import type { JobAction } from '../crds/host-action.ts';
import type { PlanActions } from '../crds/patch-strategy-spec.ts';
import { misshapen, podFields, type PodField } from './pod-fields.ts';

/** The part of a pool that decides who may use it, and with which actions. */
export type PoolPolicy = {
  readonly name: string;
  readonly allowedNamespaces: readonly string[];
  readonly actionPolicy: ActionPolicy;
};

type Rule = {
  readonly name: keyof ActionPolicy;
  /** The kinds of fields that the rule applies to, see PodField. */
  readonly about: RegExp;
  readonly admits: (value: unknown, policy: ActionPolicy, fields: readonly PodField[]) => boolean;
  /** The advice on a permitted value. */
  readonly remedy: (policy: ActionPolicy) => string;
};

/** The fields that give a pod a token or certificate of its service account. */
const TOKEN =
  /^spec\.(automountServiceAccountToken|volumes\.projected\.sources\.(serviceAccountToken\.path|podCertificate\.signerName))$/;

const RULES: readonly Rule[] = [
  {
    name: 'images',
    about: /^spec\.((containers|initContainers|ephemeralContainers)\.image|volumes\.image\.reference)$/,
    admits: (value, { images }) => !images || images.some((pattern) => matches(String(value), pattern)),
    remedy: ({ images = [] }) => oneOf('use an image of', images),
  },
  privilege(/^spec\.(hostPID|hostIPC|hostNetwork)$/, [false]),
  privilege(/^spec\..*securityContext\.(privileged|allowPrivilegeEscalation)$/, [false]),
  privilege(/^spec\..*securityContext\.windowsOptions\.hostProcess$/, [false]),
  privilege(/^spec\..*securityContext\.procMount$/, ['Default']),
  privilege(/^spec\..*securityContext\.(seccomp|appArmor)Profile\.type$/, ['RuntimeDefault', 'Localhost']),
  privilege(/^spec\..*securityContext\.(capabilities\.add|sysctls\.name|seLinuxOptions\..*)$/, []),
  privilege(/^spec\..*\.ports\.hostPort$/, [0]),
  privilege(/^metadata\.annotations\.container\.apparmor\./, ['runtime/default']),
  {
    name: 'hostMounts',
    about: /^spec\.volumes\.hostPath\.path$/,
    admits: (value, { hostMounts }) => !hostMounts || hostMounts.some((prefix) => isBelow(value, prefix)),
    remedy: ({ hostMounts = [] }) => oneOf('mount a path below', hostMounts),
  },
  {
    name: 'serviceAccounts',
    about: /^spec\.(serviceAccountName|serviceAccount)$/,
    admits: isListedAccount,
    remedy: ({ serviceAccounts }) => oneOf('use', serviceAccounts),
  },
  {
    name: 'serviceAccounts',
    about: TOKEN,
    admits: (value, policy, fields) => value === false || namesListedAccount(policy, fields),
    remedy: ({ serviceAccounts }) => oneOf('set serviceAccountName to', serviceAccounts),
  },
  {
    name: 'secrets',
    about: /^spec\..*\.((secret|secretRef|secretKeyRef|nodePublishSecretRef)\.name|secretName)$/i,
    admits: (value, { secrets }) => secrets.some((name) => name === value),
    remedy: ({ secrets }) => oneOf('use', secrets),
  },
];

/** A rule about fields that give access beyond the container, except for these harmless values. */
function privilege(about: RegExp, harmless: readonly unknown[]): Rule {
  return {
    name: 'privileged',
    about,
    admits: (value, { privileged }) => privileged || harmless.includes(value),
    remedy: () => 'leave it out',
  };
}

/**
 * Why a strategy in `namespace` may not use the pool for its actions: one sentence for each field that breaks a rule,
 * with the value found and a permitted one. Empty when all fields are permitted.
 */
export function policyViolations(
  actions: Readonly<Pick<PlanActions, 'patches' | 'reboot'>>,
  namespace: string,
  pool: PoolPolicy,
  operatorNamespace: string,
): string[] {
  const jobs = actions.patches.map(({ action }, at) => ({
    at: `spec.patches[${String(at)}].action.job.template`,
    job: action.job,
  }));
  if (actions.reboot) jobs.push({ at: 'spec.reboot.job.template', job: actions.reboot.job });
  return [
    ...namespaceViolations(namespace, pool, operatorNamespace),
    ...jobs.flatMap(({ at, job }) => jobViolations(at, job, pool)),
  ];
}

function namespaceViolations(
  namespace: string,
  { name, allowedNamespaces }: PoolPolicy,
  operatorNamespace: string,
): string[] {
  const others = allowedNamespaces.filter((each) => each !== operatorNamespace);
  if (others.includes(namespace)) return [];
  const why = namespace === operatorNamespace ? 'never admits: Careen itself runs there' : 'does not admit';
  return [
    `metadata.namespace is "${namespace}", which rule allowedNamespaces of HostPool ${name} ${why}; ` +
      oneOf('make the strategy in', others),
  ];
}

function jobViolations(at: string, { template }: JobAction, { name, actionPolicy }: PoolPolicy): string[] {
  const unreadable = misshapen(template).map(
    ({ path, problem }) =>
      `${at}.${path} cannot be read, so no rule of HostPool ${name} admits it: ${problem}`,
  );
  const fields = podFields(template);
  const against = (field: PodField): string[] =>
    RULES.filter(
      ({ about, admits }) => about.test(field.kind) && !admits(field.value, actionPolicy, fields),
    ).map(
      (rule) =>
        `${at}.${field.path} is ${shown(field.value)}, ` +
        `which rule actionPolicy.${rule.name} of HostPool ${name} does not admit; ${rule.remedy(actionPolicy)}`,
    );
  return [...unreadable, ...fields.flatMap(against)];
}

function matches(image: string, pattern: string): boolean {
  return pattern.endsWith('*') ? image.startsWith(pattern.slice(0, -1)) : image === pattern;
}

/** Whether a path is the prefix or lies below it, segment by segment. A path with `..` never does. */
function isBelow(path: unknown, prefix: string): boolean {
  if (typeof path !== 'string' || !path.startsWith('/')) return false;
  const [found, wanted] = [segments(path), segments(prefix)];
  return !found.includes('..') && wanted.every((segment, at) => found[at] === segment);
}

function segments(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '' && segment !== '.');
}

function isListedAccount(value: unknown, { serviceAccounts }: ActionPolicy): boolean {
  return serviceAccounts.some((name) => name === value);
}

function namesListedAccount(policy: ActionPolicy, fields: readonly PodField[]): boolean {
  return fields.some(
    ({ kind, value }) => kind === 'spec.serviceAccountName' && isListedAccount(value, policy),
  );
}

function oneOf(advice: string, allowed: readonly string[]): string {
  if (allowed.length === 0) return 'it admits none, leave it out';
  const more = allowed.length > 5 ? ` or ${String(allowed.length - 5)} others` : '';
  return `${advice} ${allowed.slice(0, 5).join(', ')}${more}`;
}

function shown(value: unknown): string {
  const json = JSON.stringify(value);
  return json.length <= 120 ? json : `${json.slice(0, 119)}…`;
}
