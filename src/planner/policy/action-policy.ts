/**
 * The rules of a pool for the actions of strategies. As soon as a pool sets a rule, only the fields of a pod that are
 * allowed on purpose are admitted (pod-shape.ts): always, or by a rule.
 */
import { DEFAULT_VOLUMES, type ActionPolicy, type PodPolicy } from '../../crds/spec/action-policy.ts';
import type { JobAction } from '../../crds/spec/host-action.ts';
import { fieldOfWork, type PlanActions } from '../../crds/spec/strategy-spec.ts';
import { oneOf } from './one-of.ts';
import { podFields, type PodField } from './pod-fields.ts';
import type { RuleId } from './pod-shape.ts';

/** A pool by the part that limits the actions. */
type PolicyOwner = {
  readonly name: string;
  readonly actionPolicy: ActionPolicy;
  /** Undefined where nobody has read them. */
  readonly configMaps?: ConfigMaps | undefined;
};

/** Why the content of a ConfigMap may change, by its name. A ConfigMap that is not here is immutable. */
export type ConfigMaps = ReadonlyMap<string, string>;

/** A policy in which each rule has a value: undefined admits everything. */
type Allowed = { readonly [Name in keyof PodPolicy]: PodPolicy[Name] } & {
  /** Whether fields that no rule knows are refused. */
  readonly isStrict: boolean;
  readonly configMaps: ConfigMaps | undefined;
};

type Rule = {
  readonly name: keyof PodPolicy;
  readonly admits: (field: PodField, allowed: Allowed, template: JobAction['template']) => boolean;
  /** The advice on a permitted value. */
  readonly remedy: (allowed: Allowed, field: PodField) => string;
  /** Whether a message may show the value of a refused field. */
  readonly shows: boolean;
};

/** A registry checks the content of such an image. */
const BY_DIGEST = /@sha(256:[0-9a-f]{64}|512:[0-9a-f]{128})$/;

const RULES: Readonly<Record<RuleId, Rule>> = {
  images: listing('images', 'use an image of', matchesOne),
  requireDigests: {
    name: 'requireDigests',
    admits: ({ value }, { requireDigests }) => !requireDigests || BY_DIGEST.test(String(value)),
    remedy: () => 'name it by its digest, IMAGE@sha256:…',
    shows: true,
  },
  requireImmutableConfigMaps: {
    name: 'requireImmutableConfigMaps',
    admits: ({ value }, { requireImmutableConfigMaps, configMaps }) =>
      !requireImmutableConfigMaps || configMaps?.has(String(value)) !== true,
    remedy: ({ configMaps }, { value }) =>
      `${configMaps?.get(String(value)) ?? ''}: make the ConfigMap with immutable: true`,
    shows: true,
  },
  privileged: {
    name: 'privileged',
    admits: (_field, { privileged }) => privileged,
    remedy: () => 'leave it out',
    shows: true,
  },
  hostMounts: listing('hostMounts', 'mount a path below', (value, prefixes) =>
    prefixes.some((prefix) => isBelow(value, prefix)),
  ),
  volumes: ofNames('volumes', 'use a volume of type'),
  serviceAccounts: listing('serviceAccounts', 'use', includes),
  tokens: {
    name: 'serviceAccounts',
    admits: (_field, { serviceAccounts }, { spec }) => includes(spec['serviceAccountName'], serviceAccounts),
    remedy: ({ serviceAccounts }) => oneOf('set serviceAccountName to', serviceAccounts),
    shows: true,
  },
  secrets: listing('secrets', 'use', includes),
  priorityClasses: listing('priorityClasses', 'use', includes),
  runtimeClasses: listing('runtimeClasses', 'use', includes),
  devices: {
    ...listing('devices', 'use', includes),
    admits: ({ name, value }, { devices }) =>
      !devices || includes(CLAIM_FIELDS.has(name) ? value : name, devices),
  },
  labels: ofNames('labels', 'use'),
  annotations: ofNames('annotations', 'use'),
  maxGraceSeconds: {
    name: 'maxGraceSeconds',
    admits: ({ value }, { maxGraceSeconds: max }) => max === undefined || Number(value) <= max,
    remedy: ({ maxGraceSeconds = 0 }) => `set it to ${String(maxGraceSeconds)} or less`,
    shows: true,
  },
};

/** The fields that name a claim of devices. Other fields under the rule are amounts, by the name of the device. */
const CLAIM_FIELDS: ReadonlySet<string> = new Set(['resourceClaimName', 'resourceClaimTemplateName']);

type ListRule = {
  [Name in keyof PodPolicy]-?: NonNullable<PodPolicy[Name]> extends readonly string[] ? Name : never;
}[keyof PodPolicy];

/** A rule that lists the values that it admits. */
function listing(
  name: ListRule,
  advice: string,
  admits: (value: unknown, list: readonly string[]) => boolean,
): Rule {
  return {
    name,
    admits: ({ value }, { [name]: list }) => !list || admits(value, list),
    remedy: ({ [name]: list = [] }) => oneOf(advice, list),
    shows: true,
  };
}

