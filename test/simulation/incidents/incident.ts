/**
 * An incident is a kind of trouble that befalls the simulated cluster, such as a node that joins or a webhook that
 * denies. Each kind draws from a random stream of its own, and most kinds are switched off in a seed: a seed without a
 * kind runs as if the kind did not exist.
 */
import type { Call } from '../../../src/kube/client.ts';
import { stageOf, stagesOf, type Stage, type Step } from '../seen.ts';
import type { ApiServer } from '../world/api-server.ts';
import type { Cluster } from '../world/cluster.ts';
import type { JobStart } from '../world/job-controller.ts';
import type { ApiObject } from '../world/objects.ts';
import type { Random } from '../world/random.ts';
import type { Scheduler } from '../world/scheduler.ts';
import { isStrategies, type StrategyRef } from '../world/strategies.ts';

/** The cluster in which an incident happens, and its own source of chance. */
export type Scene = {
  readonly server: ApiServer;
  readonly cluster: Cluster;
  readonly scheduler: Scheduler;
  readonly random: Random;
  /** The hosts that are there from the beginning. */
  readonly hosts: readonly string[];
  readonly strategies: readonly StrategyRef[];
  /** Nothing worse may happen than a run has to endure: at its end every planned host is patched, or gone. */
  readonly isMild: boolean;
  /** Whether nothing may go wrong any more. */
  readonly isOver: () => boolean;
  /** From now on this strategy has to patch this host, too. */
  readonly expectPatched: (strategy: StrategyRef, host: string) => void;
  /** Counts the incident. */
  readonly note: (about: string) => void;
};

/** The points at which a kind takes part in the cluster. */
export type Influence = {
  /** May change a request before it is carried out, or throw Refusal. */
  readonly admit?: (request: Call) => Call;
  /** The start of the container of a Job; undefined: at once. */
  readonly startOf?: (job: ApiObject) => JobStart | undefined;
  /** A host is about to be Ready after its reboot. */
  readonly comesBack?: (host: string) => void;
  /** How long a finalizer holds a pod that has ended. */
  readonly heldMs?: (pod: ApiObject) => number;
  /** The host on which the successor of a pod starts. */
  readonly returnsTo?: (pod: ApiObject) => string | undefined;
};

/** Switches a kind on. */
export type Incident = (scene: Scene) => Influence;

/** A step of the apply phase that has just begun. */
export type Begun = { readonly strategy: ApiObject; readonly stage: Stage; readonly step: Step };

/** Calls `act` with each step of the apply phase that begins. */
export function whenStepBegins({ server, isOver }: Scene, act: (begun: Begun) => void): void {
  server.listen(({ resource, type, object: strategy, before }) => {
    if (!isStrategies(resource) || type !== 'MODIFIED' || !before || isOver()) return;
    const old = stagesOf(before);
    for (const stage of stagesOf(strategy))
      for (const step of stage.steps)
        if (step.result === 'wait' && stageOf(old, stage.id)?.steps[step.id]?.result !== 'wait')
          act({ strategy, stage, step });
  });
}

/** Arranges something for later, unless nothing may go wrong by then. */
export function later(
  { scheduler, isOver }: Pick<Scene, 'scheduler' | 'isOver'>,
  milliseconds: number,
  act: () => void,
): void {
  scheduler.after(milliseconds, () => {
    if (!isOver()) act();
  });
}

/** Begins something now and ends it after so long, whatever happens meanwhile. */
export function lasting(
  { scheduler }: Scene,
  milliseconds: number,
  begin: () => void,
  end: () => void,
): void {
  begin();
  scheduler.after(milliseconds, end);
}
