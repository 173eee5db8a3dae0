/**
 * The way of every workflow of Fenix (fenix.md §3, §6, §10): hosts one after another, each emptied towards those that are
 * maintained. Workflows differ in how a host is emptied.
 */
import type { HostName } from '../../planner/hosts/facts.ts';
import type { Stage } from '../../planner/plan.ts';
import { isGood } from '../run/results.ts';
import { emptyHosts, easiestToEmpty, freeRoom, hasRoomForOne } from './occupancy.ts';
import {
  askingStage,
  closingStage,
  hostStage,
  inPlaceStage,
  STAGE_OF_STATE,
  type EmptyingState,
} from './rounds.ts';
import type { AskedState } from '../../crds/vocabulary.ts';
import type { SessionHost } from './session-state.ts';
import type { NextRound, Standing, Workflow } from './workflow.ts';

/** So often in a row projects may agree to scale in and give nothing up: nothing tells that the next time differs. */
const FRUITLESS_ROUNDS = 20;

/** The stage of PREPARE_MAINTENANCE or PLANNED_MAINTENANCE that empties a host with the consent of its projects. */
export type Emptying = (standing: Standing, state: EmptyingState, host: HostName) => Stage;

export function hostByHost(emptying: Emptying): Workflow {
  return (standing) => {
    const { session, apply, hosts } = standing;
    switch (session.state) {
      case 'MAINTENANCE':
      case 'SCALE_IN':
        return byRoom(standing, emptying);
      case 'PREPARE_MAINTENANCE': {
        const isEmptied = isGood(apply.stages.at(-1)?.result ?? 'failed');
        return isEmptied ? byRoom(standing, emptying) : scaleIn(standing);
      }
      case 'START_MAINTENANCE':
        return nextHost(standing, emptying);
      case 'PLANNED_MAINTENANCE':
        // The host may have left meanwhile.
        return emptyHosts(hosts).length > 0 ? start(standing) : nextHost(standing, emptying);
      default:
        return { kind: 'complete' };
    }
  };
}

function nextHost(standing: Standing, emptying: Emptying): NextRound {
  const next = standing.hosts.find(({ host }) => !host.maintained);
  return next
    ? round('PLANNED_MAINTENANCE', emptying(standing, 'PLANNED_MAINTENANCE', next.host.name))
    : complete(standing);
}

/** Only now no host is left: one that was empty when its round began may have taken in something since. */
function complete(standing: Standing): NextRound {
  const stages = [onceStage(standing, 'post'), askingStage(standing, 'MAINTENANCE_COMPLETE')];
  return {
    kind: 'round',
    state: 'MAINTENANCE_COMPLETE',
    stages: stages.filter((stage) => stage !== undefined),
  };
}

/** The stage of the actions that run once, on the first host; undefined without such actions. */
function onceStage(standing: Standing, type: 'pre' | 'post'): Stage | undefined {
  const { session, hosts } = standing;
  const isPresent = ({ name }: SessionHost): boolean => hosts.some(({ host }) => host.name === name);
  const known = session.hosts.filter((host) => host.type === 'controller' || isPresent(host));
  // A host that was closed in PREPARE_MAINTENANCE is claimed already.
  const closed = new Set(session.closed.map(({ name }) => name));
  const host = known.find(({ name }) => !closed.has(name)) ?? known[0];
  return host && inPlaceStage(standing, host.name, [type]);
}

function round(state: AskedState, stage: Stage): NextRound {
  return { kind: 'round', state, stages: [stage] };
}

function byRoom(standing: Standing, emptying: Emptying): NextRound {
  const { hosts, terms } = standing;
  if (emptyHosts(hosts).length > 0) return start(standing);
  // Projects that were asked to scale in before give up something: the next try shows whether it is enough.
  const mayFit = hasRoomForOne(hosts) || terms.othersTakeIn === true;
  if (!mayFit) return scaleIn(standing);
  const chosen = easiestToEmpty(hosts);
  return chosen
    ? round('PREPARE_MAINTENANCE', emptying(standing, 'PREPARE_MAINTENANCE', chosen.host.name))
    : { kind: 'failed', reason: 'the session has no compute host' };
}

function scaleIn(standing: Standing): NextRound {
  const { scaleIn: before } = standing.session;
  if (before && before.rounds >= FRUITLESS_ROUNDS && before.room >= freeRoom(standing.hosts))
    return {
      kind: 'failed',
      reason: `the projects agreed to scale in ${String(before.rounds)} times and gave nothing up: no host can be emptied`,
    };
  return round('SCALE_IN', askingStage(standing, 'SCALE_IN'));
}

/** Works on every empty host; before the first one it closes all of them. */
function start(standing: Standing): NextRound {
  const { session, hosts, apply } = standing;
  const empty = emptyHosts(hosts);
  if (empty.length === 0) return { kind: 'failed', reason: 'no host is empty, so none can be worked on' };
  const { earlier, stages: atHand } = apply;
  // Stages are put aside only after the first one of START_MAINTENANCE.
  const isFirst = !earlier && atHand.every(({ name }) => name !== STAGE_OF_STATE.START_MAINTENANCE);
  const controllers = session.hosts.filter(({ type }) => type === 'controller');
  const first = isFirst
    ? [
        onceStage(standing, 'pre'),
        ...controllers.map(({ name }) => inPlaceStage(standing, name, ['host', 'controller'])),
        closingStage(standing),
      ]
    : [];
  const each = empty.map(({ host }) => hostStage(standing, host.name));
  const stages = [...first, ...each].filter((stage) => stage !== undefined);
  return { kind: 'round', state: 'START_MAINTENANCE', stages };
}
