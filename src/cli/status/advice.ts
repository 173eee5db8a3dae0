/** What a person can do about a strategy now, each with the exact command. Pure. */
import { strategyWords } from '../../crds/text/strategy-words.ts';
import type { HostProgress } from '../../crds/observed/host-progress.ts';
import { OPERATOR_NAMESPACE } from '../../crds/names.ts';
import { remainingHosts } from '../../engine/hosts/leavers.ts';
import { openManual } from '../../engine/steps/manual-work.ts';
import { isFinal, runningStage } from '../../engine/run/run-state.ts';
import { leftOutHosts } from '../../engine/hosts/unstaged.ts';
import { isEmptying, kindOf } from '../../planner/step-kinds.ts';
import type { HostPool } from '../../resources/stored-pool.ts';
import type { Commands } from './commands.ts';
import { projectAdvice } from './session-report.ts';
import {
  holds,
  isDeleted,
  isObserved,
  isUncordoned,
  pinnedElsewhere,
  reasonOf,
  type Seen,
} from './standing.ts';

export type Advice = {
  /** What it is for, without a full stop. */
  readonly does: string;
  readonly command?: string;
};

/** The most useful first. A strategy that needs nobody gets the command that follows it. */
export function adviceFor(strategy: Seen, commands: Commands, pool?: HostPool): readonly Advice[] {
  const follow = { does: 'it continues by itself; follow it', command: commands.own('watch') };
  if (isDeleted(strategy))
    return [{ ...follow, does: 'its hosts are released, then it is deleted; follow it' }];
  if (!isObserved(strategy))
    return [
      {
        does: 'the operator has not seen it as it is now: wait, and find out whether it runs',
        command: commands.other('doctor'),
      },
    ];
  if (isUncordoned(strategy)) return uncordoned(strategy, commands, pool);
  const found = BY_REASON[reasonOf(strategy) ?? '']?.(strategy, commands, pool) ?? [];
  return found.length > 0 ? found : [holds(strategy, 'Reconciling') ? follow : doctor(commands)];
}

type ForReason = (strategy: Seen, commands: Commands, pool: HostPool | undefined) => readonly Advice[];