/** A rule that lists names of fields. The value of such a field may be anything, so no message shows it. */
function ofNames(rule: ListRule, advice: string): Rule {
  return {
    ...listing(rule, advice, matchesOne),
    admits: ({ name }, { [rule]: list }) => !list || matchesOne(name, list),
    shows: false,
  };
}

/** At most so many violations are named. */
const NAMED = 20;

/**
 * The fields of pods that break a rule of a pool: one sentence for each of the first, with the value found and a
 * permitted one.
 */
export function actionViolations(
  actions: Readonly<Pick<PlanActions, 'patches' | 'reboot'>>,
  pool: PolicyOwner,
): string[] {
  const found = jobsOf(actions)
    .values()
    .flatMap(({ at, job }) => jobViolations(at, job, pool))
    .take(NAMED + 1)
    .toArray();
  return [
    ...found.slice(0, NAMED),
    ...(found.length > NAMED ? [`further fields break rules of HostPool ${pool.name}`] : []),
  ];
}

/** The ConfigMaps that the pods of these actions use, each once. */
export function configMapsOf(actions: Readonly<Pick<PlanActions, 'patches' | 'reboot'>>): string[] {
  const names = jobsOf(actions).flatMap(({ job }) =>
    podFields(job.template)
      .filter((field) => field.is === 'governed' && field.by.includes('requireImmutableConfigMaps'))
      .map(({ value }) => String(value))
      .toArray(),
  );
  return [...new Set(names)];
}

/** The Jobs of a strategy, each with the place of its template. Work of a person needs no permission of the pool. */
function jobsOf({
  patches,
  reboot,
}: Readonly<Pick<PlanActions, 'patches' | 'reboot'>>): { readonly at: string; readonly job: JobAction }[] {
  const jobs = patches.flatMap((work, index) => {
    const { job } = work.action;
    return job ? [{ at: `${fieldOfWork(work, index)}.template`, job }] : [];
  });
  return reboot ? [...jobs, { at: 'spec.reboot.job.template', job: reboot.job }] : jobs;
}

function jobViolations(
  at: string,
  { template }: JobAction,
  { name, actionPolicy, configMaps }: PolicyOwner,
): Iterable<string> {
  const allowed = { ...allowedBy(actionPolicy), configMaps };
  return podFields(template).flatMap((field) =>
    violationsOf(field, allowed, template, name).map((each) => `${at}.${each}`),
  );
}

function violationsOf(
  field: PodField,
  allowed: Allowed,
  template: JobAction['template'],
  pool: string,
): string[] {
  const { path, value } = field;
  switch (field.is) {
    case 'misshapen':
      return [`${path} cannot be read, so no rule of HostPool ${pool} admits it: ${field.problem}`];
    case 'never':
    case 'unknown':
      return allowed.isStrict
        ? [`${path} is set, which no rule of HostPool ${pool} admits; leave it out`]
        : [];
    case 'governed':
      return field.by
        .map((id) => RULES[id])
        .filter(({ admits }) => !admits(field, allowed, template))
        .map(
          ({ name, remedy, shows }) =>
            `${path} is ${shows ? shown(value) : 'set'}, ` +
            `which rule actionPolicy.${name} of HostPool ${pool} does not admit; ${remedy(allowed, field)}`,
        );
  }
}

/** What a policy allows. A policy without a rule allows every field, but no service account and no Secret. */
function allowedBy({
  downloads: _files,
  workflows: _own,
  ...policy
}: ActionPolicy): Omit<Allowed, 'configMaps'> {
  const isStrict = hasRule(policy);
  if (!isStrict) return { ...policy, isStrict };
  const { privileged, hostMounts = privileged ? undefined : [] } = policy;
  const { volumes = [...DEFAULT_VOLUMES], priorityClasses = [], runtimeClasses = [] } = policy;
  const { devices = [], labels = [], annotations = [] } = policy;
  const lists = { hostMounts, volumes, priorityClasses, runtimeClasses, devices, labels, annotations };
  return { ...policy, ...lists, isStrict };
}

/** Whether a rule has another value than the one that the API server fills in. */
function hasRule({ privileged, serviceAccounts, secrets, ...rest }: PodPolicy): boolean {
  const { requireDigests, requireImmutableConfigMaps, ...lists } = rest;
  const isNarrowed = !privileged || requireDigests || requireImmutableConfigMaps;
  const hasNames = serviceAccounts.length > 0 || secrets.length > 0;
  return isNarrowed || hasNames || Object.values(lists).some((each) => each !== undefined);
}

function includes(value: unknown, list: readonly string[]): boolean {
  return list.some((each) => each === value);
}

function matchesOne(value: unknown, patterns: readonly string[]): boolean {
  const text = String(value);
  return patterns.some((pattern) =>
    pattern.endsWith('*') ? text.startsWith(pattern.slice(0, -1)) : text === pattern,
  );
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

function shown(value: unknown): string {
  const json = JSON.stringify(value);
  return json.length <= 120 ? json : `${json.slice(0, 119)}…`;
}
