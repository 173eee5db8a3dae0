import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { loadAll } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { V1Node } from '@kubernetes/client-node';
import { STRATEGY_KINDS } from '../../../src/cli/cluster/kinds.ts';
import type { Leader } from '../../../src/cli/cluster/leader.ts';
import type { Located } from '../../../src/cli/cluster/strategies.ts';
import type { Versions } from '../../../src/cli/cluster/versions.ts';
import { checkLines, LEVELS, type Check } from '../../../src/cli/doctor/check.ts';
import {
  hostChecks,
  permitChecks,
  poolChecks,
  strategyChecks,
} from '../../../src/cli/doctor/fleet-checks.ts';
import { deploymentCheck, kindChecks, operatorCheck } from '../../../src/cli/doctor/installation-checks.ts';
import {
  callerChecks,
  callerRights,
  jobRights,
  namespaceChecks,
  operatorChecks,
  OPERATOR_RIGHTS,
  type Right,
} from '../../../src/cli/doctor/rights.ts';
import { commandsFor } from '../../../src/cli/status/commands.ts';
import { lineText, lineWidth } from '../../../src/cli/text/lines.ts';
import { hostPool, type HostPool } from '../../../src/resources/stored-pool.ts';
import { DEPLOY } from '../../support/controlplane/installation.ts';
import { seenStrategies } from '../support/seen-strategies.ts';

const COMMANDS = commandsFor({ name: '', namespace: 'careen-hosts', singular: '' }, { program: 'careen' });
const VERSIONS: Versions = {
  ...{ apiVersion: 'careen.dev/v1alpha1', kind: 'Versions', client: { version: '0.1.0' } },
  operator: { image: 'ghcr.io/careen-dev/careen:0.1.0' },
};

/** Level, subject and command of each check. */
const brief = (checks: readonly Check[]): string[] =>
  checks.map(({ level, about, todo }) => [level, about, todo?.command].filter(Boolean).join(' | '));

async function located(...states: string[]): Promise<Located[]> {
  const [kind] = STRATEGY_KINDS;
  const samples = await seenStrategies();
  return states.flatMap((state) => {
    const strategy = samples.get(state);
    return kind && strategy ? [{ kind, strategy, stored: {}, path: '' }] : [];
  });
}

const ruleList = z.array(
  z.object({
    apiGroups: z.array(z.string()).optional(),
    resources: z.array(z.string()).optional(),
    nonResourceURLs: z.array(z.string()).optional(),
    verbs: z.array(z.string()),
    resourceNames: z.array(z.string()).optional(),
  }),
);

/** The rules of a file of deploy/base/rbac, one text for each right. */
async function deployed(file: string): Promise<string[]> {
  const documents = loadAll(await readFile(join(DEPLOY, 'base', 'rbac', file), 'utf8'));
  return documents.flatMap((document) => {
    const { rules = [] } = z.looseObject({ rules: ruleList.optional() }).parse(document);
    return rules.flatMap(
      ({ apiGroups = [''], resources = [], nonResourceURLs = [], verbs, resourceNames = [''] }) =>
        apiGroups.flatMap((group) =>
          [...resources, ...nonResourceURLs].flatMap((resource) =>
            resourceNames.flatMap((name) => verbs.map((verb) => [group, resource, verb, name].join(' '))),
          ),
        ),
    );
  });
}

function rightText({ group, resource, subresource, verb, name = '' }: Right): string {
  return [group, subresource === undefined ? resource : `${resource}/${subresource}`, verb, name].join(' ');
}