/** Reasons that end by themselves have no entry. A reason of another version gets the general advice. */
const BY_REASON: Readonly<Partial<Record<string, ForReason>>> = {
  BuildFailed: (_, commands) => [
    {
      does: 'correct what it names: the plan is then made by itself; each host says more',
      command: commands.other('explain HOST'),
    },
  ],
  PoolNotFound: ({ spec }, commands) => [
    { does: 'use a pool that exists (spec.poolRef)', command: commands.kubectlCluster('get hostpools') },
    { does: `or make HostPool ${spec.poolRef}`, command: commands.kubectlCluster('explain hostpool.spec') },
  ],
  PassFailed: (_, commands) => [doctor(commands)],
  AwaitingApproval: awaitingApproval,
  NothingToDo: applied,
  Applied: applied,
  NoHosts: (strategy, commands) => [
    {
      does: 'correct which hosts the pool selects (spec.provider, spec.roles); a host that joins is planned by itself',
      command: editPool(strategy, commands),
    },
  ],
  Applying: applying,
  DrainBlocked: applying,
  WaitingForPermits: applying,
  JobNotStarted: jobNotStarted,
  WaitingForPerson: waitingForPerson,
  HostClaimed: hostClaimed,
  HostUnwell: (_, commands) => [
    {
      does: 'mend the named host, or take it out of the pool: it continues by itself then',
      command: commands.kubectlCluster('get nodes'),
    },
    { does: 'or leave a dead host out of this run', command: commands.ofHost('skip', 'HOST') },
  ],
  PausedAtStage: pausedAtStage,
  ThroughStageReached: pausedAtStage,
  HostsLackRelease: lackRelease,
  OtherPlanPinned: awaitingApproval,
  LimitBelowStage: (strategy, commands) => [
    { does: 'let the pool spare as many hosts (spec.maxUnavailable)', command: editPool(strategy, commands) },
    {
      does: 'or take fewer at once (maxParallelWorkerHosts, or serial): another plan is made then',
      command: editStrategy(commands),
    },
  ],
  AbortOrdered: (_, commands) => [
    { does: 'end the order to abort; the plan then waits', command: commands.own('hold') },
  ],
  ApplyFailed: applyFailed,
  Aborted: aborted,
  AbortFailed: abortFailed,
  Suspended: suspended,
  NotPermitted: (strategy, commands) => [
    { does: 'change the strategy to what its pool permits', command: editStrategy(commands) },
    { does: 'or have the rule of the pool changed', command: editPool(strategy, commands) },
  ],
  NamespaceNotPrepared: ({ metadata: { namespace } }, commands) => [
    {
      does: `let the operator run Jobs in ${namespace}`,
      command: commands.kubectl(
        `create rolebinding careen-jobs --clusterrole=careen-jobs --serviceaccount=${OPERATOR_NAMESPACE}:careen`,
      ),
    },
  ],
  SpecUnreadable: (strategy, commands) => [
    {
      does: 'correct the named field',
      command: strategy.unreadable === undefined ? editPool(strategy, commands) : editStrategy(commands),
    },
    doctor(commands, 'or bring CRDs and operator to the same version'),
  ],
  KindsOutdated: (_, commands) => [
    {
      does: 'apply the CRDs of the version of the operator',
      command: commands.kubectlCluster('apply --server-side -k deploy/crds'),
    },
    doctor(commands, 'see what is outdated'),
  ],
  Paused: ({ spec: { poolRef } }, commands) => [
    {
      does: `end the pause of HostPool ${poolRef}, as an administrator`,
      command: commands.kubectlCluster(
        `patch hostpool ${poolRef} --type merge -p '{"spec":{"paused":false}}'`,
      ),
    },
  ],
  ProviderUnavailable: (strategy, commands) => [
    {
      does: 'mend what the message names: the Secret, the login, or the way to the cloud; it continues by itself then',
      command: commands.kubectlCluster(`describe hostpool ${strategy.spec.poolRef}`),
    },
    { does: 'or correct the pool (spec.provider)', command: editPool(strategy, commands) },
  ],
  Overlap: (strategy, commands) => [
    { does: 'make the pools select different hosts (spec.provider)', command: editPool(strategy, commands) },
    doctor(commands, 'see which hosts are in two pools'),
  ],
};

function doctor(commands: Commands, does = 'find out what is wrong with the installation'): Advice {
  return { does, command: commands.other('doctor') };
}

function editPool({ spec }: Seen, commands: Commands): string {
  return commands.kubectlCluster(`edit hostpool ${spec.poolRef}`);
}

function editStrategy(commands: Commands): string {
  return commands.kubectl(`edit ${commands.object}`);
}

function patchExecution(commands: Commands, execution: object): string {
  const patch = JSON.stringify({ spec: { execution } });
  return commands.kubectl(`patch ${commands.object} --type merge -p '${patch}'`);
}

function awaitingApproval(strategy: Seen, commands: Commands): Advice[] {
  if (pinnedElsewhere(strategy))
    return [
      {
        does: 'another plan was approved (spec.execution.plan); review this one, then set its digest',
        command: patchExecution(commands, { plan: strategy.status.run?.planDigest }),
      },
    ];
  return [
    { does: 'carry out this plan', command: commands.own('approve') },
    { does: 'or only its first stage', command: commands.own('apply', '--stage', '0') },
  ];
}

function applied(strategy: Seen, commands: Commands): Advice[] {
  if (!holds(strategy, 'Drifted')) return [{ does: 'nothing: all that was ordered is done' }];
  const { act, lack } = strategyWords(strategy.spec);
  return [{ does: `${act} the hosts that ${lack} since`, command: commands.own('apply') }];
}

function pausedAtStage({ status }: Seen, commands: Commands): Advice[] {
  const next = String(status.applyPhase?.currentStage ?? 0);
  return [
    { does: `carry out stage ${next}, then wait again`, command: commands.own('apply', '--stage', next) },
    { does: 'or carry out all the rest', command: commands.own('apply') },
    { does: 'or end it here', command: commands.own('abort') },
  ];
}

