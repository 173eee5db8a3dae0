import { describe, expect, it } from 'vitest';
import type { Reason } from '../../../../src/crds/observed/conditions.ts';
import { hostPoolSpec } from '../../../../src/crds/host-pool.ts';
import type { StrategyStatus } from '../../../../src/crds/observed/strategy-status.ts';
import { EXECUTION_MODES, STRATEGY_STATES } from '../../../../src/crds/vocabulary.ts';
import type { HostProgress } from '../../../../src/crds/observed/host-progress.ts';
import { refusal } from '../../../../src/engine/profiles/careen-refusals.ts';
import { CAREEN_ENGINE } from '../../../../src/engine/profiles/careen.ts';
import { evaluateStep } from '../../../../src/engine/evaluate.ts';
import { newPass } from '../../../../src/engine/pass.ts';
import { newRun, type RunState } from '../../../../src/engine/run/run-state.ts';
import type { Order, RunRequest } from '../../../../src/engine/turn.ts';
import { build } from '../../../../src/planner/build.ts';
import { SimulatedHostOps } from '../../../../src/hostops/simulated/simulated-host-ops.ts';
import { SimulatedWorld } from '../../../../src/hostops/simulated/simulated-world.ts';
import { statusOfRun } from '../../../../src/status/stored/codec.ts';
import type { StandingOrder } from '../../../../src/status/shown/waiting.ts';
import { workers } from '../../support/fleets.ts';
import { ask, held } from '../../support/requests.ts';
import { OWNER, strategySpec } from '../../support/simulated-run.ts';

const TIME = '2026-11-26T09:00:00.000Z';
const facts = { 'nodeInfo.kernelVersion': '6.12.40', 'nodeInfo.kubeletVersion': 'v1.36.3' };
const seeds = ['w-1', 'w-2'].map((name) => ({ name, roles: ['worker'] as const, facts }));
const spec = strategySpec({ workerApplyType: 'serial' });
const { plan } = build(spec, seeds, { maxUnavailable: 1 });
const record = {
  ...{ id: 'r', planDigest: plan.digest, specDigest: '', fleetRevision: '', builtAt: TIME },
  ...{ pool: 'default', actions: plan.actions, summary: '2 hosts in 2 stages' },
};
const HELD: readonly Reason[] = ['Paused', 'Overlap', 'NotPermitted', 'OtherPlanPinned', 'Building'];
const failedHost: HostProgress = {
  ...{ name: 'w-1', level: 'away', step: 'sw-patch-hosts', attempt: 1, since: TIME, result: 'failed' },
};

type Situation = { readonly run: RunState; readonly order: StandingOrder };

/** Every run with every order that it may meet. */
const SITUATIONS: readonly Situation[] = runs().flatMap((run) =>
  orders()
    .filter(({ mode }) => run.suspendedSince === undefined || mode === 'Suspend')
    .map((order) => ({ run, order })),
);

function orders(): StandingOrder[] {
  return EXECUTION_MODES.flatMap((mode) =>
    (mode === 'Run' ? [undefined, 0] : [undefined]).flatMap((throughStage): StandingOrder[] => [
      { mode, throughStage },
      ...(mode === 'Abort' ? [] : HELD).map((reason) => ({
        ...{ mode, throughStage },
        heldBack: { reason, message: `because of ${reason}` },
      })),
    ]),
  );
}

/** Every state, with and without the authority of a request and hosts, as far as either stage, after either abort. */
function runs(): RunState[] {
  const fresh = newRun('r', plan);
  return STRATEGY_STATES.filter((state) => state !== 'building' && state !== 'build-failed').flatMap(
    (state) =>
      [undefined, { throughStage: 0, request: 'q-1' }].flatMap((authority) =>
        [[], [failedHost]].flatMap((hosts) =>
          [0, 1].flatMap((currentStage): RunState[] => {
            const apply = { ...fresh.apply, currentStage, stopAtStage: currentStage };
            const run = { ...fresh, state, authority, hosts, apply, currentPhase: 'apply' as const };
            if (state === 'applying') return [run, { ...run, suspendedSince: TIME }, opened(run)];
            const aborts = state.startsWith('abort') ? (['Hold', 'Run'] as const) : [];
            return aborts.length > 0 ? aborts.map((abortedIn) => ({ ...run, abortedIn })) : [run];
          }),
        ),
      ),
  );
}

