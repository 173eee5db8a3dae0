import type { StageName, StepName } from '../../crds/vocabulary.ts';
import { compareHostNames, type HostName } from '../../planner/hosts/facts.ts';
import { kindOf } from '../../planner/step-kinds.ts';
import type { Rehearsal } from './rehearsal.ts';
import type { HostSpans, HostStepSpan, StageSpan } from './timeline.ts';

export const LEFT_STATES = ['locked', 'failed', 'given-back', 'not-reached', 'not-planned'] as const;

/** A host that the strategy has not brought to its goal. */
export type LeftHost = {
  readonly name: HostName;
  /**
   * locked: failed, and out of service until somebody decides. failed: failed, and is not locked. given-back: unlocked
   * before it was done, because others failed. not-reached: never taken out of service or worked on. not-planned: it
   * lacks a patch and is in no stage.
   */
  readonly state: (typeof LEFT_STATES)[number];
  readonly reason?: string;
};

/** The hosts that lack a patch at the end, stay locked, or failed; in the order of the plan. */
export function leftOf(stages: readonly StageSpan[], { run, lacking }: Rehearsal): LeftHost[] {
  const ofHosts = stages.filter(({ name }) => !isOfHooks(name));
  const planned = ofHosts.flatMap(({ hosts, level }) => hosts.map((host) => ({ ...host, level })));
  const unplanned = [...lacking.difference(new Set(planned.map(({ name }) => name)))];
  return [
    ...[...Map.groupBy(planned, ({ name }) => name).values()].flatMap((ofHost) =>
      gravest(ofHost.flatMap((host) => stateOf(host, run, lacking))),
    ),
    ...unplanned
      .toSorted(compareHostNames)
      .map((name) => ({ name, state: run.session ? 'not-reached' : 'not-planned' }) as const),
  ];
}

/** The steps that a hook failed in. They say nothing of the host on which it ran. */
export function failedHooks(stages: readonly StageSpan[]): StepName[] {
  const steps = stages.filter(({ name }) => isOfHooks(name)).flatMap(({ hosts }) => hosts);
  return steps.flatMap((host) => host.steps.filter(hasFailed).map(({ name }) => name));
}

function isOfHooks(name: StageName): boolean {
  return name === 'sw-upgrade-start' || name === 'sw-upgrade-complete';
}

function hasFailed({ result }: HostStepSpan): boolean {
  return result === 'failed' || result === 'timed-out';
}

/** An upgrade has a host in several stages: where it stays locked or failed counts, else the last stage. */
function gravest(states: readonly LeftHost[]): LeftHost[] {
  const stopped = states.find(({ state }) => state === 'locked' || state === 'failed');
  const found = stopped ?? states.at(-1);
  return found ? [found] : [];
}

type PlannedHost = HostSpans & Pick<StageSpan, 'level'>;

function stateOf(host: PlannedHost, run: Rehearsal['run'], lacking: ReadonlySet<HostName>): LeftHost[] {
  const { name, steps } = host;
  const open = run.hosts.find((each) => each.name === name);
  const failed = steps.find(hasFailed);
  const reason = open?.reason ?? failed?.reason;
  const because = reason === undefined ? {} : { reason };
  if (open) return [{ name, state: 'locked', ...because }];
  if (wasTaken(host)) {
    if (failed) return [{ name, state: 'failed', ...because }];
    return lacking.has(name) ? [{ name, state: 'given-back' }] : [];
  }
  return lacking.has(name) ? [{ name, state: 'not-reached', ...because }] : [];
}

/** Whether the host was locked; for a host that is patched in place, whether work on it began. */
function wasTaken({ steps, level }: PlannedHost): boolean {
  const opening = steps.find(({ name }) => kindOf(name)?.opensOutage === level);
  return level === 'away' ? opening?.result === 'success' : opening !== undefined;
}
