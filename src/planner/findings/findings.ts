/**
 * The problems of a plan that the fleet shows now. They are reported before the first outage, by the same rules that
 * are enforced later.
 */
import { counted } from '../../crds/text/counted.ts';
import { FINDING_SEVERITIES, type Finding } from '../../crds/observed/finding.ts';
import { OUTAGE_LEVELS, type StageName } from '../../crds/vocabulary.ts';
import { ownerOfKey, ownerText } from '../../crds/owner-ref.ts';
import { strategyWords } from '../../crds/text/strategy-words.ts';
import type { WorkRequirement } from '../../crds/spec/strategy-spec.ts';
import { STAGE_OF } from '../careen-profile.ts';
import { drainFindings } from './drain-findings.ts';
import { compareHostNames, type HostName } from '../hosts/facts.ts';
import { listed } from '../listed.ts';
import { nobodyToPatch } from '../hosts/needs.ts';
import { countsHosts, type Stage } from '../plan.ts';
import { placementFindings } from './placement-findings.ts';
import { againstQuorum, hasNoneToSpare } from '../hosts/quorum.ts';
import { namesOf, type HostState, type Situation } from './situation.ts';
import { stagedForOther } from './staged-findings.ts';
import { upgradeFindings } from './upgrade-findings.ts';
import { isGoal, workFor } from '../hosts/work.ts';

/** All findings, the gravest first. */
export function findings(situation: Situation): Finding[] {
  const found = [
    ...notPermitted(situation),
    ...hostsUnwell(situation),
    ...hostsWithoutRole(situation),
    ...(situation.stages.length > 0 ? ofThePlan(situation) : withoutPlan(situation)),
  ];
  return FINDING_SEVERITIES.flatMap((severity) => found.filter((each) => each.severity === severity));
}

/** The findings that matter only for a plan with stages. */
function ofThePlan(situation: Situation): Finding[] {
  return [
    ...poolClosed(situation),
    ...limitReached(situation),
    ...quorumAtRisk(situation),
    ...claims(situation),
    ...hostsClosed(situation),
    ...factsUnknown(situation),
    ...upgradeFindings(situation),
    ...drainFindings(situation),
    ...placementFindings(situation),
    ...limitRounded(situation),
    ...stagesCut(situation),
  ];
}

function withoutPlan(situation: Situation): Finding[] {
  return [...nobody(situation), ...stagedForOther(situation)];
}

function notPermitted({ owner, violations }: Situation): Finding[] {
  return violations.map((violation) => {
    const [message = violation, ...rest] = violation.split('; ');
    return {
      severity: 'blocks',
      reason: 'NotPermitted',
      subjects: [ownerText(ownerOfKey(owner))],
      message,
      remedy: rest.join('; ') || 'write the pod as Kubernetes takes it',
    };
  });
}

function hostsUnwell({ hosts }: Situation): Finding[] {
  return hosts
    .filter(({ unwell }) => unwell.length > 0)
    .map(({ name, unwell }) => ({
      severity: 'blocks',
      reason: 'HostUnwell',
      subjects: [name],
      message: `${name} ${unwell.join('; ')}: no plan is made meanwhile`,
      remedy: 'mend it, take it out of the cluster, or place the request skip-host',
    }));
}

function hostsWithoutRole({ pool, hosts }: Situation): Finding[] {
  const names = namesOf(hosts.filter(({ roles }) => roles.length === 0));
  if (names.length === 0) return [];
  return [
    {
      severity: 'warns',
      reason: 'HostWithoutRole',
      subjects: names,
      message: `no role of HostPool ${pool.name} selects ${listed(names)}: left out of every plan`,
      remedy: 'label them, or change spec.roles of the pool',
    },
  ];
}

/** Why a plan without stages is no success: nobody could have been patched. */
function nobody({ pool, hosts, about }: Situation): Finding[] {
  if (pool.keptByOtherPools.length > 0) return poolOverlaps(pool);
  if (about > 0) return [];
  const found = nobodyToPatch(pool.name, hosts.length);
  return [{ severity: 'blocks', reason: 'NoHosts', subjects: [`HostPool ${pool.name}`], ...found }];
}

function poolClosed({ pool }: Situation): Finding[] {
  const stopped: Finding = {
    severity: 'blocks',
    reason: 'PoolPaused',
    subjects: [`HostPool ${pool.name}`],
    message: `HostPool ${pool.name} is paused: no outage begins`,
    remedy: 'set spec.paused of the pool to false',
  };
  return [...(pool.paused ? [stopped] : []), ...poolOverlaps(pool)];
}