function opened(run: RunState): RunState {
  const { apply } = run;
  const stages = apply.stages.map((stage, id) =>
    id === apply.currentStage ? { ...stage, inProgress: true } : stage,
  );
  return { ...run, apply: { ...apply, stages, stopAtStage: apply.currentStage + 1 } };
}

function shown({ run, order }: Situation): StrategyStatus {
  return statusOfRun({ run: record }, run, { reasons: [], order, openRemedy: 'kubectl uncordon' }, 1, TIME);
}

function readyOf({ conditions = [] }: StrategyStatus): string | undefined {
  return conditions.find(({ type }) => type === 'Ready')?.reason;
}

function describeIt({ run, order }: Situation): string {
  return JSON.stringify({ ...order, state: run.state, abortedIn: run.abortedIn, authority: run.authority });
}

const { roles, health } = hostPoolSpec.parse({ provider: { kubernetes: {} }, maxUnavailable: 1 });
const SCOPE = {
  ...{ pool: 'default', provider: { kubernetes: { nodeSelector: {} } }, before: [], roles, health },
};

/** The modes that a sentence asks for: `set execution.mode to Hold or Run`, `execution.mode is Abort, set it to Hold`. */
function askedModes(sentence: string): string[] {
  return [
    ...sentence.matchAll(/set (?:execution\.mode|it) to ((?:Hold|Run|Suspend|Abort)(?: or \w+)?)/g),
  ].flatMap(([, modes = '']) => modes.split(' or '));
}

describe('the message of a run, with every order', () => {
  it('never asks for the mode that is set', () => {
    for (const each of SITUATIONS) {
      const { message = '' } = shown(each);
      expect(askedModes(message), `${message} ${describeIt(each)}`).not.toContain(each.order.mode);
    }
  });

  it('says why the run waits, also when something besides the mode holds it back', () => {
    for (const each of SITUATIONS) {
      const { run, order } = each;
      const { message = '' } = shown(each);
      const said = `${message} ${describeIt(each)}`;
      expect(message, said).not.toMatch(/(^|; |: )(;|$)|undefined/);
      if (message.includes('waits before stage')) expect(message, said).toMatch(/waits before stage \d: ./);
      const waits = run.state === 'ready-to-apply' || (run.state === 'applying' && !run.suspendedSince);
      const isLastOpen = run.apply.stages.at(-1)?.inProgress === true;
      if (order.heldBack && waits && !isLastOpen) expect(message, said).toContain(order.heldBack.message);
    }
  });

  it('names the remedy of a failure also after a cause of any length', () => {
    for (const state of ['apply-failed', 'abort-failed'] as const) {
      const reason = 'x'.repeat(4096);
      const fresh = newRun('r', plan);
      const run = { ...fresh, state, hosts: [failedHost], apply: { ...fresh.apply, reason } };
      const ended = { ...run, abort: { ...fresh.apply, reason } };
      expect(shown({ run: ended, order: { mode: 'Hold' } }).message).toContain('release-host');
    }
  });

  it('has a reason of its own for everything that a person does next', () => {
    const remedies = new Map<string, Set<string>>();
    for (const each of SITUATIONS.filter(({ run: { state } }) => state === 'ready-to-apply')) {
      const { message = '' } = shown(each);
      const said = remedies.get(readyOf(shown(each)) ?? '') ?? new Set();
      remedies.set(readyOf(shown(each)) ?? '', said.add(message.replace(/^.*because/, 'because')));
    }
    expect(Object.fromEntries([...remedies].map(([reason, said]) => [reason, said.size]))).toEqual({
      ...{ AwaitingApproval: 1, Beginning: 1, AbortOrdered: 1 },
      // With and without the permission of a request.
      Suspended: 2,
      ...{ Paused: 1, Overlap: 1, NotPermitted: 1, OtherPlanPinned: 1, Building: 1 },
    });
  });
});

