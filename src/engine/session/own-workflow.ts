/**
 * Workflows of your own (docs/reference/own-workflows.md): what they are given, what they answer, and what becomes of it.
 * They choose the acts of a round; the stages of each act are those of Careen's own workflows, so permits, claims, questions
 * and deadlines are the same. Pure: the caller loads the module.
 */
import { z } from 'zod';
import { ACTION_TYPES } from '../../crds/spec/session-terms.ts';
import type { Stage } from '../../planner/plan.ts';
import { projectOf, type Occupied } from './occupancy.ts';
import { askingStage, closingStage, emptyingStage, hostStage, inPlaceStage } from './rounds.ts';
import type { NextRound, Standing, Workflow } from './workflow.ts';

export const OWN_WORKFLOW_VERSION = 'v1alpha1';

/** What a module is given: plain data, a copy of its own. */
export type OwnStanding = {
  readonly apiVersion: typeof OWN_WORKFLOW_VERSION;
  /** RFC 3339. */
  readonly now: string;
  readonly session: {
    readonly state: string;
    readonly previousState?: string;
    readonly actions: readonly { readonly plugin: string; readonly type: string }[];
    readonly metadata: Readonly<Record<string, string>>;
  };
  /** All hosts in their order; `labels`, `instances`, `capacity` and `free` only of compute hosts. */
  readonly hosts: readonly OwnHost[];
  /** The last stages, as far as they are at hand. */
  readonly stages: readonly {
    readonly name: string;
    readonly hosts: readonly string[];
    readonly result: string;
  }[];
};

type OwnHost = {
  readonly name: string;
  readonly type: string;
  readonly maintained: boolean;
  readonly labels?: Readonly<Record<string, string>>;
  readonly instances?: readonly {
    readonly uid: string;
    readonly name: string;
    readonly project: string;
    readonly size?: number | undefined;
  }[];
  readonly capacity?: number;
  readonly free?: number;
};

const host = z.string().max(253);
const reason = z.string().min(1).max(500);
const EMPTYING = ['PREPARE_MAINTENANCE', 'PLANNED_MAINTENANCE'] as const;
const ASKING = ['MAINTENANCE', 'SCALE_IN', 'MAINTENANCE_COMPLETE'] as const;
const MOST_ACTS = 500;

const work = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('close') }),
  z.strictObject({ do: z.literal('maintain'), host }),
  z.strictObject({ do: z.literal('run'), host, types: z.array(z.enum(ACTION_TYPES)).min(1) }),
]);
const round = z.discriminatedUnion('state', [
  z.strictObject({
    kind: z.literal('round'),
    state: z.enum(ASKING),
    acts: z.array(z.strictObject({ do: z.literal('ask') })).length(1),
  }),
  z.strictObject({
    kind: z.literal('round'),
    state: z.enum(EMPTYING),
    acts: z
      .array(z.strictObject({ do: z.literal('empty'), host }))
      .min(1)
      .max(MOST_ACTS),
  }),
  z.strictObject({
    kind: z.literal('round'),
    state: z.literal('START_MAINTENANCE'),
    acts: z.array(work).min(1).max(MOST_ACTS),
  }),
]);
const answer = z.union([
  round,
  z.strictObject({ kind: z.literal('complete') }),
  z.strictObject({ kind: z.enum(['wait', 'failed']), reason }),
]);

/**
 * The workflow of a module.
 * @param ask calls it; throws an error with one sentence when it throws, takes too long, or cannot be called
 */
export function ownWorkflow(name: string, ask: (standing: OwnStanding) => unknown): Workflow {
  return (standing) => {
    let said: unknown;
    try {
      said = ask(standingFor(standing));
    } catch (error) {
      return failed(name, error instanceof Error ? error.message : String(error));
    }
    const { success, data, error } = answer.safeParse(said);
    if (!success) return failed(name, `its answer cannot be read: ${complaint(said, error)}`);
    if (data.kind !== 'round') return data;
    const problem = data.acts.map((act) => againstAct(act, standing)).find((each) => each !== undefined);
    if (problem !== undefined) return failed(name, `its answer cannot be carried out: ${problem}`);
    return { kind: 'round', state: data.state, stages: stagesOf(data, standing) };
  };
}