/** The end of an upgrade waits for hosts that its run left out. */
function lackRelease({ status: { applyPhase, skipped = [] } }: Seen, commands: Commands): Advice[] {
  const isSkipped = (host: string): boolean => skipped.some(({ name }) => name === host);
  const hosts = applyPhase ? leftOutHosts(applyPhase).filter((host) => !isSkipped(host)) : [];
  return [
    ...hosts.slice(0, NAMED).map((host) => ({
      does: `end the upgrade without ${host}`,
      command: commands.ofHost('skip', host),
    })),
    { does: 'or end the run here: hosts that have the release keep it', command: commands.own('abort') },
  ];
}

function suspended(strategy: Seen, commands: Commands): Advice[] {
  const isBegun = strategy.status.state === 'applying';
  return [
    { does: 'continue (spec.execution.mode)', command: patchExecution(commands, { mode: 'Run' }) },
    {
      does: isBegun
        ? 'or finish the hosts that are out of service, and begin no further stage'
        : 'or let the plan wait for its approval',
      command: commands.own('hold'),
    },
    ...(isBegun ? [{ does: 'or release all hosts', command: commands.own('abort') }] : []),
  ];
}

function uncordoned({ status }: Seen, commands: Commands, pool: HostPool | undefined): Advice[] {
  const opened = (status.progress?.hosts ?? []).filter((host) => host.uncordoned);
  const isRemote = pool?.spec.provider.openstack !== undefined;
  return [
    ...opened.slice(0, NAMED).map(({ name }) =>
      isRemote
        ? enabledByOthers(name)
        : {
            does: `somebody uncordoned ${name} while Careen works on it; cordon it to continue, it is uncordoned at the end`,
            command: commands.kubectlCluster(`cordon ${name}`),
          },
    ),
    { does: 'or release all hosts', command: commands.own('abort') },
  ];
}

function enabledByOthers(name: string): Advice {
  return {
    does: `somebody enabled ${name} while Careen works on it; disable it to continue, it is enabled at the end`,
    command: `openstack compute service set --disable ${name} nova-compute`,
  };
}

const NAMED = 3;

function applying(strategy: Seen, commands: Commands, pool: HostPool | undefined): readonly Advice[] {
  const ofProjects = projectAdvice(strategy, commands, pool);
  if (ofProjects.length > 0) return ofProjects;
  return lacksPermits(strategy)
    ? withoutPermits(strategy, commands, pool)
    : draining(strategy, commands, pool);
}

/** The hosts whose pods have still to leave. */
export function drainingHosts({ status }: Seen): readonly HostProgress[] {
  return (status.progress?.hosts ?? []).filter(
    ({ step, result, reason }) => isEmptying(step) && !isFinal(result) && reason !== undefined,
  );
}

/** A drain waits for the owners of pods or servers: whoever looks wants to know which are left. */
function draining(strategy: Seen, commands: Commands, pool: HostPool | undefined): Advice[] {
  const hosts = drainingHosts(strategy).slice(0, NAMED);
  if (pool?.spec.provider.openstack)
    return hosts.map(({ name }) => ({
      does: `see which servers are left on ${name}`,
      command: `openstack server list --all-projects --host ${name}`,
    }));
  return hosts.map(({ name }) => ({
    does: `see which pods are left on ${name}`,
    command: commands.kubectlCluster(`get pods -A --field-selector spec.nodeName=${name}`),
  }));
}

/** Others make the pods of a Job, and the pod says why it does not start. */
function jobNotStarted(strategy: Seen, commands: Commands): readonly Advice[] {
  const jobs = (strategy.status.progress?.hosts ?? []).flatMap((host) =>
    (host.jobs ?? [])
      .filter(({ result }) => result === undefined)
      .map(({ name }) => ({
        does: `see why the Job on ${host.name} does not start`,
        command: commands.kubectl(`describe job,pod -l job-name=${name}`),
      })),
  );
  return jobs.length > 0
    ? jobs.slice(0, NAMED)
    : [{ does: 'see its Jobs', command: commands.kubectl('get jobs,pods') }];
}

/** One command for each host: a person says so of the work that they did. */
function waitingForPerson({ status }: Seen, commands: Commands): readonly Advice[] {
  return (status.progress?.hosts ?? []).flatMap((host) => {
    const work = openManual(host);
    if (!work) return [];
    return [
      {
        does: `when ${work.action} is done on ${host.name}, by ${work.deadline}, say so`,
        command: commands.ofHost('done', host.name),
      },
    ];
  });
}

