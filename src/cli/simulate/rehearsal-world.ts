/** Makes the simulated hosts of a fleet, so that each step takes the supposed time and has the supposed end. */
import { ownerOfKey } from '../../crds/owner-ref.ts';
import type { StepName } from '../../crds/vocabulary.ts';
import type { Claim } from '../../engine/view.ts';
import { factsOf } from '../../hostops/kubernetes/node-facts.ts';
import type { Taint } from '../../hostops/health.ts';
import type { NewHost } from '../../hostops/simulated/simulated-objects.ts';
import { SimulatedWorld } from '../../hostops/simulated/simulated-world.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import type { Plan, Stage } from '../../planner/plan.ts';
import { isLacking, stepOfWork } from '../../planner/hosts/work.ts';
import type { Fleet, FleetHost } from '../files/fleet-file.ts';
import { patchChanges } from './patch-changes.ts';
import type { StepSeconds } from './step-seconds.ts';
import { hostStep, type WhatIf } from './what-if.ts';

const FAILED_EXIT_CODE = 1;
const NOBODY_ASKS = '1970-01-01T00:00:00.000Z';

/** In a session each host has one instance, and room for another one: a fleet file does not list them. */
const INSTANCE = { project: 'project', size: 1 };
const ROOM = 2;

/**
 * Makes the hosts of the fleet, with a pod on each host that the plan drains. The
 * claims of other strategies stay; the claims of this strategy are released.
 * @param owner the key of the object that the plan is for (`ownerKey`)
 */
export function rehearsalWorld(
  { pool, hosts }: Fleet,
  plan: Plan,
  owner: string,
  secondsOf: StepSeconds,
  { fails }: Pick<WhatIf, 'fails'>,
): SimulatedWorld {
  const world = new SimulatedWorld(patchChanges(plan.actions.patches));
  const stagesOf = Map.groupBy(
    plan.stages.flatMap((stage, id) => stage.hosts.map((host) => ({ host, id, stage }))),
    ({ host }) => host,
  );
  for (const host of hosts) {
    const { name, spoiltClaim, claimedBy } = host;
    const stages = stagesOf.get(name) ?? [];
    world.addHost({
      ...asIs(host, owner),
      ...(plan.actions.session ? { capacity: ROOM } : {}),
      ...(fails.has(hostStep(name, 'verify')) ? { behaviour: 'lie' } : {}),
      ...{ jobs: jobsOf(host, stages, plan, secondsOf, fails), times: timesOf(name, stages, secondsOf) },
    });
    if (claimedBy && claimedBy.owner !== owner)
      world.changeHost(name, { claim: claimOf(claimedBy, pool.name) });
    if (spoiltClaim !== undefined) world.changeHost(name, { spoiltClaim });
    if (stages.some(({ stage: { level } }) => level === 'away'))
      world.addPod({ host: name, name: `work-on-${name}`, ...(plan.actions.session ? INSTANCE : {}) });
  }
  return world;
}

function asIs(
  { name, labels, nodeInfo, ready, wasReady, closedToNewWork, outOfServiceTaints, claimedBy }: FleetHost,
  owner: string,
): NewHost {
  return {
    name,
    labels,
    nodeInfo: factsOf({}, nodeInfo),
    ready,
    wasReady,
    taints: outOfServiceTaints.map(taintFrom),
    closedToNewWork: closedToNewWork && claimedBy?.owner !== owner,
  };
}

/** The taint of the text KEY:EFFECT. */
function taintFrom(text: string): Taint {
  const at = text.lastIndexOf(':');
  return { key: text.slice(0, at), effect: text.slice(at + 1) };
}

/** A stage of a host, with its position in the plan. */
type StageOfHost = { readonly id: number; readonly stage: Stage };

/** The Jobs of a host in a step share the time of the step. */
function jobsOf(
  { name, labels, nodeInfo }: FleetHost,
  stages: readonly StageOfHost[],
  { actions }: Plan,
  secondsOf: StepSeconds,
  fails: WhatIf['fails'],
): NonNullable<NewHost['jobs']> {
  const facts = factsOf(labels, nodeInfo);
  const jobs = stages.flatMap(({ id, stage }) => {
    const lacking = actions.patches
      .filter((work) => stage.patches.includes(work.id) && isLacking(work, facts))
      .map((work) => ({ action: work.id, step: stepOfWork(actions, work.id) }));
    return lacking.map(({ action, step }) => {
      const atOnce = lacking.filter((each) => each.step === step).length;
      const milliseconds = (secondsOf(id, name, step) * 1000) / atOnce;
      const exitCode = fails.has(hostStep(name, step)) ? { exitCode: FAILED_EXIT_CODE } : {};
      return [action, { milliseconds, ...exitCode }] as const;
    });
  });
  return Object.fromEntries(jobs);
}

/** The reboot Job takes no time. */
function timesOf(
  name: HostName,
  stages: readonly StageOfHost[],
  secondsOf: StepSeconds,
): NonNullable<NewHost['times']> {
  const away = stages.find(({ stage: { level } }) => level === 'away');
  if (!away) return {};
  const milliseconds = (step: StepName): number => secondsOf(away.id, name, step) * 1000;
  return {
    rebootJobMilliseconds: 0,
    rebootMilliseconds: milliseconds('verify'),
    leaveMilliseconds: milliseconds('migrate-instances-from-host'),
  };
}

function claimOf({ owner, level }: NonNullable<FleetHost['claimedBy']>, pool: string): Claim {
  return {
    ...{ run: `run of ${owner}`, pool, epoch: 1, owner: { ...ownerOfKey(owner), uid: owner } },
    ...{ planDigest: '', stage: 0, level, closedToNewWorkBefore: false, since: NOBODY_ASKS },
  };
}