function failed(name: string, why: string): NextRound {
  return { kind: 'failed', reason: `workflow ${name} failed: ${why}` };
}

/** The first issue where it is; of an answer of no known kind, what it may be. */
function complaint(said: unknown, error: z.ZodError): string {
  const kind = typeof said === 'object' && said !== null && 'kind' in said ? said.kind : undefined;
  if (kind !== 'round') {
    const found = kind === undefined ? 'it has no kind' : `its kind is ${JSON.stringify(kind)}`;
    return kind === 'wait' || kind === 'failed' || kind === 'complete'
      ? `${kind} takes ${kind === 'complete' ? 'nothing else' : 'a reason, and nothing else'}`
      : `${found}, and must be round, complete, wait or failed`;
  }
  const [issue] = round.safeParse(said).error?.issues ?? error.issues;
  const path = issue?.path.map(String).join('.');
  return `${path === '' || path === undefined ? 'it' : path}: ${issue?.message ?? ''}`;
}

type Round = z.infer<typeof round>;
type Act = Round['acts'][number];

/** Why an act is none in this session; a host may come twice in no round. */
function againstAct(act: Act, { session, hosts }: Standing): string | undefined {
  if (!('host' in act)) return undefined;
  const known = session.hosts.find(({ name }) => name === act.host);
  if (!known) return `the session has no host ${act.host}`;
  if (act.do === 'run') return known.type === 'other' ? `nothing runs on ${act.host}` : undefined;
  if (!hosts.some(({ host: { name } }) => name === act.host)) return `${act.host} is no compute host`;
  return act.do === 'maintain' && known.maintained ? `${act.host} is maintained already` : undefined;
}

function stagesOf(round: Round, standing: Standing): readonly Stage[] {
  switch (round.state) {
    case 'PREPARE_MAINTENANCE':
    case 'PLANNED_MAINTENANCE': {
      const { state, acts } = round;
      return acts.map((act) => emptyingStage(standing, state, act.host));
    }
    case 'START_MAINTENANCE':
      return round.acts.flatMap((act) => stageOf(act, standing) ?? []);
    default:
      return [askingStage(standing, round.state)];
  }
}

function stageOf(act: z.infer<typeof work>, standing: Standing): Stage | undefined {
  switch (act.do) {
    case 'close':
      return closingStage(standing);
    case 'maintain':
      return hostStage(standing, act.host);
    case 'run':
      return inPlaceStage(standing, act.host, act.types);
  }
}

function standingFor({ session, terms, hosts, apply, now }: Standing): OwnStanding {
  const occupied = new Map(hosts.map((each) => [each.host.name, each]));
  const { state, previousState } = session;
  return {
    apiVersion: OWN_WORKFLOW_VERSION,
    now: new Date(now).toISOString(),
    session: {
      state,
      ...(previousState === undefined ? {} : { previousState }),
      actions: terms.actions.map(({ plugin, type }) => ({ plugin, type })),
      metadata: terms.metadata,
    },
    hosts: session.hosts.map(({ name, type, maintained }) => ({
      ...{ name, type, maintained },
      ...occupancyOf(occupied.get(name)),
    })),
    stages: apply.stages.map(({ name, hosts: of = [], result }) => ({ name, hosts: of, result })),
  };
}

function occupancyOf(found: Occupied | undefined): Partial<OwnHost> {
  if (!found) return {};
  const { instances, capacity, free, labels } = found;
  return {
    ...{ labels, capacity, free },
    instances: instances.map((each) => ({
      ...{ uid: each.uid, name: each.name, project: projectOf(each), size: each.size },
    })),
  };
}