describe('the percentage at the top of the status', () => {
  it('is that of the apply phase, also before it begins, and that of the abort after its begin', () => {
    const fresh = newRun('r', plan);
    const done = { ...fresh.apply, completionPercentage: 100 };
    const before = { run: record, buildPhase: done };
    const percentageOf = (run: RunState): number | undefined =>
      statusOfRun(before, run, { reasons: [], order: { mode: 'Hold' } }, 1, TIME).completionPercentage;
    expect(percentageOf(fresh)).toBe(0);
    const half = { ...fresh.apply, completionPercentage: 50 };
    const aborting: RunState = { ...fresh, state: 'aborting', currentPhase: 'apply', apply: half };
    expect(percentageOf(aborting)).toBe(50);
    expect(percentageOf({ ...aborting, currentPhase: 'abort', abort: fresh.apply })).toBe(0);
  });
});

describe('the reason of Ready', () => {
  const fresh = newRun('r', plan);
  const between: RunState = {
    ...{ ...fresh, state: 'applying', currentPhase: 'apply' },
    apply: { ...fresh.apply, currentStage: 1, stopAtStage: 1 },
  };
  const approved = { throughStage: 0, request: 'q' };

  it.each<[string, string, RunState, StandingOrder]>([
    ['AwaitingApproval', 'a plan in Hold', fresh, { mode: 'Hold' }],
    ['Beginning', 'a plan in Run', fresh, { mode: 'Run' }],
    [
      'Beginning',
      'a plan in Hold that a request allows',
      { ...fresh, authority: approved },
      { mode: 'Hold' },
    ],
    ['Suspended', 'a plan in Suspend', fresh, { mode: 'Suspend' }],
    ['AbortOrdered', 'a plan in Abort', fresh, { mode: 'Abort' }],
    ['PausedAtStage', 'a stage in Hold', between, { mode: 'Hold' }],
    ['ThroughStageReached', 'a stage behind throughStage', between, { mode: 'Run', throughStage: 0 }],
    ['Beginning', 'a stage in Run', between, { mode: 'Run', throughStage: 1 }],
  ])('is %s for %s', (reason, _what, run, order) => {
    expect(readyOf(shown({ run, order }))).toBe(reason);
  });
});

describe('a refusal, in every state and mode', () => {
  it('never asks for the mode that is set', () => {
    const view = new SimulatedHostOps(new SimulatedWorld()).view(SCOPE);
    const requests: RunRequest[] = [
      { id: 'q', verb: 'abort' },
      { id: 'q', verb: 'apply-all' },
      { id: 'q', verb: 'apply-stage', stage: 1 },
      { id: 'q', verb: 'retry' },
      { id: 'q', verb: 'release-host', host: 'w-1' },
    ];
    for (const each of SITUATIONS)
      for (const request of requests) {
        const order: Order = each.order;
        const turn = {
          ...{ owner: OWNER, order, requests: [request], pool: 'default', epoch: 1, view },
          ...{ permits: { held: new Map<string, 'away'>() }, outcomes: new Map(), now: Date.parse(TIME) },
        };
        const said = refusal(newPass(plan, each.run, turn, CAREEN_ENGINE, evaluateStep), request) ?? '';
        expect(askedModes(said), `${said} ${describeIt(each)}`).not.toContain(order.mode);
      }
  });
});

describe('the answer to a request', () => {
  it('says what holds the run back', async () => {
    const run = await held({ hosts: workers(2) });
    run.order = { mode: 'Hold', heldBack: { reason: 'Paused', message: 'HostPool default is paused' } };
    expect(await ask(run, { verb: 'apply-all' })).toBe(
      'accepted: the plan is carried out, but not yet: HostPool default is paused',
    );
    expect(run.run.state).toBe('ready-to-apply');
  });
});
