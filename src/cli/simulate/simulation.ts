/** Simulates the run of a strategy: docs/reference/simulate.md. */
import { strategyWords } from '../../crds/text/strategy-words.ts';
import { counted } from '../../crds/text/counted.ts';
import type { Reason } from '../../crds/observed/conditions.ts';
import type { Finding } from '../../crds/observed/finding.ts';
import { API_VERSION } from '../../crds/names.ts';
import { enumerated } from '../../crds/text/enumerated.ts';
import type { StrategyState } from '../../crds/vocabulary.ts';
import { heldByPin, pinnedElsewhere } from '../../status/stored/pinned-plan.ts';
import { messageOf } from '../../status/shown/message.ts';
import { heldByLimit } from '../../status/order.ts';
import { newRun, type RunState } from '../../engine/run/run-state.ts';
import { alarmsPresent } from '../../engine/steps/query-alarms.ts';
import { computeHosts, type SessionProgress } from '../../engine/session/session-state.ts';
import { KNOWN_WORKFLOWS } from '../../engine/session/workflows.ts';
import type { HeldBack, Order } from '../../engine/turn.ts';
import type { Instant } from '../../engine/view.ts';
import { NODE_WORDS } from '../../hostops/node-words.ts';
import { CommandError } from '../command-error.ts';
import type { Fleet } from '../files/fleet-file.ts';
import { unwellBecause } from '../plan/host-state.ts';
import { poolOfNodes } from '../plan/planned-pool.ts';
import { foreseenPlan, planFor, previewOf, type Planned, type Preview } from '../plan/preview.ts';
import type { Strategy } from '../files/strategy-file.ts';
import { leftOf, type LeftHost } from './left-hosts.ts';
import { rehearse, type Rehearsal } from './rehearsal.ts';
import type { EnteredState } from './supposed-projects.ts';
import type { StageSpan } from './timeline.ts';
import { readWhatIf, type WhatIfOptions } from './what-if.ts';

/** The output of `careen simulate -o yaml` and `-o json`. */
export type Simulation = Pick<
  Preview,
  'apiVersion' | 'strategy' | 'pool' | 'planDigest' | 'estimate' | 'findings'
> & {
  readonly kind: 'Simulation';
  readonly seed?: number;
  /** The state of the strategy at the end. */
  readonly outcome: StrategyState;
  /** The message in its status at the end. */
  readonly message: string;
  readonly durationSeconds: number;
  readonly stages: readonly StageSpan[];
  /** Only of a session. */
  readonly session?: SimulatedSession;
  /** The hosts that lack a patch at the end, stay locked, or failed. */
  readonly left: readonly LeftHost[];
  /** The actions that are possible after a failure. */
  readonly remedies: readonly Remedy[];
};

export type SimulatedSession = {
  /** In their order, each with its time from the beginning of the run. */
  readonly states: readonly EnteredState[];
  /** How many hosts of how many are maintained. */
  readonly maintained: number;
  readonly hosts: number;
};

export type Remedy = { readonly does: string; readonly command: string };

/** The findings that keep every stage from beginning. The others take effect only when their stage begins. */
const HOLDS_BACK: Partial<Record<Finding['reason'], Reason>> = {
  NotPermitted: 'NotPermitted',
  PoolPaused: 'Paused',
  PoolOverlap: 'Overlap',
};

/** Runs the plan of a strategy on simulated hosts. Throws CommandError when an option does not fit the plan. */
export async function simulationOf(
  strategy: Strategy,
  fleet: Fleet,
  options: WhatIfOptions,
  now: Instant,
): Promise<Simulation> {
  const nodes = poolOfNodes(fleet);
  const planned = planFor(strategy, nodes, now);
  checkWorkflow(planned);
  const { strategy: name, pool, planDigest, estimate, findings } = previewOf(strategy, nodes, planned);
  const whatIf = readWhatIf(options, foreseenPlan(planned));
  const order = orderOf(strategy, planned, pool.name);
  const rehearsal = await rehearse(planned, fleet, order, whatIf);
  const { outcome, message } = endOf(rehearsal, planned, order, fleet);
  const stages = rehearsal.timeline.stagesOf(rehearsal.apply, rehearsal.endedAt);
  const left = leftOf(stages, rehearsal);
  return {
    apiVersion: API_VERSION,
    kind: 'Simulation',
    ...{ strategy: name, pool, planDigest, estimate },
    ...(whatIf.seed === undefined ? {} : { seed: whatIf.seed }),
    outcome,
    message,
    durationSeconds: Math.max(0, ...stages.map(({ endSeconds = 0 }) => endSeconds)),
    stages,
    ...(rehearsal.run.session ? { session: simulatedSession(rehearsal.run.session, rehearsal.states) } : {}),
    left,
    remedies: remediesOf(name, outcome, left),
    findings,
  };
}