describe('the rights that doctor asks for', () => {
  it('are those that deploy/base/rbac grants to the operator', async () => {
    const granted = [...(await deployed('operator.yaml')), ...(await deployed('lease.yaml'))];
    expect(OPERATOR_RIGHTS.map(rightText).toSorted()).toEqual(granted.toSorted());
    expect(jobRights('a').map(rightText).toSorted()).toEqual((await deployed('jobs.yaml')).toSorted());
  });

  it('of the caller are named when they are missing, with the commands that need them', () => {
    const needed = callerRights(STRATEGY_KINDS, 'careen-hosts');
    const reviewed = new Map(
      needed.flatMap(({ rights }) => rights).map((right) => [right, right.verb !== 'patch'] as const),
    );
    const checks = callerChecks(needed, reviewed, 'careen-hosts', COMMANDS);
    expect(checks.map(({ level }) => level)).toEqual(['ok', 'warning', 'ok', 'ok', 'ok']);
    expect(checks[1]?.message).toBe(
      'no right to patch patchstrategies, upgradestrategies and maintenancesessions: apply, approve, hold, suspend, abort, retry, resume, release, skip work in part',
    );
    expect(checks[1]?.todo?.command).toContain('--clusterrole=careen-approver');
  });

  it('of the operator are a problem when they are missing, and skipped when nobody may ask', () => {
    const all = new Map(OPERATOR_RIGHTS.map((right) => [right, true] as const));
    const some = new Map(OPERATOR_RIGHTS.map((right) => [right, right.resource !== 'nodes'] as const));
    expect(brief(operatorChecks(all, '', COMMANDS))).toEqual(['ok | rights of the operator']);
    const [missing] = operatorChecks(some, '', COMMANDS);
    expect(missing?.message).toContain('get nodes, list nodes, watch nodes, patch nodes');
    expect(missing?.level).toBe('problem');
    expect(operatorChecks(undefined, 'no right to ask', COMMANDS)).toEqual([
      { level: 'skipped', about: 'rights of the operator', message: 'no right to ask' },
    ]);
  });

  it('in a namespace that is not prepared are a problem where strategies are', () => {
    const of = (namespace: string, has: boolean) =>
      jobRights(namespace).map((right) => [right, has] as const);
    const reviewed = new Map([...of('a', false), ...of('b', false), ...of('c', true)]);
    const namespaces = new Map([...Object.entries({ a: true, b: false, c: true })]);
    const checks = namespaceChecks(namespaces, reviewed, '', COMMANDS);
    expect(checks.map(({ level }) => level)).toEqual(['problem', 'warning', 'ok']);
    expect(checks[0]?.todo?.command).toBe(
      'kubectl -n a create rolebinding careen-jobs --clusterrole=careen-jobs --serviceaccount=careen-system:careen',
    );
  });
});

describe('the installation', () => {
  it.each<[string, Leader, string]>([
    ['nobody leads', { kind: 'none' }, 'problem'],
    ['its leader is gone', { kind: 'held', holder: 'careen-0', fresh: false, secondsAgo: 90 }, 'problem'],
    ['its leader works', { kind: 'held', holder: 'careen-0', fresh: true, secondsAgo: 2 }, 'ok'],
    ['its Lease cannot be read', { kind: 'unknown', because: 'no right' }, 'skipped'],
  ])('is told when %s', (_case, leader, level) => {
    expect(operatorCheck(leader, COMMANDS).level).toBe(level);
  });

  it('has the kinds of this version, or says what is wrong with them', () => {
    const kinds = [
      { plural: 'hostpools' },
      { plural: 'patchstrategies', problem: 'it is older' },
      { plural: 'others', unknown: 'no right' },
    ];
    expect(kindChecks({ ...VERSIONS, kinds }, COMMANDS).map(({ level }) => level)).toEqual([
      'ok',
      'problem',
      'skipped',
    ]);
  });

  it('has as many ready replicas as it should, of the version of the command line', () => {
    const deployment = (replicas: number, readyReplicas: number) => ({
      found: { spec: { replicas }, status: { readyReplicas } },
    });
    const levelOf = (...args: Parameters<typeof deploymentCheck>): string => deploymentCheck(...args).level;
    expect(levelOf(deployment(2, 2), VERSIONS, COMMANDS)).toBe('ok');
    expect(levelOf(deployment(2, 1), VERSIONS, COMMANDS)).toBe('warning');
    expect(levelOf(deployment(2, 0), VERSIONS, COMMANDS)).toBe('problem');
    expect(levelOf(deployment(0, 0), VERSIONS, COMMANDS)).toBe('problem');
    expect(levelOf({ found: undefined }, VERSIONS, COMMANDS)).toBe('warning');
    expect(levelOf({ unknown: 'no right' }, VERSIONS, COMMANDS)).toBe('skipped');
    const older = { ...VERSIONS, operator: { image: 'careen:0.0.9' } };
    expect(deploymentCheck(deployment(2, 2), older, COMMANDS).message).toContain(
      'the operator is version 0.0.9',
    );
  });
});