function hostClaimed({ status }: Seen, commands: Commands): Advice[] {
  const stage = status.applyPhase && runningStage(status.applyPhase);
  return (stage ? remainingHosts(stage) : []).slice(0, NAMED).map((host) => ({
    does: `see who has ${host}`,
    command: commands.other(`explain ${host}`),
  }));
}

/** Whether the stage is to take its hosts, and has none of them yet. */
export function lacksPermits({ status: { applyPhase, progress } }: Seen): boolean {
  const stage = applyPhase && runningStage(applyPhase);
  const step = stage?.steps[stage.currentStep];
  if (!step || (progress?.hosts.length ?? 0) > 0) return false;
  return kindOf(step.name)?.opensOutage === (stage.level ?? 'away');
}

/** The pool grants permits again when others have put hosts back into service. */
function withoutPermits({ spec, status }: Seen, commands: Commands, pool: HostPool | undefined): Advice[] {
  const { outOfService, permits = [], runs = [] } = pool?.status ?? {};
  const closed = (outOfService?.hosts ?? []).slice(0, NAMED).map((host) => ({
    does: `${host} is out of service; see who took it, and what puts it back`,
    command: commands.other(`explain ${host}`),
  }));
  const others = runs.filter(({ id }) => id !== status.run?.id && permits.some(({ run }) => run === id));
  const holders = others.slice(0, NAMED).map(({ owner: { namespace, name } }) => ({
    does: `${namespace}/${name} has hosts of the pool out of service; see how far it is`,
    command: commands.other(`status ${name} -n ${namespace}`),
  }));
  const found = [...closed, ...holders];
  const look = {
    does: `see which hosts of HostPool ${spec.poolRef} are out of service`,
    command: commands.kubectlCluster(`get hostpool ${spec.poolRef} -o yaml`),
  };
  return found.length > 0 ? found : [look];
}

function applyFailed(strategy: Seen, commands: Commands, pool: HostPool | undefined): Advice[] {
  const { status } = strategy;
  const hosts = failedHosts(status.progress?.hosts ?? []);
  const [first] = hosts;
  return [
    ...projectAdvice(strategy, commands, pool),
    ...hosts.slice(0, NAMED).flatMap((host) => logsOf(host, commands)),
    { does: 'when its cause is mended, repeat the failed stage', command: commands.own('retry') },
    ...(first
      ? [
          {
            does: 'or repeat nothing, when somebody has done its work by hand',
            command: commands.own('resume'),
          },
          { does: `or give ${first.name} back as it is`, command: commands.ofHost('release', first.name) },
          {
            does: `or leave ${first.name} out of the rest of the run, when it is dead; then retry`,
            command: commands.ofHost('skip', first.name),
          },
        ]
      : []),
    { does: 'or end the run and release all hosts', command: commands.own('abort') },
  ];
}

function failedHosts(hosts: readonly HostProgress[]): readonly HostProgress[] {
  return hosts.filter(({ result }) => isFinal(result) && result !== 'success');
}

function logsOf({ name, jobs = [] }: HostProgress, commands: Commands): Advice[] {
  const failed = jobs.find(({ result }) => result === 'failed');
  return failed
    ? [{ does: `see what its Job said on ${name}`, command: commands.kubectl(`logs job/${failed.name}`) }]
    : [{ does: `see how ${name} is`, command: commands.other(`explain ${name}`) }];
}

function aborted({ status }: Seen, commands: Commands): Advice[] {
  return status.run?.abortedIn === 'Hold'
    ? [{ does: 'make a new plan and carry it out', command: commands.own('apply') }]
    : [{ does: 'make a new plan, which then waits', command: commands.own('hold') }];
}

function abortFailed({ status }: Seen, commands: Commands): Advice[] {
  const hosts = status.progress?.hosts ?? [];
  if (hosts.length === 0)
    return [{ does: 'no host is held; make a new plan, which then waits', command: commands.own('hold') }];
  return [
    { does: 'abort again: the hosts are released as they are', command: commands.own('abort') },
    ...hosts.slice(0, NAMED).map(({ name }) => ({
      does: `or inspect ${name}, and open it`,
      command: commands.kubectlCluster(`uncordon ${name}`),
    })),
  ];
}