function poolOverlaps({ name, keptByOtherPools }: Situation['pool']): Finding[] {
  if (keptByOtherPools.length === 0) return [];
  return [
    {
      severity: 'blocks',
      reason: 'PoolOverlap',
      subjects: [`HostPool ${name}`],
      message: `HostPool ${name} selects hosts of an older pool (${listed(keptByOtherPools)}): it grants nothing`,
      remedy: 'change its spec.provider',
    },
  ];
}

/** As for permits: a host out of service counts once, whoever took it out. The claims of this strategy do not count. */
function limitReached({ owner, pool, limit, hosts, stages }: Situation): Finding[] {
  const away = namesOf(hosts.filter((host) => isAway(host, owner)));
  const above = (stage: Stage): boolean =>
    stage.level === 'away' && new Set([...away, ...stage.hosts]).size > limit;
  const first = stages.findIndex(above);
  const stage = stages[first];
  if (!stage) return [];
  const outside = away.filter((name) => !stage.hosts.includes(name));
  // Only a stage of the VIM is above the limit by itself.
  const isAlone = outside.length === 0;
  const besides = isAlone ? '' : ` besides ${listed(outside)}`;
  return [
    {
      severity: 'blocks',
      reason: 'LimitReached',
      subjects: isAlone ? [`HostPool ${pool.name}`] : outside,
      message:
        `stage ${String(first)} takes ${counted(stage.hosts.length, 'host')} out of service${besides}; ` +
        `HostPool ${pool.name} allows ${String(limit)} at once, so it gets no permit`,
      remedy: isAlone
        ? 'raise maxUnavailable of the pool, lower maxParallelWorkerHosts, or use serial'
        : 'put hosts back into service, or raise maxUnavailable of the pool',
    },
  ];
}

/** As for permits. A control plane with nobody to spare is upgraded all the same. */
function quorumAtRisk(situation: Situation): Finding[] {
  const { owner, hosts, stages } = situation;
  const controllers = new Set(namesOf(hosts.filter(({ roles }) => roles.includes('controller'))));
  if (hasNoneToSpare(controllers.size)) return noQuorum(situation, controllers);
  const judged = stages.filter(({ name }) => name !== 'sw-upgrade-stage-hosts');
  const out = new Set(namesOf(hosts.filter((host) => isAway(host, owner))));
  const message = judged.map((stage) => againstQuorum(controllers, out, stage.hosts)).find(Boolean);
  if (message === undefined) return [];
  return [
    {
      ...{ severity: 'blocks', reason: 'QuorumAtRisk', subjects: [...controllers.intersection(out)] },
      ...{ message, remedy: 'put these controllers back into service' },
    },
  ];
}

/** An upgrade in place may restart etcd, too. */
function noQuorum({ spec, pool, stages }: Situation, controllers: ReadonlySet<HostName>): Finding[] {
  if (!spec.release) return [];
  return OUTAGE_LEVELS.flatMap((level): Finding[] => {
    const work = stages.filter((stage) => countsHosts(stage) && stage.level === level);
    const taken = work.flatMap((stage) => stage.hosts).filter((name) => controllers.has(name));
    if (taken.length === 0) return [];
    const one = `${taken.length > 1 ? 'one of ' : ''}${listed(taken.toSorted(compareHostNames))}`;
    const says =
      level === 'away'
        ? `etcd has no quorum while ${one} is out of service, and the API server does not answer`
        : `etcd may have no quorum while ${one} is worked on in place, and the API server may not answer`;
    return [
      {
        ...{ severity: 'warns', reason: 'QuorumAtRisk', subjects: taken },
        message: `HostPool ${pool.name} has ${counted(controllers.size, 'controller')}: ${says}`,
        remedy: 'plan for that time, or run three controllers or more',
      },
    ];
  });
}

function isAway({ outOfService, claimedBy }: HostState, owner: string): boolean {
  if (claimedBy) return claimedBy.level === 'away' && claimedBy.owner !== owner;
  return outOfService;
}