/** Throws CommandError for a workflow of the administrator: its module is in the operator alone. */
function checkWorkflow({ plan: { actions } }: Planned): void {
  const workflow = actions.session?.workflow;
  if (workflow === undefined || KNOWN_WORKFLOWS.includes(workflow)) return;
  throw new CommandError(
    `spec.workflow is ${workflow}, whose module only the operator has: careen simulate goes by ` +
      `${enumerated(KNOWN_WORKFLOWS, 'or')}; careen plan shows what is known of the session before it begins`,
  );
}

function simulatedSession(session: SessionProgress, states: readonly EnteredState[] = []): SimulatedSession {
  const hosts = computeHosts(session);
  return { states, maintained: hosts.filter(({ maintained }) => maintained).length, hosts: hosts.length };
}

/** The order of the strategy, with mode Run. */
function orderOf({ spec: { execution } }: Strategy, { plan, limit, findings }: Planned, pool: string): Order {
  const pinned = pinnedElsewhere(execution.plan, { planDigest: plan.digest });
  const heldBack =
    heldBackBy(findings) ??
    heldByLimit({ plan, run: newRun('simulated', plan) }, pool, limit) ??
    (pinned === undefined ? undefined : heldByPin(pinned));
  return { ...execution, mode: 'Run', ...(heldBack ? { heldBack } : {}) };
}

function heldBackBy(findings: readonly Finding[]): HeldBack | undefined {
  if (findings.some(({ reason }) => reason === 'HostUnwell'))
    return { reason: 'BuildFailed', message: 'no plan is made' };
  for (const { reason: found, message } of findings) {
    const reason = HOLDS_BACK[found];
    if (reason) return { reason, message };
  }
  return undefined;
}

function endOf(
  { run, reasons }: Rehearsal,
  { plan, findings }: Planned,
  order: Order,
  { hosts }: Fleet,
): { readonly outcome: StrategyState; readonly message: string } {
  if (findings.some(({ reason }) => reason === 'HostUnwell'))
    return { outcome: 'build-failed', message: alarmsPresent(alarmsOf(hosts)) };
  const nobody = plan.stages.length === 0 && findings.find(({ reason }) => NOBODY.has(reason));
  if (nobody) return { outcome: 'build-failed', message: `${nobody.message}; ${nobody.remedy}` };
  const ended: RunState = plan.stages.length === 0 ? { ...run, state: 'applied' } : run;
  const summary = `${counted(plan.stages.length, 'stage')} planned`;
  const openRemedy = NODE_WORDS.remedy('kept-locked');
  const message = messageOf(ended, {
    ...{ summary, reasons, order, openRemedy },
    words: strategyWords(plan.actions),
  });
  return { outcome: ended.state, message };
}

/** The findings that make a plan without stages no success. */
const NOBODY: ReadonlySet<Finding['reason']> = new Set(['NoHosts', 'PoolOverlap']);

function alarmsOf(hosts: Fleet['hosts']): { host: string; text: string }[] {
  return hosts.flatMap((host) => unwellBecause(host).map((text) => ({ host: host.name, text })));
}

/** The commands make an id of their own for each request. */
function remediesOf(
  { namespace, name }: Preview['strategy'],
  outcome: StrategyState,
  left: readonly LeftHost[],
): Remedy[] {
  const about = `${name} -n ${namespace}`;
  const unstaged = left.find(({ state }) => state === 'failed')?.name;
  if (outcome === 'applying' && unstaged !== undefined)
    return [{ does: `end the upgrade without ${unstaged}`, command: `careen skip ${unstaged} ${about}` }];
  if (outcome !== 'apply-failed' && outcome !== 'apply-timeout') return [];
  const retry = {
    does: 'begin the failed stage again, after its cause is fixed',
    command: `careen retry ${about}`,
  };
  const locked = left.find(({ state }) => state === 'locked')?.name;
  if (locked === undefined) return [retry];
  const skip = {
    does: `leave ${locked} out of the rest of the run; then begin the failed stage again`,
    command: `careen skip ${locked} ${about}`,
  };
  const release = {
    does: `release ${locked} as it is, without another attempt`,
    command: `careen release ${locked} ${about}`,
  };
  const abort = {
    does: 'give the whole run up, and release the locked hosts as they are',
    command: `careen abort ${about}`,
  };
  return [retry, skip, release, abort];
}
