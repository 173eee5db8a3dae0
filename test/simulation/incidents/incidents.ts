/** The kinds of incidents, and those that befall a seed. */
import type { Call } from '../../../src/kube/client.ts';
import type { JobStart } from '../world/job-controller.ts';
import type { ApiObject } from '../world/objects.ts';
import { Random } from '../world/random.ts';
import { cordonWithdrawn } from './cordons.ts';
import { evictionDenied, janitor, jobRefused, jobWithoutPod, policyEditsJobs } from './denials.ts';
import type { Incident, Influence, Scene } from './incident.ts';
import {
  hostFlaps,
  hostMadeAgain,
  nodeJoins,
  plannedHostLeaves,
  problemAfterReboot,
  taintAfterReboot,
} from './nodes.ts';
import { appliedAgain, claimRemoved, gitRestores, ownerRemoved, planStageDeleted } from './objects.ts';
import { daemonPod, debugPod, podComesBack, podHeld } from './pods.ts';

type Row = {
  readonly befall: Incident;
  /** Whether it has a mild form, which every run has to endure. */
  readonly mild: boolean;
  /** It needs something that few runs reach, so more seeds have it. */
  readonly rare?: true | 'very';
};

const nothing: Incident = () => ({});

const TABLE = {
  'node joins': { befall: nodeJoins, mild: true },
  'planned host leaves': { befall: plannedHostLeaves, mild: true },
  'host made again': { befall: hostMadeAgain, mild: true },
  'host flaps': { befall: hostFlaps, mild: true, rare: true },
  // The scenario makes the hosts later.
  'no host at first': { befall: nothing, mild: true },
  'taint after reboot': { befall: taintAfterReboot, mild: true },
  'problem after reboot': { befall: problemAfterReboot, mild: false, rare: 'very' },
  'eviction denied': { befall: evictionDenied, mild: true },
  'Job refused': { befall: jobRefused, mild: true },
  'Job without pod': { befall: jobWithoutPod, mild: true },
  'Job deleted': { befall: janitor, mild: true },
  'Job edited': { befall: policyEditsJobs, mild: false, rare: true },
  'pod comes back': { befall: podComesBack, mild: false, rare: true },
  'pod of a DaemonSet': { befall: daemonPod, mild: true },
  'pod held': { befall: podHeld, mild: true },
  'debug pod': { befall: debugPod, mild: true, rare: true },
  'strategy restored': { befall: gitRestores, mild: false },
  'claim removed': { befall: claimRemoved, mild: false, rare: true },
  'owner removed': { befall: ownerRemoved, mild: false, rare: true },
  'cordon withdrawn': { befall: cordonWithdrawn, mild: false, rare: 'very' },
  'PlanStage deleted': { befall: planStageDeleted, mild: false, rare: 'very' },
  'apply-all again': { befall: appliedAgain, mild: true, rare: true },
} satisfies Readonly<Record<string, Row>>;

export type IncidentKind = keyof typeof TABLE;
const ROWS: Readonly<Record<IncidentKind, Row>> = TABLE;
// A cast: Object.keys does not keep which keys there are.
export const INCIDENT_KINDS = Object.keys(TABLE) as IncidentKind[];
const MILD = INCIDENT_KINDS.filter((kind) => ROWS[kind].mild);
/** A rare kind stands twice. */
const MILD_DRAWS = [...MILD, ...MILD.filter((kind) => ROWS[kind].rare)];

/** The share of seeds that are calm: nothing happens besides mild incidents. */
const CALM = 0.15;
/** The share of the other seeds in which a kind is switched on. */
const SWITCHED_ON = 0.05;
const RARE = 0.08;
const VERY_RARE = 0.16;

/** The incidents of a seed. */
export type Fate = { readonly isCalm: boolean; readonly kinds: ReadonlySet<IncidentKind> };

export function fateOf(seed: number): Fate {
  const random = Random.named(seed, 'incidents');
  const isCalm = random.chance(CALM);
  const isOn = (kind: IncidentKind): boolean =>
    Random.named(seed, `${kind} is on`).chance(shareOf(ROWS[kind]));
  const kinds = isCalm ? [random.pick(MILD_DRAWS), random.pick(MILD_DRAWS)] : INCIDENT_KINDS.filter(isOn);
  return { isCalm, kinds: new Set(kinds) };
}

function shareOf({ rare }: Row): number {
  if (rare === undefined) return SWITCHED_ON;
  return rare === 'very' ? VERY_RARE : RARE;
}

export type IncidentsOptions = Omit<Scene, 'random' | 'isMild' | 'isOver' | 'note'> & {
  readonly seed: number;
  readonly fate: Fate;
  readonly note: (kind: IncidentKind, about: string) => void;
};

export class Incidents {
  readonly #influences: readonly Influence[];
  #isOver = false;

  constructor({ seed, fate: { isCalm, kinds }, note, ...world }: IncidentsOptions) {
    this.#influences = [...kinds].map((kind) =>
      ROWS[kind].befall({
        ...world,
        random: Random.named(seed, kind),
        isMild: isCalm,
        isOver: () => this.#isOver,
        note: (about) => note(kind, about),
      }),
    );
  }

  /** From now on nothing goes wrong. */
  stop(): void {
    this.#isOver = true;
  }

  /** The request as admission leaves it. Throws Refusal. */
  admit(request: Call): Call {
    return this.#influences.reduce((changed, { admit }) => admit?.(changed) ?? changed, request);
  }

  startOf(job: ApiObject): JobStart | undefined {
    return this.#first(({ startOf }) => startOf?.(job));
  }

  comesBack(host: string): void {
    for (const { comesBack } of this.#influences) comesBack?.(host);
  }

  heldMs(pod: ApiObject): number {
    return Math.max(0, ...this.#influences.map(({ heldMs }) => heldMs?.(pod) ?? 0));
  }

  returnsTo(pod: ApiObject): string | undefined {
    return this.#first(({ returnsTo }) => returnsTo?.(pod));
  }

  #first<T>(ask: (influence: Influence) => T | undefined): T | undefined {
    return this.#influences.map(ask).find((answer) => answer !== undefined);
  }
}