function claims({ owner, hosts, stages, words }: Situation): Finding[] {
  const planned = new Set(stages.flatMap((stage) => stage.hosts));
  const mine = hosts.filter(({ name }) => planned.has(name));
  const taken = Map.groupBy(
    mine.filter(({ claimedBy }) => claimedBy && claimedBy.owner !== owner),
    ({ claimedBy }) => claimedBy?.owner ?? '',
  );
  return [
    ...mine.flatMap(({ name, spoiltClaim }): Finding[] =>
      spoiltClaim === undefined
        ? []
        : [
            {
              severity: 'blocks',
              reason: 'ClaimSpoilt',
              subjects: [name],
              message: `${words.says('claim-spoilt', name)}: ${spoiltClaim}`,
              remedy: `when nobody works on it, ${words.remedy('claim-spoilt', name)}`,
            },
          ],
    ),
    ...[...taken].map(([other, claimed]): Finding => {
      const names = namesOf(claimed);
      return {
        severity: 'warns',
        reason: 'ClaimedByOther',
        subjects: names,
        message: `${ownerText(ownerOfKey(other))} works on ${listed(names)}: their stages wait until it has given them back`,
        remedy: 'wait for it, or abort it',
      };
    }),
  ];
}

function hostsClosed({ hosts, words }: Situation): Finding[] {
  const names = namesOf(hosts.filter(({ closedToNewWork, claimedBy }) => closedToNewWork && !claimedBy));
  if (names.length === 0) return [];
  return [
    {
      severity: 'warns',
      reason: 'HostCordoned',
      subjects: names,
      message: `${words.says('closed-by-others', listed(names))}: counts as out of service, and stays so`,
      remedy: `${words.remedy('closed-by-others')} what may work again`,
    },
  ];
}

/** A planned host without a fact that its work compares: the work may never show there. */
function factsUnknown({ spec, pool, hosts, stages }: Situation): Finding[] {
  const planned = new Set(stages.flatMap((stage) => stage.hosts));
  const mine = hosts.filter(({ name }) => planned.has(name));
  const { done } = strategyWords(spec);
  return spec.patches.filter(isGoal).flatMap((work) =>
    comparedFacts(work.current).flatMap((fact): Finding[] => {
      const names = namesOf(mine.filter((host) => !host.facts[fact] && workFor(spec, host).includes(work)));
      if (names.length === 0) return [];
      const missing = spec.release ? 'the release' : `patch ${work.id}`;
      return [
        {
          severity: 'warns',
          reason: 'FactUnknown',
          subjects: names,
          message: `${fact} of ${listed(names)} is not known, so ${missing} counts as missing there`,
          remedy: `if it cannot be ${done}, exclude it in spec.provider of HostPool ${pool.name}`,
        },
      ];
    }),
  );
}

/** The facts that a host must have to be current. Exists asks only whether there is one. */
function comparedFacts(current: readonly WorkRequirement[]): string[] {
  const compared = current.filter(({ operator }) => operator === 'In' || operator === 'AtLeast');
  return [...new Set(compared.map(({ fact }) => fact))];
}

function limitRounded({ pool, limit, hosts }: Situation): Finding[] {
  if (typeof pool.maxUnavailable === 'number' || limit > 1 || hosts.length < 2) return [];
  return [
    {
      severity: 'tells',
      reason: 'LimitRounded',
      subjects: [`HostPool ${pool.name}`],
      message: `${pool.maxUnavailable} of ${counted(hosts.length, 'host')} comes to 1: they go one after another`,
      remedy: 'raise maxUnavailable of the pool, if more may be out of service at once',
    },
  ];
}

const WORKER_STAGES: ReadonlySet<StageName> = new Set([STAGE_OF.patch.worker, STAGE_OF.upgrade.worker]);

function stagesCut({ spec, pool, limit, hosts, stages }: Situation): Finding[] {
  const { workerApplyType, maxParallelWorkerHosts: wished, profile } = spec;
  // A plan of the VIM is never cut: it reaches the limit.
  if (workerApplyType !== 'parallel' || wished <= limit || profile) return [];
  const alone = new Set(hosts.filter(({ roles }) => roles.includes('controller')).map(({ name }) => name));
  const workers = stages
    .filter(({ name, level }) => WORKER_STAGES.has(name) && level === 'away')
    .flatMap((stage) => stage.hosts.filter((name) => !alone.has(name)));
  if (workers.length <= limit) return [];
  return [
    {
      severity: 'tells',
      reason: 'StageCut',
      subjects: [`HostPool ${pool.name}`],
      message:
        `HostPool ${pool.name} allows ${counted(limit, 'host')} out of service at once, so stages of workers hold ` +
        `${String(limit)} and not ${String(wished)} (maxParallelWorkerHosts)`,
      remedy: 'raise maxUnavailable of the pool, if more may be out of service at once',
    },
  ];
}