describe('the fleet', () => {
  const pool = (spec: object, status: object = {}): HostPool =>
    hostPool.parse({
      metadata: {
        ...{ name: 'gpu', uid: 'p', resourceVersion: '1', generation: 2 },
        creationTimestamp: '2026-01-01T00:00:00Z',
      },
      spec: { provider: { kubernetes: {} }, maxUnavailable: 1, ...spec },
      status: { observedGeneration: 2, hosts: 3, limit: 1, ...status },
    });

  it('has pools that are seen, not paused, and not stopped', () => {
    const stalled = {
      ...{ type: 'Stalled', status: 'True', reason: 'Overlap', message: 'selects hosts of an older pool' },
      ...{ observedGeneration: 2, lastTransitionTime: '2026-11-23T09:00:00Z' },
    };
    expect(brief(poolChecks([], COMMANDS))).toEqual(['problem | pools | kubectl apply -k deploy/pools']);
    expect(poolChecks([pool({})], COMMANDS).map(({ level }) => level)).toEqual(['ok']);
    expect(brief(poolChecks([pool({ paused: true })], COMMANDS))[0]).toContain(
      'warning | pool gpu | kubectl patch',
    );
    expect(poolChecks([pool({}, { observedGeneration: 1 })], COMMANDS)[0]?.level).toBe('warning');
    expect(poolChecks([pool({}, { hosts: 0 })], COMMANDS)[0]?.level).toBe('warning');
    expect(poolChecks([pool({}, { conditions: [stalled] })], COMMANDS)[0]).toMatchObject({
      level: 'problem',
      message: 'selects hosts of an older pool',
    });
  });

  it('has no host that is claimed by nobody, left locked or with a spoilt claim', () => {
    const node = (name: string, annotations: Readonly<Record<string, string>>): V1Node => ({
      metadata: { name, uid: name, annotations },
      spec: { unschedulable: true },
    });
    const note = { 'careen.dev/left-locked': '{}' };
    expect(brief(hostChecks([node('w-1', {})], [], COMMANDS))).toEqual(['ok | hosts']);
    expect(
      brief(hostChecks([node('w-1', { 'careen.dev/claim': '{}' }), node('w-2', note)], [], COMMANDS)),
    ).toEqual([
      'problem | host w-1 | kubectl annotate node w-1 careen.dev/claim-',
      'warning | host w-2 | careen explain w-2',
    ]);
  });

  it('has no permit of a run that does not exist', async () => {
    const strategies = await located('a stage runs');
    const since = '2026-11-23T09:00:00Z';
    const permits = (run: string) => [pool({}, { permits: [{ host: 'w-1', run, level: 'away', since }] })];
    const run = strategies[0]?.strategy.status.run?.id ?? '';
    expect(brief(permitChecks(permits(run), strategies))).toEqual(['ok | permits']);
    expect(brief(permitChecks(permits('run-9'), strategies))).toEqual(['problem | pool gpu']);
  });

  it('has no strategy that is stopped', async () => {
    const strategies = await located('applied', 'failed, a host stays locked', 'made, not seen yet');
    expect(brief(strategyChecks(strategies, COMMANDS))).toEqual([
      'problem | strategy careen-hosts/sample | careen status sample -n careen-hosts',
      'warning | strategy careen-hosts/sample | careen status sample -n careen-hosts',
    ]);
    expect(strategyChecks(await located('applied', 'suspended'), COMMANDS)[0]?.message).toBe(
      '2 strategies: none is stopped',
    );
  });
});

describe('the lines of doctor', () => {
  it('are never wider than the terminal', () => {
    const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 60 }), fc.lorem());
    const checks = fc.array(
      fc.record({
        level: fc.constantFrom(...LEVELS),
        about: text,
        message: text,
        todo: fc.record({ does: text, command: text }),
      }),
      { maxLength: 3 },
    );
    fc.assert(
      fc.property(checks, fc.integer({ min: 20, max: 200 }), (all, columns) => {
        for (const line of checkLines(all, columns))
          expect(lineWidth(line), lineText(line)).toBeLessThanOrEqual(columns);
      }),
    );
  });
});
