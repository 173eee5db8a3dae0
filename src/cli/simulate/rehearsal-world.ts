/** Makes the simulated hosts of a fleet, so that each step takes the supposed time and has the supposed end. */
import { ownerOfKey } from '../../crds/owner-ref.ts';
import type { Claim } from '../../engine/view.ts';
import { factsOf } from '../../hostops/kubernetes/node-facts.ts';
import type { Taint } from '../../hostops/health.ts';
import type { NewHost } from '../../hostops/simulated/simulated-objects.ts';
import { SimulatedWorld } from '../../hostops/simulated/simulated-world.ts';
import { unmetRequirements } from '../../planner/current.ts';
import type { HostName } from '../../planner/facts.ts';
import type { Plan, Stage } from '../../planner/plan.ts';
import type { Fleet, FleetHost } from '../files/fleet-file.ts';
import { patchChanges } from './patch-changes.ts';
import type { StepSeconds } from './step-seconds.ts';
import { hostStep, type WhatIf } from './what-if.ts';

const FAILED_EXIT_CODE = 1;
const NOBODY_ASKS = '1970-01-01T00:00:00.000Z';

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
  const stageOf = new Map(plan.stages.flatMap((stage) => stage.hosts.map((host) => [host, stage] as const)));
  for (const host of hosts) {
    const { name, spoiltClaim, claimedBy } = host;
    const stage = stageOf.get(name);
    world.addHost({
      ...asIs(host, owner),
      ...(stage ? { behaviour: behaviourOf(name, fails), times: timesOf(host, stage, plan, secondsOf) } : {}),
    });
    if (claimedBy && claimedBy.owner !== owner)
      world.changeHost(name, { claim: claimOf(claimedBy, pool.name) });
    if (spoiltClaim !== undefined) world.changeHost(name, { spoiltClaim });
    if (stage?.level === 'away') world.addPod({ host: name, name: `work-on-${name}` });
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

function behaviourOf(host: HostName, fails: WhatIf['fails']): NonNullable<NewHost['behaviour']> {
  if (fails.has(hostStep(host, 'sw-patch-hosts'))) return FAILED_EXIT_CODE;
  return fails.has(hostStep(host, 'verify')) ? 'lie' : 'honest';
}

/** The Jobs of a host share the time of their step. The reboot Job takes no time. */
function timesOf(
  { name, labels, nodeInfo }: FleetHost,
  stage: Stage,
  { actions }: Plan,
  secondsOf: StepSeconds,
): NonNullable<NewHost['times']> {
  const facts = factsOf(labels, nodeInfo);
  const lacking = actions.patches.filter(
    ({ id, current }) => stage.patches.includes(id) && unmetRequirements(current, facts).length > 0,
  );
  const milliseconds = (step: Stage['steps'][number]['name']): number => secondsOf(name, step) * 1000;
  return {
    jobMilliseconds: milliseconds('sw-patch-hosts') / lacking.length,
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
